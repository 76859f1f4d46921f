internal import MartletFiles
internal import MartletPlatform

/// The folder with the journals of one server: `streams/ID.journal` in `aside` the files that could not be read,
/// and in `newer` the journals that only a newer build can read.
///
/// Only the user of the server may read the folder, because journals contain clients' requests.
package struct JournalFolder: Sendable {
    package let path: String
    var streams: String { path + "/streams" }
    var aside: String { path + "/aside" }
    var newer: String { path + "/newer" }
    private static let suffix = ".journal"

    package init(path: String) { self.path = path }

    /// The default folder for state (XDG base directories); `nil` = the environment has no home folder.
    package static func defaultPath(environment: (String) -> String?) -> String? {
        if let state = environment("XDG_STATE_HOME"), state.hasPrefix("/") { return state + "/martlet" }
        guard let home = environment("HOME"), home.hasPrefix("/") else { return nil }
        return home + "/.local/state/martlet"
    }

    /// Makes the folder if it is missing, and denies access to other users.
    package func prepare() throws(JournalError) {
        var partial = ""
        for part in path.split(separator: "/", omittingEmptySubsequences: false) {
            partial += part
            if !partial.isEmpty { mkdir(partial, 0o700) }
            partial += "/"
        }
        for folder in [path, streams, aside, newer] {
            if mkdir(folder, 0o700) != 0, errno != EEXIST { throw JournalError("make", folder) }
            guard let kind = try? FileKind(of: folder), kind == .folder else {
                throw JournalError("use", folder, code: ENOTDIR)
            }
            guard chmod(folder, 0o700) == 0 else { throw JournalError("close to others", folder) }
        }
    }

    /// Claims the folder for this process, until the lock is released or the process ends.
    /// - Returns: `nil` if another process has it.
    package func lock() throws(JournalError) -> JournalLock? {
        let file = path + "/lock"
        let lock: JournalLock
        do throws(FileError) {
            lock = JournalLock(file: try OpenFile.regular(file, for: .updating, followsLinks: false))
        } catch {
            throw JournalError("open", file, error)
        }
        guard flock(lock.file.descriptor, LOCK_EX | LOCK_NB) == 0 else {
            if errno == EWOULDBLOCK { return nil }
            throw JournalError("lock", file)
        }
        return lock
    }

    /// The ids of all generations that have a journal, in no order.
    package func ids() throws(JournalError) -> [String] {
        try FolderEntry.all(in: streams).compactMap { Self.id(of: $0) }
    }

    /// Sorts ids by the times at which the generations began. A journal without a readable time comes first.
    package func inOrder(_ ids: [String]) -> [String] {
        let begins = ids.map { id -> (id: String, time: Int64) in
            let file = try? OpenFile.regular(file(of: id), followsLinks: false)
            let start = try? file?.read(at: 0, count: JournalReader.beginByteCount)
            return (id, start.flatMap { JournalReader.beginTime($0) } ?? 0)
        }
        return begins.sorted { ($0.time, $0.id) < ($1.time, $1.id) }.map(\.id)
    }

    /// Entries among the journals whose name is not a journal's.
    package func unknownEntries() throws(JournalError) -> [FolderEntry] {
        try FolderEntry.all(in: streams).filter { Self.id(of: $0) == nil }
    }

    static func id(of entry: FolderEntry) -> String? {
        guard let name = entry.text, name.hasSuffix(suffix) else { return nil }
        let id = String(name.dropLast(suffix.count))
        return isID(id) ? id : nil
    }

    /// Whether a journal may have that name: 32 hexadecimal digits and nothing that leads elsewhere.
    package static func isID(_ text: String) -> Bool {
        text.utf8.count == 32 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    /// - Precondition: `isID(id)`.
    func file(of id: String) -> String { "\(streams)/\(name(of: id))" }

    func name(of id: String) -> String { id + Self.suffix }

    /// Reads the valid records of a generation's journal.
    /// - Throws: when the journal cannot be read, or is no regular file.
    package func read(_ id: String) throws(JournalError) -> JournalReader.Result {
        let path = file(of: id)
        do throws(FileError) {
            let file = try OpenFile.regular(path, followsLinks: false)
            return try JournalReader.read(file)
        } catch {
            throw JournalError("read", path, error)
        }
    }

    /// The maximum number of bytes of an invalid end that are kept in `aside`.
    static let maximumEndByteCount = 1 << 20

    /// Cuts the invalid end off a journal and keeps the beginning of that end in `aside`. A journal without valid
    /// records is moved there as a whole, whatever its kind.
    package func setAside(_ id: String, from byteCount: Int) throws(JournalError) {
        guard byteCount > 0 else { return try setAside(FolderEntry(name(of: id))) }
        let path = file(of: id)
        let end: [UInt8]
        do throws(FileError) {
            let file = try OpenFile.regular(path, followsLinks: false)
            end = try file.read(at: byteCount, count: min(Self.maximumEndByteCount, file.byteCount - byteCount))
        } catch {
            throw JournalError("read", path, error)
        }
        let copy = try JournalFile(creating: "\(aside)/\(id).from-\(byteCount)", replaces: true)
        try copy.append(end)
        try copy.sync()
        try JournalFile(extending: path).shorten(to: byteCount)
    }

    /// Moves an entry among the journals to `aside` without opening it.
    package func setAside(_ entry: FolderEntry) throws(JournalError) {
        if entry.move(from: streams, to: aside, as: entry) { return }
        // The name may exist in `aside`, for example as a folder.
        let other = FolderEntry("stranger-" + String(UInt64.random(in: 0 ... .max), radix: 16))
        guard entry.move(from: streams, to: aside, as: other) else {
            throw JournalError("move", "\(streams)/\(entry.description)")
        }
    }

    /// Removes a generation's journal.
    package func remove(_ id: String) throws(JournalError) {
        let file = file(of: id)
        if unlink(file) != 0, errno != ENOENT { throw JournalError("remove", file) }
    }

    /// Whether an entry has the name of a generation's journal.
    func has(_ id: String) -> Bool {
        do throws(FileError) {
            _ = try FileKind(of: file(of: id), followsLinks: false)
            return true
        } catch {
            return !error.isNotFound
        }
    }

    /// Removes a generation's journal and its parts in `aside`.
    package func erase(_ id: String) throws(JournalError) {
        try remove(id)
        for entry in try FolderEntry.all(in: aside) where entry.text?.hasPrefix(id) == true {
            entry.remove(from: aside)
        }
    }

    /// Removes files that were set aside before `time`, in seconds since 1970.
    package func removeAside(before time: Int64) throws(JournalError) {
        for entry in try FolderEntry.all(in: aside) {
            if let moved = entry.changeTime(in: aside), moved < time { entry.remove(from: aside) }
        }
    }

    /// Syncs the folder, so that new and removed names are on the disk.
    func syncNames() throws(JournalError) {
        let descriptor = open(streams, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw JournalError("open", streams) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw JournalError("sync", streams) }
    }
}

/// A folder that belongs to this process.
package struct JournalLock: ~Copyable, Sendable {
    fileprivate let file: OpenFile

    /// Releases the folder.
    package consuming func release() {}
}

/// An operation that the system refused, with the reason.
package struct JournalError: Error, Sendable, Equatable, CustomStringConvertible {
    package let description: String
    /// Whether the reason lies in the file itself, and not in the system's state.
    package let isOfTheFile: Bool

    /// - Parameter action: a verb that completes "cannot".
    init(_ action: String, _ path: String, code: Int32 = errno) {
        self.init(action, path, FileError(code: code))
    }

    init(_ action: String, _ path: String, _ error: FileError) {
        description = "cannot \(action) \(path): \(error)"
        isOfTheFile = error.isPermanent
    }

    private init(description: String) {
        self.description = description
        isOfTheFile = false
    }

    static func stays(_ path: String) -> Self { Self(description: "\(path) could not be removed") }

    /// The error for a folder that another process has locked.
    package static func inUse(_ path: String) -> Self {
        Self(description: "another server uses \(path); give each a folder of its own with --state-dir")
    }
}
