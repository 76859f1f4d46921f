import MartletPlatform

/// The resource limits of this process. Libraries end the process where the limits are too low, so a server checks
/// them before it begins.
struct ProcessLimits: Equatable {
    /// Of a server with a few connections.
    static let neededDescriptorCount = 64
    /// Of a server without its model: mostly the stacks of threads and the allocator's arenas, of which little is
    /// touched.
    static let neededByteCount: UInt64 = 1 << 30

    /// Files, pipes and connections that may be open at once.
    var descriptorCount: Int
    /// Bytes of address space; `nil` = as many as there are.
    var byteCount: UInt64?

    /// Of this process.
    static var current: Self {
        #if canImport(Glibc)
            // An enumeration there, which the function does not take.
            let resource = __rlimit_resource_t(RLIMIT_AS.rawValue)
        #else
            let resource = RLIMIT_AS
        #endif
        var limit = rlimit()
        let isLimited = getrlimit(resource, &limit) == 0 && limit.rlim_cur < UInt64(Int64.max)
        return Self(descriptorCount: DescriptorLimit.raise(), byteCount: isLimited ? UInt64(limit.rlim_cur) : nil)
    }

    /// The reason why a server cannot run, with a remedy; `nil` if it can.
    var violation: String? {
        if descriptorCount < Self.neededDescriptorCount {
            return "this process may have \(descriptorCount) files and connections open, and a server needs "
                + "\(Self.neededDescriptorCount); raise the limit with 'ulimit -n 1024'"
        }
        if let byteCount, byteCount < Self.neededByteCount {
            return "this process may use \(byteCount >> 20) MiB of address space, and a server needs "
                + "\(Self.neededByteCount >> 20); raise the limit with 'ulimit -v unlimited'"
        }
        return nil
    }
}
