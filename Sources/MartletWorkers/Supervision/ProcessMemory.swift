import MartletPlatform

/// The memory of a process as the system reports it.
///
/// Linux: resident pages, those of mapped files included. macOS: the physical footprint.
package struct ProcessMemory: Sendable, Equatable {
    /// Bytes now.
    package var resident: UInt64
    /// The most bytes so far.
    package var peak: UInt64

    /// Makes the memory of a process.
    package init(resident: UInt64, peak: UInt64) {
        self.resident = resident
        self.peak = peak
    }

    /// Reads the memory of a process; `nil` if there is no such process, or the system does not report it.
    ///
    /// Costs some ten microseconds.
    init?(of process: pid_t) {
        #if canImport(Darwin)
            var usage = rusage_info_v4()
            let result = withUnsafeMutablePointer(to: &usage) { pointer in
                pointer.withMemoryRebound(to: rusage_info_t?.self, capacity: 1) {
                    proc_pid_rusage(process, RUSAGE_INFO_V4, $0)
                }
            }
            guard result == 0 else { return nil }
            self.init(resident: usage.ri_phys_footprint, peak: usage.ri_lifetime_max_phys_footprint)
        #else
            guard let text = SystemFile.text("/proc/\(process)/status") else { return nil }
            self.init(status: text)
        #endif
    }

    /// Reads the lines `VmRSS` and `VmHWM` of a status file of Linux; `nil` without them, as of a process that has ended.
    init?(status: String) {
        func kibibytes(_ name: String) -> UInt64? {
            guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix(name) }) else { return nil }
            return UInt64(line.dropFirst(name.count).drop { $0 == " " || $0 == "\t" }.prefix { $0.isNumber })
        }
        guard let resident = kibibytes("VmRSS:"), let peak = kibibytes("VmHWM:") else { return nil }
        self.init(resident: resident << 10, peak: peak << 10)
    }
}

/// The processes that the system killed because memory ran out.
enum MemoryKills {
    /// Their number since the system, or the container, started; 0 where the system does not report it.
    static var count: UInt64 {
        #if os(Linux)
            // A container counts its own kills. Without one the counter of the machine is used.
            let texts = ["/sys/fs/cgroup/memory.events", "/proc/vmstat"].compactMap { SystemFile.text($0) }
            return texts.lazy.compactMap { count(in: $0) }.first ?? 0
        #else
            return 0
        #endif
    }

    /// The number in the line `oom_kill N`; `nil` without one.
    static func count(in text: String) -> UInt64? {
        for line in text.split(separator: "\n") where line.hasPrefix("oom_kill ") {
            return UInt64(line.dropFirst("oom_kill ".count))
        }
        return nil
    }
}

/// Small files of the system that describe processes.
enum SystemFile {
    /// The first 64 KiB of a file; `nil` if it cannot be read.
    static func text(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        let bytes = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
            count = fread(buffer.baseAddress, 1, buffer.count, file)
        }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }
}
