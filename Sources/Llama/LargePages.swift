import MartletPlatform

/// Memory that the kernel provides in pages of 2 MiB instead of 4 KiB.
///
/// The first write to each page of new memory costs about 1.4 µs. Example: a copy of 128 MiB into new memory takes 48 ms
/// with small pages and 12 ms with large ones.
enum LargePages {
    /// The size from which an advice has an effect, in bytes: a large page must lie within the memory.
    static let minimumByteCount = 4 << 20

    /// Asks the kernel for large pages in `memory`, which was not written to yet. Has no effect on small memory, and on
    /// systems without such an advice.
    ///
    /// Thread: any.
    static func advise(_ memory: UnsafeMutableRawBufferPointer) {
        #if os(Linux)
            guard memory.count >= minimumByteCount, let start = memory.baseAddress else { return }
            let page = sysconf(Int32(_SC_PAGESIZE))
            let address = Int(bitPattern: start)
            let (first, end) = ((address + page - 1) / page * page, (address + memory.count) / page * page)
            // The advice may be refused, for example by a kernel without large pages; small ones work as well.
            _ = madvise(UnsafeMutableRawPointer(bitPattern: first), end - first, MADV_HUGEPAGE)
        #endif
    }
}
