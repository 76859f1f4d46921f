import MartletPlatform

/// How many descriptors this process may have open.
enum DescriptorLimit {
    /// Beyond this a larger limit helps nobody.
    private static let enough = 1 << 20

    /// Raises the limit as far as the system lets this process. Systems begin with 1,024 or less, and each connection
    /// takes one.
    /// - Returns: The limit from now on.
    @discardableResult
    static func raise() -> Int {
        #if canImport(Glibc)
            // An enumeration there, which the functions do not take.
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let resource = RLIMIT_NOFILE
        #endif
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return 0 }
        var wanted = min(limit.rlim_max, rlim_t(enough))
        #if canImport(Darwin)
            // The system refuses more, although it says that there is no limit.
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
