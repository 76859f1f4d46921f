import MartletPlatform

/// The CPU time and memory of a process and its descendants. Only Linux reports them.
struct ProcessUsage: Sendable, Equatable {
    /// CPU time in user mode and in system mode, in seconds.
    var processorSeconds: Double
    /// Proportional set size in MiB: memory that several processes share is divided among them.
    var memoryMebibytes: Double

    /// The CPU time since `earlier`, and the present memory.
    func since(_ earlier: ProcessUsage) -> ProcessUsage {
        ProcessUsage(processorSeconds: processorSeconds - earlier.processorSeconds, memoryMebibytes: memoryMebibytes)
    }

    /// Adds up a process and its descendants.
    /// - Returns: `nil` if there is no such process, or the system does not report usage.
    static func of(_ process: Int) -> ProcessUsage? {
        guard var total = one(process) else { return nil }
        for thread in names(in: "/proc/\(process)/task") {
            for child in text("/proc/\(process)/task/\(thread)/children").split(separator: " ") {
                guard let usage = Int(child).flatMap({ of($0) }) else { continue }
                total.processorSeconds += usage.processorSeconds
                total.memoryMebibytes += usage.memoryMebibytes
            }
        }
        return total
    }

    /// The usage of one process without its children.
    private static func one(_ process: Int) -> ProcessUsage? {
        let status = text("/proc/\(process)/stat")
        guard let end = status.lastIndex(of: ")") else { return nil }
        // Fields after the name, which is in parentheses and may have blanks. The times are fields 14 and 15 of all.
        let fields = status[status.index(after: end)...].split(separator: " ")
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return nil }
        let memory = text("/proc/\(process)/smaps_rollup").split(separator: "\n").first { $0.hasPrefix("Pss:") }
        let kibibytes = memory?.split(separator: " ").dropFirst().first.flatMap { Double($0) } ?? 0
        return ProcessUsage(
            processorSeconds: (user + system) / Double(sysconf(Int32(_SC_CLK_TCK))), memoryMebibytes: kibibytes / 1_024)
    }

    /// The first 64 KiB of a file in /proc; empty if it cannot be read.
    private static func text(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        let bytes = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
            count = fread(buffer.baseAddress, 1, buffer.count, file)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The entries of a folder; empty if it cannot be read.
    private static func names(in folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }
}
