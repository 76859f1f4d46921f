import MartletPlatform

/// The number of descriptors that this process may have open.
enum DescriptorLimit {
    /// A limit above this number has no use.
    private static let enough = 1 << 20

    /// Raises the limit as far as the system allows.
    ///
    /// Systems start processes with 1,024 descriptors or fewer, and each connection needs one.
    /// - Returns: The new limit; 0 if the system does not report it.
    @discardableResult
    static func raise() -> Int {
        #if canImport(Glibc)
            // The constant is an enumeration there, which the functions do not accept.
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let resource = RLIMIT_NOFILE
        #endif
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return 0 }
        var wanted = min(limit.rlim_max, rlim_t(enough))
        #if canImport(Darwin)
            // The system refuses more, although it reports no limit.
            wanted = min(wanted, rlim_t(OPEN_MAX))
        #endif
        if wanted > limit.rlim_cur {
            let before = limit.rlim_cur
            limit.rlim_cur = wanted
            if setrlimit(resource, &limit) != 0 { limit.rlim_cur = before }
        }
        return Int(clamping: limit.rlim_cur)
    }
}
