import MartletPlatform

/// The resource limits of this process. Libraries crash where the limits are too low, so a server checks them before it
/// starts.
struct ProcessLimits: Equatable {
    /// Descriptors of a server with a few connections.
    static let neededDescriptorCount = 64
    /// Address space of a server without its model. Most of it is stacks of threads and arenas of the allocator, which
    /// hardly use real memory.
    static let neededByteCount: UInt64 = 1 << 30

    /// The number of files, pipes and connections that may be open at once.
    var descriptorCount: Int
    /// Bytes of address space; `nil` = unlimited.
    var byteCount: UInt64?

    /// The limits of this process. Raises the limit of descriptors first.
    static var current: Self {
        #if canImport(Glibc)
            // The constant is an enumeration there, which the function does not accept.
            let resource = __rlimit_resource_t(RLIMIT_AS.rawValue)
        #else
            let resource = RLIMIT_AS
        #endif
        var limit = rlimit()
        let isLimited = getrlimit(resource, &limit) == 0 && limit.rlim_cur < UInt64(Int64.max)
        return Self(descriptorCount: DescriptorLimit.raise(), byteCount: isLimited ? UInt64(limit.rlim_cur) : nil)
    }

    /// The reason for which a server cannot run, with a remedy; `nil` if it can.
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
