#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A file that grows at its end.
struct JournalFile: ~Copyable {
    private let path: String
    private let descriptor: Int32

    /// Makes a file that only its owner may read.
    init(creating path: String, replaces: Bool = false) throws(JournalError) {
        try self.init(path, O_CREAT | (replaces ? O_TRUNC : O_EXCL))
    }

    /// Opens a file to go on with it.
    init(extending path: String) throws(JournalError) { try self.init(path, 0) }

    private init(_ path: String, _ flags: Int32) throws(JournalError) {
        self.path = path
        let descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | flags, 0o600)
        guard descriptor >= 0 else { throw JournalError("open", path) }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Adds all bytes, or throws: then any number of them may have been added.
    mutating func append(_ bytes: [UInt8]) throws(JournalError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                write(descriptor, $0.baseAddress.map { $0 + written }, $0.count - written)
            }
            guard count >= 0 else {
                if errno == EINTR { continue }
                throw JournalError("write", path)
            }
            written += count
        }
    }

    /// Takes back what lies behind `byteCount`.
    mutating func shorten(to byteCount: Int) throws(JournalError) {
        guard ftruncate(descriptor, off_t(byteCount)) == 0 else { throw JournalError("shorten", path) }
    }

    /// Returns when what was added survives the loss of power.
    func sync() throws(JournalError) {
        #if canImport(Darwin)
            guard fcntl(descriptor, F_FULLFSYNC) != -1 else { throw JournalError("sync", path) }
        #else
            guard fdatasync(descriptor) == 0 else { throw JournalError("sync", path) }
        #endif
    }

    static func read(_ path: String, upTo limit: Int = .max) throws(JournalError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw JournalError("open", path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw JournalError("read", path) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw JournalError("read", path, code: EINVAL) }
        // The journal of a running server may grow meanwhile: what is there now is enough.
        let size = min(limit, max(0, Int(status.st_size)))
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let part = pread(descriptor, buffer.baseAddress.map { $0 + count }, size - count, off_t(count))
                if part == 0 { return }
                if part < 0, errno != EINTR {
                    code = errno
                    return
                }
                count += max(0, part)
            }
        }
        if code != 0 { throw JournalError("read", path, code: code) }
        return bytes
    }
}
