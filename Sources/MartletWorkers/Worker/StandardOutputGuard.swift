package import MartletPlatform

/// Keeps foreign text out of the frames.
package enum StandardOutputGuard {
    /// Moves standard output to a descriptor that only the caller knows, and sends what others print there to standard
    /// error. To be called before any library is used, and once.
    package static func claimStandardOutput() throws(Errno) -> FileDescriptor {
        let claimed = fcntl(FileDescriptor.standardOutput.rawValue, F_DUPFD_CLOEXEC, 3)
        guard claimed >= 0, dup2(FileDescriptor.standardError.rawValue, FileDescriptor.standardOutput.rawValue) >= 0
        else { throw Errno(rawValue: errno) }
        return FileDescriptor(rawValue: claimed)
    }
}
