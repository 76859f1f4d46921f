#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The folder with the journals of one server: `streams/ID.journal` in it, and in `aside` what could not be read.
///
/// Only its owner may look into it, since journals hold what clients wrote.
package struct JournalFolder: Sendable {
    package let path: String
    private var streams: String { path + "/streams" }
    private var aside: String { path + "/aside" }
    private static let suffix = ".journal"

    package init(path: String) { self.path = path }

    /// Where servers keep their state unless told otherwise (XDG base directories); `nil` = there is no home.
    package static func defaultPath(environment: (String) -> String?) -> String? {
        if let state = environment("XDG_STATE_HOME"), state.hasPrefix("/") { return state + "/martlet" }
        guard let home = environment("HOME"), home.hasPrefix("/") else { return nil }
        return home + "/.local/state/martlet"
    }

    /// Makes the folder where it is missing, and closes it to others.
    package func prepare() throws(JournalError) {
        var partial = ""
        for part in path.split(separator: "/", omittingEmptySubsequences: false) {
            partial += part
            if !partial.isEmpty { mkdir(partial, 0o700) }
            partial += "/"
        }
        for folder in [path, streams, aside] {
            if mkdir(folder, 0o700) != 0, errno != EEXIST { throw JournalError("make", folder) }
            guard chmod(folder, 0o700) == 0 else { throw JournalError("close to others", folder) }
        }
    }

    /// Claims the folder for this process, until the lock is released or the process ends.
    /// - Returns: `nil` if another process has it.
    package func lock() throws(JournalError) -> JournalLock? {
        let file = path + "/lock"
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw JournalError("open", file) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            if code == EWOULDBLOCK { return nil }
            throw JournalError("lock", file, code: code)
        }
        return JournalLock(descriptor: descriptor)
    }

    /// The ids of all generations that have a journal, in no order.
    package func ids() throws(JournalError) -> [String] {
        try names(in: streams).compactMap { name in
            guard name.hasSuffix(Self.suffix) else { return nil }
            let id = String(name.dropLast(Self.suffix.count))
            return Self.isID(id) ? id : nil
        }
    }

    /// The same in the order in which the generations began.
    package func idsInOrder() throws(JournalError) -> [String] {
        var begins: [(id: String, time: Int64)] = []
        for id in try ids() {
            // Of what has no readable beginning, the place does not matter.
            begins.append((id, JournalReader.beginTime(try JournalFile.read(file(of: id), upTo: 64)) ?? 0))
        }
        return begins.sorted { ($0.time, $0.id) < ($1.time, $1.id) }.map(\.id)
    }

    /// Whether a journal may have that name: 32 hexadecimal digits and nothing that leads elsewhere.
    package static func isID(_ text: String) -> Bool {
        text.utf8.count == 32 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    /// - Precondition: `id` is one.
    func file(of id: String) -> String { "\(streams)/\(id)\(Self.suffix)" }

    /// What a generation's journal holds.
    package func bytes(of id: String) throws(JournalError) -> [UInt8] { try JournalFile.read(file(of: id)) }

    /// Takes a journal out of the way so that its bad end is not read again: that is kept in `aside`, and so is the whole
    /// of a journal of which nothing counts.
    package func setAside(_ id: String, from byteCount: Int) throws(JournalError) {
        let file = file(of: id)
        guard byteCount > 0 else {
            let target = "\(aside)/\(id)\(Self.suffix)"
            guard rename(file, target) == 0 else { throw JournalError("move", file) }
            return
        }
        let rest = Array(try JournalFile.read(file)[byteCount...])
        var copy = try JournalFile(creating: "\(aside)/\(id).from-\(byteCount)", replaces: true)
        try copy.append(rest)
        try copy.sync()
        guard truncate(file, off_t(byteCount)) == 0 else { throw JournalError("shorten", file) }
    }

    package func remove(_ id: String) throws(JournalError) {
        let file = file(of: id)
        if unlink(file) != 0, errno != ENOENT { throw JournalError("remove", file) }
    }

    /// Removes what was set aside before `time`, in seconds since 1970.
    package func removeAside(before time: Int64) throws(JournalError) {
        for name in try names(in: aside) {
            var status = stat()
            let file = "\(aside)/\(name)"
            guard lstat(file, &status) == 0 else { continue }
            #if canImport(Darwin)
                let changed = Int64(status.st_mtimespec.tv_sec)
            #else
                let changed = Int64(status.st_mtim.tv_sec)
            #endif
            if changed < time { unlink(file) }
        }
    }

    /// So that a file's name is on the disk, too.
    func syncNames() throws(JournalError) {
        let descriptor = open(streams, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw JournalError("open", streams) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw JournalError("sync", streams) }
    }

    private func names(in folder: String) throws(JournalError) -> [String] {
        guard let directory = opendir(folder) else {
            if errno == ENOENT { return [] }
            throw JournalError("read", folder)
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}

/// A folder that belongs to this process.
package struct JournalLock: ~Copyable, Sendable {
    private let descriptor: Int32

    fileprivate init(descriptor: Int32) { self.descriptor = descriptor }

    package consuming func release() {}

    deinit { close(descriptor) }
}

/// What the system refused.
package struct JournalError: Error, Sendable, Equatable, CustomStringConvertible {
    package let description: String

    /// - Parameter action: completes "cannot".
    init(_ action: String, _ path: String, code: Int32 = errno) {
        description = "cannot \(action) \(path): \(String(cString: strerror(code)))"
    }

    private init(description: String) { self.description = description }

    package static func inUse(_ path: String) -> Self {
        Self(description: "another server uses \(path); give each a folder of its own with --state-dir")
    }
}
