internal import MartletPlatform

/// Why a file cannot be used: one clause without the file's path.
package struct FileError: Error, Sendable, Equatable, CustomStringConvertible {
    package let description: String
    /// Whether the reason lies in the file itself: the same attempt fails again until the file changes.
    package let isPermanent: Bool
    /// Whether there is no such file.
    package let isNotFound: Bool

    /// The error of a system call.
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

    /// - Parameter rule: the rule that the file breaks.
    package init(_ rule: String) {
        description = rule
        isPermanent = true
        isNotFound = false
    }
}
