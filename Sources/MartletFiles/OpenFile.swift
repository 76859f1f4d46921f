internal import MartletPlatform

/// An open file and its kind.
///
/// A path in a flag or a folder may name anything, and a plain `open` of a pipe blocks until its other end is open.
/// Here `open` never blocks, and the kind is known before a byte is read or written. The descriptor is closed with the
/// value.
package struct OpenFile: ~Copyable, Sendable {
    /// The use of a file, which determines the flags of `open`. New files are readable and writable for their owner
    /// only.
    package enum Purpose: Sendable {
        case reading
        /// Writes at the end of an existing file.
        case appending
        /// Writes at the end of a file, which is created if it is absent.
        case appendingOrCreating
        /// Writes a new file; an existing one is an error.
        case creating
        /// Writes a file that is truncated first, or created.
        case replacing
        /// As `appendingOrCreating`, and also reads.
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

    /// The file descriptor, in non-blocking mode and closed on `exec`.
    package let descriptor: Int32
    package let kind: FileKind
    /// The size of the file when it was opened, in bytes.
    package let byteCount: Int

    /// Opens the target of `path`, whatever its kind.
    ///
    /// - Parameter followsLinks: whether the last part of the path may be a symbolic link.
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

    /// Opens a regular file; any other kind is an error.
    package static func regular(
        _ path: String, for purpose: Purpose = .reading, followsLinks: Bool = true
    ) throws(FileError) -> OpenFile {
        let file = try OpenFile(path, for: purpose, followsLinks: followsLinks)
        guard file.kind == .file else { throw FileError("it is \(file.kind), not a file") }
        return file
    }

    deinit { close(descriptor) }

    /// Reads `count` bytes of a regular file from `offset` on, or fewer at its end.
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

    /// Reads all bytes up to the end of a file or pipe.
    ///
    /// - Parameters:
    ///   - limit: the largest number of bytes; more are an error.
    ///   - timeout: the longest time that a pipe or device may stay silent.
    package borrowing func read(upTo limit: Int, timeout: Duration) throws(FileError) -> [UInt8] {
        guard [.file, .pipe, .characterDevice].contains(kind) else { throw FileError("it is \(kind), not a file") }
        let milliseconds = Int32(clamping: Int64(timeout / .milliseconds(1)))
        var bytes: [UInt8] = []
        while true {
            // `read` returns 0 both for a closed pipe and for a pipe without a writer so far; `poll` distinguishes
            // the two.
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

    /// The system call; the methods of this type have the same name.
    private static func read(_ descriptor: Int32, into buffer: UnsafeMutableBufferPointer<UInt8>) -> Int {
        #if canImport(Darwin)
            Darwin.read(descriptor, buffer.baseAddress, buffer.count)
        #elseif canImport(Glibc)
            Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        #else
            Musl.read(descriptor, buffer.baseAddress, buffer.count)
        #endif
    }

    /// Writes all bytes at the end. After an error, any number of them may have been written.
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

    /// Reads a whole regular file.
    ///
    /// - Parameter limit: the largest number of bytes; more are an error.
    package static func bytes(of path: String, upTo limit: Int, followsLinks: Bool = true) throws(FileError) -> [UInt8]
    {
        let file = try OpenFile.regular(path, followsLinks: followsLinks)
        guard file.byteCount <= limit else { throw FileError("it has more than \(limit) bytes") }
        return try file.read(at: 0, count: file.byteCount)
    }
}
