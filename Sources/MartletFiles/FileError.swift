internal import MartletPlatform

/// The reason why a file cannot be used, as one clause without the path.
package struct FileError: Error, Sendable, Equatable, CustomStringConvertible {
    package let description: String
    /// Whether the cause lies in the file itself, so that the same attempt fails until the file changes.
    package let isPermanent: Bool
    /// Whether the file does not exist.
    package let isNotFound: Bool

    /// The error of a system call.
    ///
    /// - Parameter code: the value of `errno`.
    package init(code: Int32) {
        description =
            switch code {
            case ELOOP: "it is a symbolic link, which is not followed here"
            case ENXIO: "it is a socket, or a pipe or device without another end"
            default: String(cString: strerror(code))
            }
        isNotFound = code == ENOENT
        isPermanent = [ELOOP, ENXIO, ENODEV, EACCES, EPERM, EISDIR, ENAMETOOLONG].contains(code)
    }

    /// The error for a file that breaks a rule, e.g. "it is a folder, not a file".
    package init(_ rule: String) {
        description = rule
        isPermanent = true
        isNotFound = false
    }
}
