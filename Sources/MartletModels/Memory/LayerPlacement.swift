/// The device of each layer, by libllama's rule: the last layers are on devices, in the devices' order.
struct LayerPlacement: Sendable, Equatable {
    /// The owner of each layer: 0 = host, 1 = the first device.
    var owners: [Int]
    /// The owner of the output matrix.
    var outputOwner: Int

    /// Places the layers of a model. `load_tensors` of libllama has the same rule.
    init(_ shape: ModelShape, _ request: LoadRequest) {
        let count = shape.layers.count
        owners = [Int](repeating: 0, count: count)
        outputOwner = 0
        let wanted = min(max(0, request.deviceLayerCount), count + 1)
        guard wanted > 0, !request.devices.isEmpty else { return }
        let ends = Self.ends(request.devices)
        let first = count + 1 - wanted
        func owner(_ layer: Int) -> Int {
            let position = Double(layer - first) / Double(wanted)
            return 1 + (ends.firstIndex { $0 > position } ?? ends.count - 1)
        }
        for layer in max(0, first)..<max(count, first) { owners[layer] = owner(layer) }
        // The output counts as the last layer, so it is on a device before any other layer is.
        outputOwner = owner(count)
    }

    /// The end of each device's part, ascending to 1.
    private static func ends(_ devices: [LoadRequest.Device]) -> [Double] {
        var shares = devices.map { $0.share ?? 0 }
        if !shares.contains(where: { $0 > 0 }) { shares = devices.map { Double(max(1, $0.freeByteCount)) } }
        let sum = shares.reduce(0, +)
        var end = 0.0
        return shares.map { share in
            end += share / sum
            return end
        }
    }
}
