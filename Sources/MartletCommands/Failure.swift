import ArgumentParser

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Ends a command with one line on standard error.
enum Failure {
    /// - Parameter usage: Whether the user gave wrong flags, which has an exit code of its own.
    static func exit(_ error: some CustomStringConvertible, usage: Bool = false) -> ExitCode {
        let line = String(error.description.map { $0.isNewline ? " " : $0 })
        Terminal.write("martlet: \(line)\n", to: STDERR_FILENO)
        return usage ? ExitCode(2) : ExitCode(1)
    }
}
