package import MartletFiles
import MartletPlatform

/// The folder of a disk tier, or of saved slots.
///
/// A file is written under a temporary name and then renamed, so that a reader sees a whole file or none. Files are not
/// synced: after a power failure the checksums find what was lost, and a lost entry only costs a prefill.
///
/// Thread: any; a file is written by one thread at a time.
package struct StateFolder: Sendable {
    /// An entry in the folder, before its head is read.
    package struct Entry: Sendable, Equatable {
        package var name: StateFileName
        package var byteCount: Int
        /// The time of the last use, in nanoseconds since 1970.
        package var lastUsed: Int64
    }

    package let path: String

    /// Makes the folder if it does not exist, readable for its owner only.
    package init(path: String) throws(FileError) {
        self.path = path
        if mkdir(path, 0o700) != 0, errno != EEXIST { throw FileError(code: errno) }
        let kind = try FileKind(of: path)
        guard kind == .folder else { throw FileError("it is \(kind), not a folder") }
        guard access(path, R_OK | W_OK | X_OK) == 0 else { throw FileError(code: errno) }
    }

    /// The path of an entry.
    package func path(of name: StateFileName) -> String { "\(path)/\(name)" }

    /// All entries, the least recently used first, and names of temporary files.
    ///
    /// - Parameter limit: the largest number of names that are read.
    package func entries(limit: Int = 1 << 20) throws(FileError) -> (entries: [Entry], temporary: [String]) {
        guard let directory = opendir(path) else { throw FileError(code: errno) }
        defer { closedir(directory) }
        var entries: [Entry] = []
        var temporary: [String] = []
        for _ in 0..<limit {
            guard let entry = readdir(directory) else { break }
            let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            guard let text = String(validating: bytes, as: UTF8.self) else { continue }
            if text.hasSuffix(StateFileName.temporarySuffix) { temporary.append(text) }
            guard let name = StateFileName(text), let status = Self.status(of: "\(path)/\(text)") else { continue }
            entries.append(Entry(name: name, byteCount: status.byteCount, lastUsed: status.lastUsed))
        }
        entries.sort { ($0.lastUsed, $0.name.number) < ($1.lastUsed, $1.name.number) }
        return (entries, temporary)
    }

    /// Writes an entry. The file appears under its name when it is complete.
    ///
    /// - Returns: the size of the file in bytes.
    /// - Throws: also when the system has no room; then no file remains.
    package static func write(
        _ stored: StoredState, fingerprint: StateFingerprint, to path: String
    ) throws(FileError) -> Int {
        guard let parts = StateFileFormat.parts(of: stored, fingerprint: fingerprint) else {
            throw FileError("the state exceeds a limit of the format")
        }
        let temporary = path + ".tmp"
        do {
            // A file that another process left behind under this name is replaced.
            let file = try OpenFile.regular(temporary, for: .replacing, followsLinks: false)
            for part in parts { try file.append(part) }
        } catch {
            unlink(temporary)
            throw error
        }
        guard rename(temporary, path) == 0 else {
            let code = errno
            unlink(temporary)
            throw FileError(code: code)
        }
        return parts.reduce(0) { $0 + $1.count }
    }

    /// Reads the head of a file.
    package static func head(
        of path: String, fingerprint: StateFingerprint? = nil
    ) throws(StateFileError) -> StateFileHead {
        try StateFileReader.head(of: try open(path), fingerprint: fingerprint)
    }

    /// Reads a whole file.
    package static func state(
        of path: String, fingerprint: StateFingerprint? = nil
    ) throws(StateFileError) -> (stored: StoredState, byteCount: Int) {
        let file = try open(path)
        return (try StateFileReader.state(of: file, fingerprint: fingerprint), file.byteCount)
    }

    private static func open(_ path: String) throws(StateFileError) -> OpenFile {
        do {
            return try OpenFile.regular(path, followsLinks: false)
        } catch {
            throw .unreadable(error.description)
        }
    }

    /// Removes a file. A file that does not exist is no error.
    package static func remove(_ path: String) { unlink(path) }

    /// Records that an entry was used now, so that the order of use survives a restart.
    package static func touch(_ path: String) {
        utimensat(AT_FDCWD, path, nil, AT_SYMLINK_NOFOLLOW)
    }

    /// Removes temporary files that were not changed for `age` seconds: their writer has died.
    package func removeAbandoned(_ names: [String], age: Int64 = 600) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        for name in names {
            guard let status = Self.status(of: "\(path)/\(name)") else { continue }
            if Int64(now.tv_sec) - status.lastUsed / 1_000_000_000 >= age { unlink("\(path)/\(name)") }
        }
    }

    /// The size and the time of the last change of a regular file.
    private static func status(of path: String) -> (byteCount: Int, lastUsed: Int64)? {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        #if canImport(Darwin)
            let time = status.st_mtimespec
        #else
            let time = status.st_mtim
        #endif
        return (max(0, Int(status.st_size)), Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}
