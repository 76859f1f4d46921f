internal import MartletFiles
internal import MartletPlatform

/// A name in a folder, whatever its bytes are.
package struct FolderEntry: Sendable, Equatable, CustomStringConvertible {
    /// The name's bytes, without a zero byte or a slash.
    private let bytes: [UInt8]

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    init(_ name: String) { bytes = Array(name.utf8) }

    /// The name, if it is text.
    package var text: String? { String(validating: bytes, as: UTF8.self) }

    /// The name for messages: a single line of limited length.
    package var description: String { String(decoding: bytes.prefix(128), as: UTF8.self).debugDescription }

    /// All entries of a folder; none if there is no folder.
    static func all(in folder: String) throws(JournalError) -> [FolderEntry] {
        guard let directory = opendir(folder) else {
            if errno == ENOENT { return [] }
            throw JournalError("read", folder)
        }
        defer { closedir(directory) }
        var entries: [FolderEntry] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if name != [0x2E], name != [0x2E, 0x2E] { entries.append(FolderEntry(name)) }
        }
        return entries
    }

    /// Moves the entry to another folder.
    /// - Returns: whether it was moved; otherwise `errno` has the reason.
    func move(from folder: String, to other: String, as name: FolderEntry) -> Bool {
        rename(path(in: folder), name.path(in: other)) == 0
    }

    /// The time of the last change of contents, name or attributes, in seconds since 1970.
    func changeTime(in folder: String) -> Int64? { ChangeTime.seconds(of: path(in: folder)) }

    /// Removes a file or an empty folder.
    func remove(from folder: String) {
        let path = path(in: folder)
        if unlink(path) != 0 { rmdir(path) }
    }

    private func path(in folder: String) -> [CChar] {
        (Array(folder.utf8) + [0x2F] + bytes + [0]).map { CChar(bitPattern: $0) }
    }
}
