import MartletPlatform
import MartletWorkers
import NIOCore

/// This process.
enum CurrentProcess {
    /// Of a server that had to be ended (EX_SOFTWARE).
    static let overdueExitCode: Int32 = 70

    /// The program's file, links resolved.
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

    static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    /// The names of all variables that this process was started with; none where the system does not say.
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

    /// What every command that talks to others does first.
    static func prepare() {
        openStandardDescriptors()
        // Swift's runtime would print a backtrace first, which takes many seconds.
        signal(SIGQUIT, SIG_DFL)
        DescriptorLimit.raise()
        BrokenPipes.ignore()
        // The edge is far from busy with two threads, and each costs memory.
        NIOSingletons.groupLoopCountSuggestion = 2
        NIOSingletons.blockingPoolThreadCountSuggestion = 2
    }

    /// A standard descriptor that was closed would become that of the next file or socket, into which log lines would
    /// then be written.
    private static func openStandardDescriptors() {
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
            // The lowest free number is the one that is missing.
            _ = open("/dev/null", O_RDWR)
        }
    }

    private static func resolved(_ path: String) -> FilePath? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return FilePath(String(cString: real))
    }
}
