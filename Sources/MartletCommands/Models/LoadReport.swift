import MartletJSON
import MartletModels

/// The memory of a load beside the free memory, as text and as JSON.
struct LoadReport {
    /// The width of the first column of `martlet show`.
    static let labelWidth = 12

    /// The memory of each place.
    let plan: MemoryPlan
    /// The settings of the load.
    let request: LoadRequest
    /// The free memory of each place.
    let free: MemoryFit.Free
    /// Tokens; `nil` if not even the smallest context fits.
    let largestContextLength: Int?
    /// Tokens; `nil` if the file does not state the number.
    let trainedContextLength: Int?
    /// Whether each place has enough memory.
    let fits: Bool

    /// Plans a load.
    init(shape: ModelShape, request: LoadRequest, free: MemoryFit.Free) {
        self.request = request
        self.free = free
        plan = MemoryPlan(shape, request)
        trainedContextLength = shape.trainedContextLength
        largestContextLength = MemoryFit.largestContextLength(
            shape, request, in: free, upTo: shape.trainedContextLength ?? 1 << 20)
        fits = MemoryFit.fits(plan, in: free)
    }

    /// The parts of a share with their names, without those of no bytes.
    private static func parts(_ share: MemoryPlan.Share) -> [(String, UInt64)] {
        [
            ("weights", share.weights), ("KV cache", share.cache), ("compute", share.compute),
            ("projector", share.projector), ("draft", share.draft),
            (share.device == nil ? "program" : "driver", share.overhead),
        ].filter { $0.1 > 0 }
    }

    /// One block per place with weights, and the conclusion.
    ///
    /// A context beyond the trained one adds a warning.
    var text: String {
        var lines: [[String]] = []
        func add(_ label: String, _ value: String) { lines.append([label.padded(to: Self.labelWidth), value]) }
        let layout = request.usesUnifiedKV ? "with one KV cache" : "with a KV cache each"
        for (index, share) in plan.shares.enumerated() where index == 0 || share.weights > 0 {
            let place = share.device.map { " on \($0), \(share.layerCount) layers" } ?? ""
            add(
                "needs",
                "\(DoctorFinding.size(share.total))\(place) for \(request.contextLength) tokens, \(request.sequenceCount) "
                    + "sequences \(layout)")
            for (name, bytes) in Self.parts(share) { add("  " + name, DoctorFinding.size(bytes)) }
            add("free", DoctorFinding.size(index == 0 ? free.host : free.devices[index - 1]))
        }
        let largest =
            largestContextLength.map { "the largest context that fits is \($0) tokens" } ?? "no context would fit"
        add("fits", "\(fits ? "yes" : "NO"); \(largest)")
        if let trained = trainedContextLength, request.contextLength > trained {
            add("warning", "the model was trained with \(trained) tokens; beyond them its output degrades")
        }
        return TextTable.text(lines)
    }

    /// An object with the shares, the context and the conclusion. Sizes are bytes.
    var json: JSONValue {
        .object([
            "fits": .bool(fits), "context_length": .integer(Int64(request.contextLength)),
            "sequences": .integer(Int64(request.sequenceCount)), "unified_kv": .bool(request.usesUnifiedKV),
            "gpu_layers": .integer(Int64(request.deviceLayerCount)),
            "largest_context_length": largestContextLength.map { .integer(Int64($0)) } ?? .null,
            "shares": .array(
                plan.shares.enumerated().map { index, share in
                    .object([
                        "device": share.device.map { .string($0) } ?? .null, "weights": JSONValue(share.weights),
                        "cache": JSONValue(share.cache), "compute": JSONValue(share.compute),
                        "projector": JSONValue(share.projector), "draft": JSONValue(share.draft),
                        "overhead": JSONValue(share.overhead), "total": JSONValue(share.total),
                        "free": JSONValue(index == 0 ? free.host : free.devices[index - 1]),
                    ])
                }),
        ])
    }
}
