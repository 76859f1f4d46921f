internal import MartletFiles

/// The folder with the journals of one server: `streams/ID.journal` in `aside` the files that could not be read,
/// and in `newer` the journals that only a newer build can read.
///
/// Only the user of the server may read the folder, because journals contain clients' requests.
package struct JournalFolder: Sendable {
    package let path: String
    let disk: any Disk
    var streams: String { path + "/streams" }
    var aside: String { path + "/aside" }
    var newer: String { path + "/newer" }
    private static let suffix = ".journal"

    /// The folder at a path, which `prepare` makes.
    package init(path: String, disk: any Disk = SystemDisk()) {
        self.path = path
        self.disk = disk
    }

    /// The default folder for state (XDG base directories); `nil` = the environment has no home folder.
    package static func defaultPath(environment: (String) -> String?) -> String? {
        if let state = environment("XDG_STATE_HOME"), state.hasPrefix("/") { return state + "/martlet" }
        guard let home = environment("HOME"), home.hasPrefix("/") else { return nil }
        return home + "/.local/state/martlet"
    }

    /// Makes the folder if it is missing, and denies access to other users.
    /// - Parameter syncs: whether the folder and the names in it survive the loss of power from now on.
    package func prepare(syncs: Bool = false) throws(JournalError) {
        var partial = ""
        var above: [String] = []
        for part in path.split(separator: "/", omittingEmptySubsequences: false) {
            partial += part
            // Of the folders above, only the missing ones matter; a failure shows below.
            if !partial.isEmpty { try? disk.makeFolder(partial) }
            if partial != path { above.append(partial) }
            partial += "/"
        }
        for folder in [path, streams, aside, newer] {
            try perform("make", folder) { disk throws(FileError) in try disk.makeFolder(folder) }
            guard let kind = try? disk.kind(of: folder, followsLinks: true), kind == .folder else {
                throw JournalError("use", folder, FileError("it is not a folder"))
            }
            try perform("close to others", folder) { disk throws(FileError) in try disk.closeToOthers(folder) }
        }
        guard syncs else { return }
        // A journal is durable only if the folders above it are. A folder that may not be read is not of this server.
        for folder in above { try? disk.syncNames(in: folder.isEmpty ? "/" : folder) }
        try syncNames(in: path)
        try syncNames()
    }

    /// Runs an operation of the disk; its error names the action and the path.
    func perform<Value>(
        _ action: String, _ path: String, _ body: (any Disk) throws(FileError) -> Value
    ) throws(JournalError) -> Value {
        do throws(FileError) {
            return try body(disk)
        } catch {
            throw JournalError(action, path, error)
        }
    }

    /// Claims the folder for this process, until the lock is released or the process ends.
    /// - Returns: `nil` if another process has it.
    package func lock() throws(JournalError) -> JournalLock? {
        let file = path + "/lock"
        guard let lock = try perform("lock", file, { disk throws(FileError) in try disk.lock(file) }) else {
            return nil
        }
        return JournalLock(lock: lock)
    }

    /// The ids of all generations that have a journal, in no order.
    package func ids() throws(JournalError) -> [String] {
        try entries(of: streams).compactMap { Self.id(of: $0) }
    }

    func entries(of folder: String) throws(JournalError) -> [FolderEntry] {
        try perform("read", folder) { disk throws(FileError) in try disk.entries(of: folder) }
    }

    /// Sorts ids by the times at which the generations began. A journal without a readable time comes first.
    package func inOrder(_ ids: [String]) -> [String] {
        let begins = ids.map { id -> (id: String, time: Int64) in
            let file = try? disk.open(file(of: id), for: .reading)
            let start = try? file?.read(at: 0, count: JournalReader.beginByteCount)
            return (id, start.flatMap { JournalReader.beginTime($0) } ?? 0)
        }
        return begins.sorted { ($0.time, $0.id) < ($1.time, $1.id) }.map(\.id)
    }

    /// Entries among the journals whose name is not a journal's.
    package func unknownEntries() throws(JournalError) -> [FolderEntry] {
        try entries(of: streams).filter { Self.id(of: $0) == nil }
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
    /// - Parameter syncs: whether the records survive the loss of power when they are returned. An earlier server may have
    ///   died between a write and its sync.
    /// - Throws: when the journal cannot be read, or is no regular file.
    package func read(_ id: String, syncs: Bool = false) throws(JournalError) -> JournalReader.Result {
        let path = file(of: id)
        return try perform("read", path) { disk throws(FileError) in
            if syncs { try disk.open(path, for: .appending).sync() }
            return try Self.read(try disk.open(path, for: .reading))
        }
    }

    private static func read(_ file: some DiskFile) throws(FileError) -> JournalReader.Result {
        try JournalReader.read(file)
    }

    /// The maximum number of bytes of an invalid end that are kept in `aside`.
    static let maximumEndByteCount = 1 << 20

    /// Cuts the invalid end off a journal and keeps the beginning of that end in `aside`. A journal without valid
    /// records is moved there as a whole, whatever its kind.
    package func setAside(_ id: String, from byteCount: Int) throws(JournalError) {
        guard byteCount > 0 else { return try setAside(FolderEntry(name(of: id))) }
        let path = file(of: id)
        let end = try perform("read", path) { disk throws(FileError) in
            let file = try disk.open(path, for: .reading)
            return try file.read(at: byteCount, count: min(Self.maximumEndByteCount, file.byteCount - byteCount))
        }
        let copy = try JournalFile("\(aside)/\(id).from-\(byteCount)", for: .replacing, on: disk)
        try copy.append(end)
        try copy.sync()
        try syncNames(in: aside)
        let journal = try JournalFile(path, for: .appending, on: disk)
        try journal.shorten(to: byteCount)
        // Records that follow must not lie behind bytes that come back.
        try journal.sync()
    }

    /// Moves an entry among the journals to `aside` without opening it.
    package func setAside(_ entry: FolderEntry) throws(JournalError) {
        if (try? disk.move(entry, from: streams, to: aside, as: entry)) != nil { return }
        // The name may exist in `aside`, for example as a folder.
        let names = Set(try entries(of: aside))
        var number = 1
        while names.contains(FolderEntry("stranger-\(number)")) { number += 1 }
        let other = FolderEntry("stranger-\(number)")
        try perform("move", "\(streams)/\(entry.description)") { disk throws(FileError) in
            try disk.move(entry, from: streams, to: aside, as: other)
        }
    }

    /// Removes a generation's journal.
    package func remove(_ id: String) throws(JournalError) {
        do throws(FileError) {
            try disk.removeFile(FolderEntry(name(of: id)), in: streams)
        } catch {
            if !error.isNotFound { throw JournalError("remove", file(of: id), error) }
        }
    }

    /// The path of a file that holds text of a generation: its journal or a part in `aside`; nil = there is none.
    func remainder(of id: String) -> String? {
        if has(id) { return file(of: id) }
        guard let parts = try? parts(of: id) else { return aside }
        return parts.first.map { "\(aside)/\($0.description)" }
    }

    /// Whether an entry has the name of a generation's journal.
    func has(_ id: String) -> Bool {
        do throws(FileError) {
            _ = try disk.kind(of: file(of: id), followsLinks: false)
            return true
        } catch {
            return !error.isNotFound
        }
    }

    /// Removes a generation's journal and its parts in `aside`.
    ///
    /// The parts come first: while one of them stays, the journal stays, and the removal can be tried again.
    /// - Parameter syncs: whether the removal survives the loss of power at the return.
    /// - Throws: when a part or the journal could not be removed.
    package func erase(_ id: String, syncs: Bool = false) throws(JournalError) {
        let parts = try parts(of: id)
        for entry in parts {
            removeAside(entry)
            if isAside(entry) { throw .stays("\(aside)/\(entry.description)") }
        }
        if syncs, !parts.isEmpty { try syncNames(in: aside) }
        try remove(id)
        if syncs { try syncNames() }
    }

    /// The entries in `aside` that hold text of a generation.
    private func parts(of id: String) throws(JournalError) -> [FolderEntry] {
        try entries(of: aside).filter { $0.text?.hasPrefix(id) == true }
    }

    private func isAside(_ entry: FolderEntry) -> Bool {
        guard let entries = try? entries(of: aside) else { return true }
        return entries.contains(entry)
    }

    /// Removes a file or an empty folder in `aside`. An entry that stays is removed by a later start.
    private func removeAside(_ entry: FolderEntry) {
        if (try? disk.removeFile(entry, in: aside)) == nil { try? disk.removeFolder(entry, in: aside) }
    }

    /// Removes files that were set aside before `time`, in seconds since 1970.
    package func removeAside(before time: Int64) throws(JournalError) {
        for entry in try entries(of: aside) {
            if let moved = disk.changeTime(of: entry, in: aside), moved < time { removeAside(entry) }
        }
    }

    /// Syncs the folder of journals, so that new and removed names are on the disk.
    func syncNames() throws(JournalError) { try syncNames(in: streams) }

    func syncNames(in folder: String) throws(JournalError) {
        try perform("sync", folder) { disk throws(FileError) in try disk.syncNames(in: folder) }
    }
}

/// A folder that belongs to this process.
package struct JournalLock: ~Copyable, Sendable {
    fileprivate let lock: any DiskLock

    /// Releases the folder.
    package consuming func release() {}
}

/// An operation that the system refused, with the reason.
package struct JournalError: Error, Sendable, Equatable, CustomStringConvertible {
    package let description: String
    /// Whether the reason lies in the file itself, and not in the system's state.
    package let isOfTheFile: Bool

    /// - Parameter action: a verb that completes "cannot".
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
