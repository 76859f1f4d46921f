import MartletPlatform

/// The number of threads of a decode.
enum ThreadCount {
    /// The number of threads for weights of `byteCount` bytes: 1 if synchronisation would take longer than the
    /// computation (measured: see design.md), otherwise the number of physical cores minus one. If every core were
    /// used, any other process would delay one thread, and all others would wait for it at each step.
    static func preferred(byteCount: UInt64) -> Int {
        byteCount <= MemoryBudget.smallByteCount ? 1 : max(1, physicalCores - 1)
    }

    /// The number of physical cores that this process may use; hyper-threads do not count.
    static var physicalCores: Int {
        #if os(Linux)
            // Read from files of the kernel: the C function is not available in every Swift overlay of the C library.
            var cores: Set<String> = []
            for cpu in processors ?? [0] {
                let siblings = readSmallFile("/sys/devices/system/cpu/cpu\(cpu)/topology/thread_siblings_list")
                cores.insert(siblings ?? "\(cpu)")
            }
            return max(1, cores.count)
        #else
            var count: Int32 = 0
            var size = MemoryLayout<Int32>.size
            // The performance cores if there are two kinds, otherwise all cores.
            for name in ["hw.perflevel0.physicalcpu", "hw.physicalcpu"]
            where sysctlbyname(name, &count, &size, nil, 0) == 0 && count > 0 { return Int(count) }
            return 1
        #endif
    }

    /// The numbers of the processors that this process may use; `nil` if the system does not report them.
    static var processors: Set<Int>? {
        guard let status = readSmallFile("/proc/self/status"),
            let allowed = status.split(separator: "\n").first(where: { $0.hasPrefix("Cpus_allowed_list:") }),
            let list = allowed.split(separator: "\t").last
        else { return nil }
        return Set(cpus(in: list))
    }

    /// The numbers in a list such as "0-3,8".
    static func cpus(in list: some StringProtocol) -> [Int] {
        list.split(separator: ",").flatMap { part -> [Int] in
            let bounds = part.split(separator: "-").compactMap { Int($0) }
            guard let first = bounds.first, let last = bounds.last, first <= last, last < 4096 else { return [] }
            return Array(first...last)
        }
    }
}
