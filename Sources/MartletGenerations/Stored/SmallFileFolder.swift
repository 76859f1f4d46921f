package import MartletFiles
internal import MartletPlatform

/// A folder of small files that are written as a whole: a reader finds the old file or the new one, never a part.
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
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { systemWrite(open.descriptor, $0) }
                if count > 0 {
                    rest.removeFirst(count)
                } else if errno != EINTR {
                    throw FileError(code: errno)
                }
            }
            guard !syncs || fsync(open.descriptor) == 0 else { throw FileError(code: errno) }
        }
        guard rename(partial, file) == 0 else { throw FileError(code: errno) }
    }

    /// Removes a file. A missing file is no error.
    package func remove(_ name: String) throws(FileError) {
        if unlink(path + "/" + name) != 0, errno != ENOENT { throw FileError(code: errno) }
    }
}

private func nanoseconds(_ time: timespec) -> Int64 { Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec) }

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}
