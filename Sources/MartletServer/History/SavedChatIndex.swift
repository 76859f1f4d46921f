/// The saved chats of one owner without their content, and the rules for writing them. Pure: disk and time are values.
///
/// A write is `check…`, then the file, then `record…`; the store holds a lock in between.
struct SavedChatIndex: Sendable {
    /// The bounds of one owner's chats.
    struct Limits: Sendable, Equatable {
        /// The most chats.
        var chats = 10_000
        /// The most files of one chat.
        var files = 256
        /// The most bytes of all chats and files together.
        var bytes: Int
    }

    /// One chat.
    struct Entry: Sendable, Equatable {
        /// The hash of the chat's bytes.
        var tag: String
        /// The size of the chat in bytes, without its files.
        var byteCount: Int
        /// The time of its last write in nanoseconds since 1970.
        var modified: Int64
        /// The sizes of its files in bytes.
        var files: [SavedChatName: Int] = [:]
    }

    /// The reason why a chat or a file is not written.
    enum Refusal: Error, Equatable, Sendable {
        /// The chat is not in the state that the client expects. The value is its tag; nil = it does not exist.
        case changed(String?)
        /// There is no chat, or no file, of this name.
        case missing
        /// The owner has as many chats as allowed.
        case tooManyChats(Int)
        /// The chat has as many files as allowed.
        case tooManyFiles(Int)
        /// The bytes of the owner would exceed the limit.
        case full(Int)
    }

    let limits: Limits
    private(set) var entries: [SavedChatName: Entry] = [:]
    /// The bytes of all chats and files.
    private(set) var byteCount = 0
    /// Grows with each change, so that an unchanged list is recognized.
    private(set) var version: UInt64 = 0

    init(limits: Limits) { self.limits = limits }

    /// Whether a chat of this size may be written.
    /// - Complexity: O(1).
    func check(_ name: SavedChatName, byteCount: Int, _ condition: WriteCondition) throws(Refusal) {
        let old = entries[name]
        guard condition.allows(old?.tag) else { throw .changed(old?.tag) }
        guard old != nil || entries.count < limits.chats else { throw .tooManyChats(limits.chats) }
        // A chat that becomes smaller is written in any case.
        guard byteCount <= old?.byteCount ?? 0 || self.byteCount - (old?.byteCount ?? 0) + byteCount <= limits.bytes
        else { throw .full(limits.bytes) }
    }

    /// Records a chat that was written. Its files remain.
    mutating func record(_ name: SavedChatName, tag: String, byteCount: Int, modified: Int64) {
        let files = entries[name]?.files ?? [:]
        self.byteCount += byteCount - (entries[name]?.byteCount ?? 0)
        entries[name] = Entry(tag: tag, byteCount: byteCount, modified: modified, files: files)
        version += 1
    }

    /// Whether a file of this size may be added to a chat.
    func check(_ file: SavedChatName, of name: SavedChatName, byteCount: Int) throws(Refusal) {
        guard let entry = entries[name] else { throw .missing }
        let old = entry.files[file]
        guard old != nil || entry.files.count < limits.files else { throw .tooManyFiles(limits.files) }
        guard self.byteCount - (old ?? 0) + byteCount <= limits.bytes else { throw .full(limits.bytes) }
    }

    /// Records a file that was written. Without its chat nothing happens.
    mutating func record(_ file: SavedChatName, of name: SavedChatName, byteCount: Int) {
        guard entries[name] != nil else { return }
        self.byteCount += byteCount - (entries[name]?.files[file] ?? 0)
        entries[name]?.files[file] = byteCount
        version += 1
    }

    /// Whether a chat may be removed.
    func checkRemoval(_ name: SavedChatName, _ condition: WriteCondition) throws(Refusal) {
        guard let entry = entries[name] else { throw .missing }
        guard condition.allows(entry.tag) else { throw .changed(entry.tag) }
    }

    /// Removes a chat with its files.
    mutating func remove(_ name: SavedChatName) {
        guard let entry = entries.removeValue(forKey: name) else { return }
        byteCount -= entry.byteCount + entry.files.values.reduce(0, +)
        version += 1
    }

    /// Removes a file of a chat.
    mutating func remove(_ file: SavedChatName, of name: SavedChatName) {
        guard let size = entries[name]?.files.removeValue(forKey: file) else { return }
        byteCount -= size
        version += 1
    }
}
