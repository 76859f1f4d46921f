package import MartletFiles
internal import MartletPlatform

/// A folder of small files. A file that is written as a whole is the old or the new one for a reader, never a part.
///
/// Only the server's account can read the folder. It is made when the first file is written. Thread: any; the calls
/// block on the disk.
package struct SmallFileFolder: Sendable {
    package let path: String
    /// The largest file that is read, in bytes.
    package let byteLimit: Int

    /// A folder that need not exist.
    package init(path: String, byteLimit: Int) {
        self.path = path
        self.byteLimit = byteLimit
    }

    /// Ends the name of a file while it is written.
    package static let partSuffix = ".part"

    /// The names of all entries, in the order of their bytes; none if the folder cannot be read.
    func names() -> [String] { (try? listing()) ?? [] }

    /// The names of all entries, in the order of their bytes. A missing folder has none.
    package func listing() throws(FileError) -> [String] {
        guard let directory = opendir(path) else {
            if errno == ENOENT { return [] }
            throw FileError(code: errno)
        }
        defer { closedir(directory) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(directory) else {
                guard errno == 0 else { throw FileError(code: errno) }
                break
            }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let name { names.append(name) }
        }
        return names.sorted()
    }

    /// The size of a file in bytes, and the time of its last change in nanoseconds since 1970; nil if there is
    /// no file.
    package func facts(of name: String) -> (byteCount: Int, modified: Int64)? {
        var status = stat()
        guard lstat(path + "/" + name, &status) == 0 else { return nil }
        #if canImport(Darwin)
            return (Int(status.st_size), nanoseconds(status.st_mtimespec))
        #else
            return (Int(status.st_size), nanoseconds(status.st_mtim))
        #endif
    }

    /// The bytes of a file.
    package func read(_ name: String) throws(FileError) -> [UInt8] {
        let open = try OpenFile.regular(path + "/" + name, followsLinks: false)
        guard open.byteCount <= byteLimit else { throw FileError("it has more than \(byteLimit) bytes") }
        return try open.read(at: 0, count: open.byteCount)
    }

    /// Writes a file.
    /// - Parameter syncs: whether the call waits until the disk has the file. Otherwise the system has it.
    package func write(_ bytes: [UInt8], _ name: String, syncs: Bool = true) throws(FileError) {
        if mkdir(path, 0o700) != 0, errno != EEXIST { throw FileError(code: errno) }
        let file = path + "/" + name
        let partial = file + Self.partSuffix
        do {
            let open = try OpenFile.regular(partial, for: .replacing, followsLinks: false)
            try open.append(bytes)
            guard !syncs || fsync(open.descriptor) == 0 else { throw FileError(code: errno) }
        }
        guard rename(partial, file) == 0 else { throw FileError(code: errno) }
    }

    /// Writes behind the bytes of a file.
    ///
    /// A process that ends meanwhile leaves a part of the bytes. After an error the file is cut back to what it had.
    /// - Parameters:
    ///   - byteCount: the bytes that the file has. Another size is an error.
    ///   - syncs: whether the call waits until the disk has the bytes. Otherwise the system has them.
    package func append(_ bytes: [UInt8], _ name: String, at byteCount: Int, syncs: Bool = true) throws(FileError) {
        let open = try OpenFile.regular(path + "/" + name, for: .appending, followsLinks: false)
        guard open.byteCount == byteCount else { throw FileError("its size has changed") }
        do throws(FileError) {
            try open.append(bytes)
            guard !syncs || fsync(open.descriptor) == 0 else { throw FileError(code: errno) }
        } catch {
            // The next change finds what is left of these bytes, if it cannot be cut, and writes the file again.
            _ = ftruncate(open.descriptor, off_t(byteCount))
            throw error
        }
    }

    /// Removes a file. A missing file is no error.
    package func remove(_ name: String) throws(FileError) {
        if unlink(path + "/" + name) != 0, errno != ENOENT { throw FileError(code: errno) }
    }
}

private func nanoseconds(_ time: timespec) -> Int64 { Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec) }
