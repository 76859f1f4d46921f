internal import MartletPlatform

/// The entries of a folder, and stamps of files. All calls are plain system calls.
package enum FileListing {
    /// A stamp that changes when a file's contents change.
    package struct Stamp: Sendable, Hashable {
        package var byteCount: UInt64
        /// Nanoseconds since 1970 of the last modification.
        package var modified: Int64

        /// Creates a stamp.
        package init(byteCount: UInt64, modified: Int64) {
            self.byteCount = byteCount
            self.modified = modified
        }
    }

    /// An entry of a folder. Links are followed.
    package struct Entry: Sendable, Equatable {
        package var name: String
        package var isFolder: Bool
    }

    /// The largest number of entries of one folder that are listed.
    package static let maximumEntryCount = 100_000

    /// The entries of a folder by name, without hidden ones.
    ///
    /// - Throws: a predicate that follows the folder's path, e.g. "cannot be read: Permission denied".
    package static func entries(of folder: String) throws(ModelSourceError) -> [Entry] {
        guard let stream = opendir(folder) else {
            throw ModelSourceError("\(folder) cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { closedir(stream) }
        var entries: [Entry] = []
        while let entry = readdir(stream), entries.count < maximumEntryCount {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard !name.hasPrefix(".") else { continue }
            let kind = entry.pointee.d_type
            // Links, and file systems without kinds, need the status of the target.
            let isFolder =
                kind == UInt8(DT_DIR)
                || (kind != UInt8(DT_REG) && Self.isFolder(folder + "/" + name))
            entries.append(Entry(name: name, isFolder: isFolder))
        }
        return entries.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    /// Whether the path leads to a folder.
    package static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The stamp of a regular file; `nil` if there is none at the path.
    package static func stamp(_ path: String) -> Stamp? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        #if canImport(Darwin)
            let time = status.st_mtimespec
        #else
            let time = status.st_mtim
        #endif
        return Stamp(
            byteCount: UInt64(max(0, status.st_size)),
            modified: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
    }

    /// The path of the target without links; `nil` if there is none.
    package static func resolved(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }
}

/// The reason why a source of models cannot be used, as one sentence that names the source.
package struct ModelSourceError: Error, Sendable, Equatable, CustomStringConvertible {
    package let description: String

    /// Creates an error with this sentence.
    package init(_ description: String) { self.description = description }
}
