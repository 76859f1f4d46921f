package import Logging
package import MartletStreams
internal import Synchronization

/// The stored conversations: one file for each, which is written again at each change.
///
/// The age of a conversation counts from its last change. Thread: any. Changes come one after another, so no change is
/// lost; the lock is held while the file is written. Calls that are `async` use the disk on another thread.
package final class ConversationFiles: Sendable {
    /// The reason why a conversation was not changed.
    package enum Problem: Error, Sendable, Equatable {
        /// There is none with this id and owner.
        case missing
        case tooManyItems
        case tooLarge
        /// The disk refuses the file.
        case notWritten
    }

    private let files: StoredFiles
    private let changes = Mutex<Void>(())

    /// Opens the folder `conversations` of the server's state.
    /// - Parameters:
    ///   - path: the folder of the server's state; nil = the conversations stay in memory.
    ///   - now: the time in seconds since 1970.
    package init(path: String?, _ rules: StoredFileRules, now: @escaping @Sendable () -> Int64, logger: Logger) {
        files = StoredFiles(path: path.map { $0 + "/conversations" }, rules, now: now, logger: logger)
    }

    /// Adds a conversation, or writes a changed one.
    package func add(_ conversation: StoredConversation) async throws(Problem) {
        let problem = await StoredFiles.onDisk { [self] in changes.withLock { _ in write(conversation) } }
        if let problem { throw problem }
    }

    /// A conversation of an owner; nil if there is none.
    package func conversation(_ id: String, of owner: Owner) async -> StoredConversation? {
        await StoredFiles.onDisk { [self] in read(id, of: owner) }
    }

    /// A conversation whose owner is known to be right. Blocks on the disk; for the thread of the recovery.
    package func storedConversation(_ id: String) -> StoredConversation? {
        ResponseIndex.Key(id).flatMap { files.read($0) }.flatMap { StoredConversation($0) }
    }

    /// Changes a conversation.
    /// - Parameter change: changes the value; called with the lock of all changes held.
    /// - Returns: the changed conversation.
    package func update(
        _ id: String, of owner: Owner, _ change: @escaping @Sendable (inout StoredConversation) -> Void
    ) async throws(Problem) -> StoredConversation {
        let result = await StoredFiles.onDisk { [self] () -> Result<StoredConversation, Problem> in
            changes.withLock { _ in
                guard let old = read(id, of: owner) else { return .failure(.missing) }
                var new = old
                change(&new)
                if new == old { return .success(new) }
                return write(new).map { .failure($0) } ?? .success(new)
            }
        }
        return try result.get()
    }

    /// Removes a conversation.
    /// - Returns: whether there was one.
    package func remove(_ id: String, of owner: Owner) async -> Bool {
        await StoredFiles.onDisk { [self] in
            changes.withLock { _ in
                guard let key = ResponseIndex.Key(id), read(id, of: owner) != nil else { return false }
                files.forget(key)
                files.remove([key])
                return true
            }
        }
    }

    private func read(_ id: String, of owner: Owner) -> StoredConversation? {
        guard let key = ResponseIndex.Key(id), let stored = files.read(key).flatMap({ StoredConversation($0) }),
            stored.owner == owner
        else { return nil }
        return stored
    }

    private func write(_ conversation: StoredConversation) -> Problem? {
        guard let key = ResponseIndex.Key(conversation.id) else { return .missing }
        guard conversation.items.count <= StoredConversation.itemLimit else { return .tooManyItems }
        let bytes = conversation.bytes
        guard bytes.count <= StoredConversation.byteLimit else { return .tooLarge }
        guard files.write(bytes, key) else { return .notWritten }
        files.remove(files.add(key, bytes))
        return nil
    }
}
