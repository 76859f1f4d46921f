/// Whether a load fits into free memory, and the largest load that does.
package enum MemoryFit {
    /// The free memory of the host and of each device of the request.
    package struct Free: Sendable, Equatable {
        package var host: UInt64
        /// In the order of the request's devices.
        package var devices: [UInt64]

        /// Creates free memory.
        package init(host: UInt64, devices: [UInt64] = []) {
            self.host = host
            self.devices = devices
        }
    }

    /// Whether each share fits.
    package static func fits(_ plan: MemoryPlan, in free: Free) -> Bool {
        plan.host.total <= free.host && zip(plan.devices, free.devices).allSatisfy { $0.total <= $1 }
    }

    /// The smallest context that is worth a load, in tokens.
    package static let minimumContextLength = 256

    /// The largest context that fits, a multiple of 256 tokens.
    ///
    /// - Parameter limit: the largest context of interest, e.g. the trained one.
    /// - Returns: `nil` if not even `minimumContextLength` fits.
    /// - Complexity: a plan for each of at most 32 lengths.
    package static func largestContextLength(
        _ shape: ModelShape, _ request: LoadRequest, in free: Free, upTo limit: Int
    ) -> Int? {
        func fits(_ steps: Int) -> Bool {
            var request = request
            request.contextLength = steps * minimumContextLength
            return Self.fits(MemoryPlan(shape, request), in: free)
        }
        guard fits(1) else { return nil }
        let largest = max(1, limit / minimumContextLength)
        if fits(largest) { return largest * minimumContextLength }
        // Memory grows with the context, so a binary search finds the last length that fits.
        var (low, high) = (1, largest)
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if fits(middle) { low = middle } else { high = middle }
        }
        return low * minimumContextLength
    }

    /// The largest number of layers on devices that fits (`--n-gpu-layers auto`), from 0 to `layers + 1`.
    ///
    /// Devices decide: a layer that is not on a device is in host memory, whether it fits there or not.
    package static func deviceLayerCount(_ shape: ModelShape, _ request: LoadRequest, in free: Free) -> Int {
        guard !request.devices.isEmpty else { return 0 }
        for count in stride(from: shape.layers.count + 1, through: 1, by: -1) {
            var request = request
            request.deviceLayerCount = count
            let plan = MemoryPlan(shape, request)
            if zip(plan.devices, free.devices).allSatisfy({ $0.total <= $1 }) { return count }
        }
        return 0
    }
}
