import MartletPlatform

/// A limit of the memory that a worker allocates for itself (`--worker-memory`).
///
/// Linux counts private writable memory: the heap, stacks, the KV cache and weights that are copied. Weights that are
/// mapped from the file do not count. Other systems do not enforce the limit.
package enum WorkerMemoryLimit {
    /// Limits this process for good. An allocation beyond the limit fails, which libllama reports or ends the process for.
    /// - Returns: 0, or the error of the system.
    package static func set(byteCount: UInt64) -> Int32 {
        #if canImport(Glibc)
            // The constant is an enumeration there, which the function does not accept.
            let resource = __rlimit_resource_t(RLIMIT_DATA.rawValue)
        #else
            let resource = RLIMIT_DATA
        #endif
        var limit = rlimit(rlim_cur: rlim_t(byteCount), rlim_max: rlim_t(byteCount))
        return setrlimit(resource, &limit) == 0 ? 0 : errno
    }
}
