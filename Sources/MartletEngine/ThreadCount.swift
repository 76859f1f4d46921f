import MartletPlatform

/// How many threads a decode is worth.
enum ThreadCount {
    /// For weights of that size: one where waiting for each other would cost threads more than they compute (measured:
    /// see design.md), else all physical cores but one. With every core taken, whatever else runs holds up
    /// one thread, and all others wait for it at every step.
    static func preferred(byteCount: UInt64) -> Int {
        byteCount <= MemoryBudget.smallByteCount ? 1 : max(1, physicalCores - 1)
    }

    /// Cores that this process may use, hyper-threads not counted.
    static var physicalCores: Int {
        #if os(Linux)
            // Read from the kernel's files: the C function for it is not in every Swift overlay of the C library.
            var cores: Set<String> = []
            for cpu in processors ?? [0] {
                let siblings = readSmallFile("/sys/devices/system/cpu/cpu\(cpu)/topology/thread_siblings_list")
                cores.insert(siblings ?? "\(cpu)")
            }
            return max(1, cores.count)
        #else
            var count: Int32 = 0
            var size = MemoryLayout<Int32>.size
            // Performance cores where there are two kinds, else all.
            for name in ["hw.perflevel0.physicalcpu", "hw.physicalcpu"]
            where sysctlbyname(name, &count, &size, nil, 0) == 0 && count > 0 { return Int(count) }
            return 1
        #endif
    }

    /// Numbers of the processors that this process may use; `nil` where the system does not name them.
    static var processors: Set<Int>? {
        guard let status = readSmallFile("/proc/self/status"),
            let allowed = status.split(separator: "\n").first(where: { $0.hasPrefix("Cpus_allowed_list:") }),
            let list = allowed.split(separator: "\t").last
        else { return nil }
        return Set(cpus(in: list))
    }

    /// The numbers that a list as "0-3,8" names.
    static func cpus(in list: some StringProtocol) -> [Int] {
        list.split(separator: ",").flatMap { part -> [Int] in
            let bounds = part.split(separator: "-").compactMap { Int($0) }
            guard let first = bounds.first, let last = bounds.last, first <= last, last < 4096 else { return [] }
            return Array(first...last)
        }
    }
}
