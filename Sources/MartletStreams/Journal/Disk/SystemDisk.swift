package import MartletFiles
internal import MartletPlatform

/// The disk of the system.
package struct SystemDisk: Sendable {
    package init() {}

    /// The path of an entry, which need not be text, with a zero byte at its end.
    private static func path(_ entry: FolderEntry, in folder: String) -> [CChar] {
        (Array(folder.utf8) + [0x2F] + entry.bytes + [0]).map { CChar(bitPattern: $0) }
    }
}

extension SystemDisk: Disk {
    package func makeFolder(_ path: String) throws(FileError) {
        if mkdir(path, 0o700) != 0, errno != EEXIST { throw FileError(code: errno) }
    }

    package func closeToOthers(_ folder: String) throws(FileError) {
        guard chmod(folder, 0o700) == 0 else { throw FileError(code: errno) }
    }

    package func kind(of path: String, followsLinks: Bool) throws(FileError) -> FileKind {
        try FileKind(of: path, followsLinks: followsLinks)
    }

    package func open(_ path: String, for purpose: OpenFile.Purpose) throws(FileError) -> any DiskFile {
        SystemFile(try OpenFile.regular(path, for: purpose, followsLinks: false))
    }

    package func entries(of folder: String) throws(FileError) -> [FolderEntry] {
        guard let directory = opendir(folder) else {
            if errno == ENOENT { return [] }
            throw FileError(code: errno)
        }
        defer { closedir(directory) }
        var entries: [FolderEntry] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if name != [0x2E], name != [0x2E, 0x2E] { entries.append(FolderEntry(bytes: name)) }
        }
        return entries
    }

    package func changeTime(of entry: FolderEntry, in folder: String) -> Int64? {
        ChangeTime.seconds(of: Self.path(entry, in: folder))
    }

    package func move(
        _ entry: FolderEntry, from folder: String, to other: String, as name: FolderEntry
    ) throws(FileError) {
        guard rename(Self.path(entry, in: folder), Self.path(name, in: other)) == 0 else {
            throw FileError(code: errno)
        }
    }

    package func removeFile(_ entry: FolderEntry, in folder: String) throws(FileError) {
        guard unlink(Self.path(entry, in: folder)) == 0 else { throw FileError(code: errno) }
    }

    package func removeFolder(_ entry: FolderEntry, in folder: String) throws(FileError) {
        guard rmdir(Self.path(entry, in: folder)) == 0 else { throw FileError(code: errno) }
    }

    package func syncNames(in folder: String) throws(FileError) {
        let opened = try OpenFile(folder)
        // Some file systems cannot sync a folder; they have no more to offer.
        guard fsync(opened.descriptor) == 0 || errno == EINVAL else { throw FileError(code: errno) }
    }

    package func lock(_ path: String) throws(FileError) -> (any DiskLock)? {
        let file = try OpenFile.regular(path, for: .updating, followsLinks: false)
        guard flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 else {
            if errno == EWOULDBLOCK { return nil }
            throw FileError(code: errno)
        }
        return SystemLock(file)
    }
}

/// A file of the system.
private final class SystemFile: DiskFile {
    private let file: OpenFile

    init(_ file: consuming OpenFile) { self.file = file }

    var byteCount: Int { file.byteCount }

    func read(at offset: Int, count: Int) throws(FileError) -> [UInt8] { try file.read(at: offset, count: count) }

    func append(_ bytes: [UInt8]) throws(FileError) { try file.append(bytes) }

    func shorten(to byteCount: Int) throws(FileError) {
        guard ftruncate(file.descriptor, off_t(byteCount)) == 0 else { throw FileError(code: errno) }
    }

    func sync() throws(FileError) {
        #if canImport(Darwin)
            guard fcntl(file.descriptor, F_FULLFSYNC) != -1 else { throw FileError(code: errno) }
        #else
            guard fdatasync(file.descriptor) == 0 else { throw FileError(code: errno) }
        #endif
    }
}

/// A lock of the system: `flock` of an open file.
private final class SystemLock: DiskLock {
    private let file: OpenFile

    init(_ file: consuming OpenFile) { self.file = file }
}
