internal import MartletPlatform

/// An open file and its kind.
///
/// A path of a flag or of a folder may name anything, and a plain `open` of a pipe blocks until
/// its other end is open. Here `open` never blocks, and the kind is known before a byte is read or written.
package struct OpenFile: ~Copyable, Sendable {
    package enum Purpose: Sendable {
        case reading
        /// At the end of a file that is there.
        case appending
        /// At the end of a file that is there, or is made, closed to other accounts.
        case appendingOrCreating
        /// A file that is not there, closed to other accounts.
        case creating
        /// A file that is emptied, or made, closed to other accounts.
        case replacing
        /// As `appendingOrCreating`, for reading too.
        case updating

        fileprivate var flags: Int32 {
            switch self {
            case .reading: O_RDONLY
            case .appending: O_WRONLY | O_APPEND
            case .appendingOrCreating: O_WRONLY | O_APPEND | O_CREAT
            case .creating: O_WRONLY | O_APPEND | O_CREAT | O_EXCL
            case .replacing: O_WRONLY | O_APPEND | O_CREAT | O_TRUNC
            case .updating: O_RDWR | O_CREAT
            }
        }
    }

    package let descriptor: Int32
    package let kind: FileKind
    /// When it was opened.
    package let byteCount: Int

    /// Opens the target of `path`, whatever its kind.
    /// - Parameter followsLinks: whether the path's last part may be a symbolic link.
    package init(_ path: String, for purpose: Purpose = .reading, followsLinks: Bool = true) throws(FileError) {
        let flags = purpose.flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (followsLinks ? 0 : O_NOFOLLOW)
        var descriptor: Int32
        repeat { descriptor = open(path, flags, 0o600) } while descriptor < 0 && errno == EINTR
        guard descriptor >= 0 else { throw FileError(code: errno) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let code = errno
            close(descriptor)
            throw FileError(code: code)
        }
        self.descriptor = descriptor
        kind = FileKind(status)
        byteCount = max(0, Int(status.st_size))
    }

    /// Opens a regular file; every other kind is an error.
    package static func regular(
        _ path: String, for purpose: Purpose = .reading, followsLinks: Bool = true
    ) throws(FileError) -> OpenFile {
        let file = try OpenFile(path, for: purpose, followsLinks: followsLinks)
        guard file.kind == .file else { throw FileError("it is \(file.kind), not a file") }
        return file
    }

    deinit { close(descriptor) }

    /// The bytes of a regular file from `offset` on: `count` of them, or fewer where the file ends.
    package borrowing func read(at offset: Int, count: Int) throws(FileError) -> [UInt8] {
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let part = pread(
                    descriptor, buffer.baseAddress.map { $0 + filled }, count - filled, off_t(offset + filled))
                if part == 0 { return }
                if part < 0, errno != EINTR {
                    code = errno
                    return
                }
                filled += max(0, part)
            }
        }
        if code != 0 { throw FileError(code: code) }
        return bytes
    }

    /// All bytes up to the end, whether that is a file's or a pipe's.
    /// - Parameters:
    ///   - limit: the largest number of bytes; more are an error.
    ///   - patience: how long a pipe or a device may stay silent.
    package borrowing func read(upTo limit: Int, timeout: Duration) throws(FileError) -> [UInt8] {
        guard [.file, .pipe, .characterDevice].contains(kind) else { throw FileError("it is \(kind), not a file") }
        let milliseconds = Int32(clamping: Int64(timeout / .milliseconds(1)))
        var bytes: [UInt8] = []
        while true {
            // `read` gives 0 for a closed pipe and for a pipe without a writer so far; `poll` tells the two apart.
            var event = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let readyCount = poll(&event, 1, milliseconds)
            if readyCount < 0, errno != EINTR { throw FileError(code: errno) }
            if readyCount == 0 { throw FileError("nothing comes out of \(kind) for \(timeout)") }
            guard readyCount > 0 else { continue }
            var code: Int32 = 0
            let chunk = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
                let result = Self.read(descriptor, into: buffer)
                if result < 0 { code = errno }
                count = max(0, result)
            }
            if code == EINTR || code == EAGAIN { continue }
            if code != 0 { throw FileError(code: code) }
            if chunk.isEmpty { return bytes }
            bytes += chunk
            guard bytes.count <= limit else { throw FileError("it has more than \(limit) bytes") }
        }
    }

    /// Apart from the methods of the same name.
    private static func read(_ descriptor: Int32, into buffer: UnsafeMutableBufferPointer<UInt8>) -> Int {
        #if canImport(Darwin)
            Darwin.read(descriptor, buffer.baseAddress, buffer.count)
        #elseif canImport(Glibc)
            Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        #else
            Musl.read(descriptor, buffer.baseAddress, buffer.count)
        #endif
    }

    /// Adds all bytes at the end, or throws: then any number of them may have been added.
    package borrowing func append(_ bytes: [UInt8]) throws(FileError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                write(descriptor, $0.baseAddress.map { $0 + written }, $0.count - written)
            }
            guard count >= 0 else {
                if errno == EINTR { continue }
                throw FileError(code: errno)
            }
            written += count
        }
    }

    /// The whole of a regular file.
    /// - Parameter limit: the largest number of bytes; more are an error.
    package static func bytes(of path: String, upTo limit: Int, followsLinks: Bool = true) throws(FileError) -> [UInt8]
    {
        let file = try OpenFile.regular(path, followsLinks: followsLinks)
        guard file.byteCount <= limit else { throw FileError("it has more than \(limit) bytes") }
        return try file.read(at: 0, count: file.byteCount)
    }
}
