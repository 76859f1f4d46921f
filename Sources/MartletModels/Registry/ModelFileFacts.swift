/// The facts of a model's files that the file system knows: no file is read.
///
/// Example: a model of the Hugging Face cache has the SHA-256 of its file, because the cache names the file by it.
package struct ModelFileFacts: Sendable, Equatable {
    /// The bytes of all parts.
    package var byteCount: UInt64
    /// Seconds since 1970 of the newest modification.
    package var modified: Int
    /// The SHA-256 in hexadecimal digits; nil if the name of the file does not state it, or for a split model.
    package var digest: String?

    /// Reads the facts of files, whose links are followed.
    ///
    /// Blocks for a system call or two per file.
    /// - Parameter paths: all parts of a model.
    /// - Returns: nil if there are no paths, or a part is missing.
    package init?(paths: [String]) {
        guard !paths.isEmpty else { return nil }
        var (byteCount, modified) = (UInt64(0), 0)
        for path in paths {
            guard let stamp = FileListing.stamp(path) else { return nil }
            byteCount += stamp.byteCount
            modified = max(modified, Int(stamp.modified / 1_000_000_000))
        }
        self.byteCount = byteCount
        self.modified = modified
        digest = paths.count == 1 ? FileListing.resolved(paths[0]).flatMap(Self.digest(ofBlob:)) : nil
    }

    /// The SHA-256 in the name of a blob of the cache: `…/blobs/SHA256`.
    static func digest(ofBlob path: String) -> String? {
        let parts = path.split(separator: "/")
        guard let name = parts.last, parts.dropLast().last == "blobs", name.utf8.count == 64,
            name.allSatisfy({ $0.isASCII && $0.isHexDigit })
        else { return nil }
        return name.lowercased()
    }
}
