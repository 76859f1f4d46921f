internal import MartletPlatform

/// The kind of the file at a path.
package enum FileKind: Sendable, Equatable, CustomStringConvertible {
    case file
    case folder
    case pipe
    case socket
    case characterDevice
    case blockDevice
    case unknown

    /// The kind in the mode bits of a status.
    init(_ status: stat) {
        self =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .folder
            case S_IFIFO: .pipe
            case S_IFSOCK: .socket
            case S_IFCHR: .characterDevice
            case S_IFBLK: .blockDevice
            default: .unknown
            }
    }

    package var description: String {
        switch self {
        case .file: "a file"
        case .folder: "a folder"
        case .pipe: "a pipe"
        case .socket: "a socket"
        case .characterDevice, .blockDevice: "a device"
        case .unknown: "of an unknown kind"
        }
    }
}

extension FileKind {
    /// The kind of the file at a path.
    ///
    /// - Parameter followsLinks: whether the kind of a symbolic link is that of its target.
    /// - Throws: the error of `stat`.
    package init(of path: String, followsLinks: Bool = true) throws(FileError) {
        var status = stat()
        guard (followsLinks ? stat(path, &status) : lstat(path, &status)) == 0 else { throw FileError(code: errno) }
        self.init(status)
    }
}
