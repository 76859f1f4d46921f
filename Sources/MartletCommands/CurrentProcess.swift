import MartletPlatform
import MartletWorkers
import NIOCore

/// This process: its file, its environment and its preparation for a command.
enum CurrentProcess {
    /// The program's file with links resolved; `nil` if the system does not report it.
    static var executable: FilePath? {
        #if canImport(Darwin)
            var size = UInt32(4096)
            var buffer = [CChar](repeating: 0, count: Int(size))
            guard _NSGetExecutablePath(&buffer, &size) == 0 else { return nil }
            return resolved(buffer.withUnsafeBufferPointer { String(cString: $0.baseAddress ?? "") })
        #else
            return resolved("/proc/self/exe")
        #endif
    }

    /// The value of an environment variable; `nil` if it is not set.
    static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    /// The names of all environment variables at the start of the process; empty if the system does not report them.
    static var variables: [String] {
        #if canImport(Darwin)
            var names: [String] = []
            var entry = _NSGetEnviron().pointee
            while let text = entry.pointee {
                names.append(String(String(cString: text).prefix { $0 != "=" }))
                entry += 1
            }
            return names
        #else
            guard let bytes = try? SmallFile.bytes("/proc/self/environ", for: "the environment") else { return [] }
            return bytes.split(separator: 0).map {
                String(decoding: $0.prefix { $0 != UInt8(ascii: "=") }, as: UTF8.self)
            }
        #endif
    }

    /// Prepares the process for connections: standard descriptors, signals, descriptor limit, thread pools.
    ///
    /// Commands that open sockets or start processes call it first.
    static func prepare() {
        openStandardDescriptors()
        // Swift's crash reporter handles this signal, too, and would print a report before the process ends.
        signal(SIGQUIT, SIG_DFL)
        DescriptorLimit.raise()
        BrokenPipes.ignore()
        // Two threads are enough for the edge, and each further thread costs memory.
        NIOSingletons.groupLoopCountSuggestion = 2
        NIOSingletons.blockingPoolThreadCountSuggestion = 2
    }

    /// Opens /dev/null for each standard descriptor that is closed.
    ///
    /// Otherwise the next file or socket would get the number, and log lines would be written into it.
    private static func openStandardDescriptors() {
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
            // The system assigns the lowest free number, which is this one.
            _ = open("/dev/null", O_RDWR)
        }
    }

    /// The absolute path without symbolic links; `nil` if the file does not exist.
    private static func resolved(_ path: String) -> FilePath? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return FilePath(String(cString: real))
    }
}
