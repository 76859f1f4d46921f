import Llama
import MartletEngine
import MartletGGUF
import MartletModels

/// The memory of loads, computed from heads of files and from the devices that a worker reported.
extension ModelCatalogue {
    /// The memory of a load on this machine: host memory first, then each device of the pool.
    func needs(
        of item: ModelListing.Item, _ engine: EngineConfiguration
    ) throws(ModelSourceError) -> MemoryAmount {
        let (shape, request) = try loadRequest(of: item, engine)
        return MemoryAmount(MemoryPlan(shape, request), among: devices.map(\.name))
    }

    /// The largest context that fits into an amount, in tokens; 0 if none fits, `nil` if the files cannot be read.
    func largestContext(
        of item: ModelListing.Item, _ engine: EngineConfiguration, in amount: MemoryAmount
    ) -> Int? {
        guard let (shape, request) = try? loadRequest(of: item, engine) else { return nil }
        let free = MemoryFit.Free(
            host: amount.bytes.first ?? 0,
            devices: request.devices.map { device in
                let place = devices.firstIndex { $0.name == device.name }.map { $0 + 1 } ?? 0
                return amount.bytes.indices.contains(place) ? amount.bytes[place] : 0
            })
        return MemoryFit.largestContextLength(shape, request, in: free, upTo: shape.trainedContextLength ?? 1 << 20)
            ?? 0
    }

    /// The load that a worker would perform with the whole memory of the pool, by the worker's own rules.
    private func loadRequest(
        of item: ModelListing.Item, _ engine: EngineConfiguration
    ) throws(ModelSourceError) -> (ModelShape, LoadRequest) {
        let shape: ModelShape
        do throws(GGUFError) {
            let headers = try GGUFFile.headers(item.model.paths.first ?? "")
            shape = ModelShape(headers.first, headers.others)
        } catch {
            throw ModelSourceError(error.description)
        }
        // The context that the worker chooses depends on the free memory, by the same rule as here.
        let available = UInt64(clamping: MemoryBudget.available ?? .max)
        var request = engine.loadRequest(for: shape, available: available)
        request.projectorBytes = item.model.projectorPath.flatMap { FileListing.stamp($0)?.byteCount } ?? 0
        place(&request, of: shape, engine, available: available)
        return (shape, request)
    }

    /// Adds the devices that the model uses, and the layers on them: as many as stated, or as many as fit.
    private func place(
        _ request: inout LoadRequest, of shape: ModelShape, _ engine: EngineConfiguration, available: UInt64
    ) {
        let placement = engine.devicePlacement
        var chosen =
            placement.devices.map { names in names.compactMap { name in devices.first { $0.name == name } } }
            ?? devices.filter(\.isGPU)
        if placement.splitMode == .none, chosen.indices.contains(placement.mainDevice) {
            chosen = [chosen[placement.mainDevice]]
        }
        request.devices = chosen.enumerated().map { index, device in
            LoadRequest.Device(
                name: device.name, freeByteCount: device.freeByteCount,
                share: placement.shares.indices.contains(index) ? Double(placement.shares[index]) : nil)
        }
        engine.applyAttention(to: &request, shape)
        let free = MemoryFit.Free(host: available, devices: chosen.map(\.freeByteCount))
        request.deviceLayerCount = engine.deviceLayerCount(shape, request, in: free)
    }
}
