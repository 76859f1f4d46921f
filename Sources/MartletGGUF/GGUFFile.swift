import MartletPlatform

/// The file of a model, or the files of a split model.
package enum GGUFFile {
    /// The largest number of files of one model.
    private static let maximumPartCount = 1_000

    /// Checks the file at `path` and, if the model is split, all its other files.
    ///
    /// libllama ends the process for some malformed files, so that this check comes first.
    ///
    /// - Returns: the header of the first file.
    /// - Throws: a predicate that follows the path.
    package static func check(_ path: String) throws(GGUFError) -> GGUFHeader { try headers(path).first }

    /// Reads and checks the headers of all files of the model whose first file is at `path`.
    ///
    /// - Returns: the header of the first file, and those of the other files of a split model.
    /// - Throws: a predicate that follows the path.
    package static func headers(_ path: String) throws(GGUFError) -> (first: GGUFHeader, others: [GGUFHeader]) {
        let header = try self.header(path)
        guard let split = header.split else { return (header, []) }
        guard split.number == 0 else {
            throw GGUFError(
                "is part \(split.number + 1) of a model in \(split.count) files; name the first of them")
        }
        var others: [GGUFHeader] = []
        for path in try parts(path, count: split.count).dropFirst() {
            do throws(GGUFError) {
                others.append(try self.header(path))
            } catch {
                throw GGUFError("is the first of \(split.count) files of a model, of which \(path) \(error)")
            }
        }
        return (header, others)
    }

    /// The paths of all files of a split model, derived from the path of the first.
    package static func parts(_ path: String, count: Int) throws(GGUFError) -> [String] {
        guard count <= maximumPartCount else {
            throw .broken("it would be one of \(count) files, and \(maximumPartCount) are allowed")
        }
        let suffix = part(1, of: count)
        guard path.hasSuffix(suffix) else {
            throw GGUFError("is the first of \(count) files of a model, so its name must end in \(suffix)")
        }
        let stem = path.dropLast(suffix.count)
        return (1...count).map { stem + part($0, of: count) }
    }

    private static func part(_ number: Int, of count: Int) -> String { "-\(padded(number))-of-\(padded(count)).gguf" }

    private static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }

    /// Reads the control vector at `path`.
    package static func controlVector(_ path: String) throws(GGUFError) -> GGUFControlVector {
        try withFile(path) { source throws(GGUFError) in try GGUFControlVector(source) }
    }

    private static func header(_ path: String) throws(GGUFError) -> GGUFHeader {
        try withFile(path) { source throws(GGUFError) in try GGUFHeader(source) }
    }

    /// Opens a regular file for reading and closes it after `body`.
    private static func withFile<Result>(
        _ path: String, _ body: (OpenFile) throws(GGUFError) -> Result
    ) throws(GGUFError) -> Result {
        // Without O_NONBLOCK, a pipe without a writer would block forever. The flag has no effect on regular files.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw GGUFError(errno == ENOENT ? "is not there" : "cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw GGUFError(status.st_mode & S_IFMT == S_IFDIR ? "is a folder, not a GGUF file" : "is not a file")
        }
        return try body(OpenFile(descriptor: descriptor, length: UInt64(status.st_size)))
    }

    /// A source of an open descriptor, which it does not own.
    private struct OpenFile: GGUFSource {
        let descriptor: Int32
        let length: UInt64

        func read(at offset: UInt64, count: Int) throws(GGUFError) -> [UInt8] {
            guard offset < length else { return [] }
            var failure: Int32 = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: Int(min(UInt64(count), length - offset))) {
                buffer, filled in
                while filled < buffer.count {
                    let result = pread(
                        descriptor, buffer.baseAddress.map { $0 + filled }, buffer.count - filled,
                        off_t(offset) + off_t(filled))
                    if result > 0 {
                        filled += result
                    } else if result == 0 {
                        break
                    } else if errno != EINTR {
                        failure = errno
                        break
                    }
                }
            }
            guard failure == 0 else { throw GGUFError("cannot be read: \(String(cString: strerror(failure)))") }
            return bytes
        }
    }
}
