import MartletPlatform

/// What a process and all that it started have used. Known on Linux.
struct ProcessUsage: Sendable, Equatable {
    /// In user and in system mode.
    var processorSeconds: Double
    /// What they hold; memory that several share is divided among them.
    var memoryMebibytes: Double

    /// What was used since `earlier`, and the memory of now.
    func since(_ earlier: ProcessUsage) -> ProcessUsage {
        ProcessUsage(processorSeconds: processorSeconds - earlier.processorSeconds, memoryMebibytes: memoryMebibytes)
    }

    /// - Returns: `nil` when there is no such process, or the system does not tell.
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

    private static func one(_ process: Int) -> ProcessUsage? {
        let status = text("/proc/\(process)/stat")
        guard let end = status.lastIndex(of: ")") else { return nil }
        // The fields after the name, in which there may be blanks: times are the 14th and 15th of all.
        let fields = status[status.index(after: end)...].split(separator: " ")
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return nil }
        let memory = text("/proc/\(process)/smaps_rollup").split(separator: "\n").first { $0.hasPrefix("Pss:") }
        let kibibytes = memory?.split(separator: " ").dropFirst().first.flatMap { Double($0) } ?? 0
        return ProcessUsage(
            processorSeconds: (user + system) / Double(sysconf(Int32(_SC_CLK_TCK))), memoryMebibytes: kibibytes / 1_024)
    }

    /// The first 64 KiB of a file of the system, or nothing.
    private static func text(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        let bytes = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
            count = fread(buffer.baseAddress, 1, buffer.count, file)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

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
