import ArgumentParser
import Llama
import MartletEngine
import MartletModels

/// The flags of `martlet show` from which the memory of a load follows. Names and defaults are those of `martlet serve`.
struct LoadOptions: ParsableArguments {
    @Option(name: [.customShort("c"), .long], help: "Tokens of one sequence. 0 = as 'martlet serve' would choose.")
    var ctxSize = 0

    @Option(name: [.customLong("np", withSingleDash: true), .long], help: "Sequences that run at once.")
    var parallel = 4

    @Option(
        name: [.customLong("ctk", withSingleDash: true), .long], help: "The type of the keys in the KV cache.")
    var cacheTypeK = "f16"

    @Option(
        name: [.customLong("ctv", withSingleDash: true), .long], help: "The type of the values in the KV cache.")
    var cacheTypeV = "f16"

    @Option(
        name: [.customLong("ngl", withSingleDash: true), .customLong("n-gpu-layers")],
        help: "Layers on GPUs: a number, 'all', or 'auto' = as many as fit.")
    var gpuLayers = "auto"

    /// The ranges are those of the flags of `martlet serve`.
    func validate() throws {
        guard (0...Int(Int32.max)).contains(ctxSize) else {
            throw ValidationError("--ctx-size must be from 0 to \(Int32.max), not \(ctxSize)")
        }
        guard (1...256).contains(parallel) else {
            throw ValidationError("--parallel must be from 1 to 256, not \(parallel)")
        }
        for (name, value) in [("--cache-type-k", cacheTypeK), ("--cache-type-v", cacheTypeV)]
        where LoadRequest.ElementType(value) == nil {
            throw ValidationError(
                "\(name) must be one of \(CacheType.allCases.map(\.rawValue).joined(separator: ", ")), not '\(value)'")
        }
        guard ["all", "auto"].contains(gpuLayers) || (Int(gpuLayers).map { $0 >= -1 } ?? false) else {
            throw ValidationError("--n-gpu-layers must be a whole number, 'all' or 'auto', not '\(gpuLayers)'")
        }
    }

    /// Plans the load of a model on this machine.
    /// - Parameter item: The model, whose projector and draft model need memory, too.
    func report(on shape: ModelShape, _ item: ModelListing.Item) throws -> LoadReport {
        try? QuietLoader.loadModules()
        let gpus = LlamaSystem.devices.filter(\.isGPU)
        let hostBytes = UInt64(clamping: MemoryBudget.available ?? .max)
        var engine = EngineConfiguration(modelPath: item.model.paths.first ?? "")
        (engine.contextLength, engine.sequenceCount) = (ctxSize, parallel)
        engine.keyCacheType = CacheType(rawValue: cacheTypeK) ?? .f16
        engine.valueCacheType = CacheType(rawValue: cacheTypeV) ?? .f16
        // A model that generates no text serves vectors or scores.
        if let summary = item.summary, !summary.capabilities.contains(.completion) {
            engine.embeddings = summary.capabilities.contains(.rerank) ? .rank : .ofModel
        }
        if let draft = item.model.usableDraftPath {
            engine.speculation.draftModel = DraftModelConfiguration(path: draft)
        }
        var request = engine.loadRequest(for: shape, available: hostBytes)
        request.devices = gpus.map { LoadRequest.Device(name: $0.name, freeByteCount: $0.freeByteCount) }
        engine.applyAttention(to: &request, shape)
        request.projectorBytes = item.model.projectorPath.flatMap { FileListing.stamp($0)?.byteCount } ?? 0
        let free = MemoryFit.Free(host: hostBytes, devices: gpus.map(\.freeByteCount))
        // `all` without a GPU is `auto`, which is 0.
        let wanted = Int(gpuLayers)
        request.deviceLayerCount =
            wanted.map { $0 < 0 ? shape.layers.count + 1 : $0 }
            ?? (gpuLayers == "all" && !gpus.isEmpty
                ? shape.layers.count + 1 : MemoryFit.deviceLayerCount(shape, request, in: free))
        return LoadReport(shape: shape, request: request, free: free)
    }
}
