package import Logging
package import MartletStreams
internal import Synchronization

/// The stored conversations: one file for each, to which each change adds a line (`ConversationFile`).
///
/// The age of a conversation counts from its last change. Thread: any. Changes come one after another, so no change is
/// lost; the lock is held while the file is written. A reader finds the conversation before or after a change, never a
/// part of it. Calls that are `async` use the disk on another thread.
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

    /// Adds a new conversation.
    package func add(_ conversation: StoredConversation) async throws(Problem) {
        let problem = await StoredFiles.onDisk { [self] in
            changes.withLock { _ in
                let file = ConversationFile(conversation)
                return write(.replace(file.bytes), file)
            }
        }
        if let problem { throw problem }
    }

    /// A conversation of an owner; nil if there is none.
    package func conversation(_ id: String, of owner: Owner) async -> StoredConversation? {
        await StoredFiles.onDisk { [self] in read(id, of: owner)?.conversation }
    }

    /// A conversation whose owner is known to be right. Blocks on the disk; for the thread of the recovery.
    package func storedConversation(_ id: String) -> StoredConversation? {
        ResponseIndex.Key(id).flatMap { files.read($0) }.flatMap { ConversationFile($0) }?.conversation
    }

    /// Changes a conversation.
    ///
    /// - Parameter change: makes the change from the conversation as it is, which no other change can reach meanwhile;
    ///   nil = no change. Called with the lock of all changes held.
    /// - Returns: the changed conversation.
    /// - Throws: a `Problem`, or the error of `change`.
    package func update(
        _ id: String, of owner: Owner,
        _ change: @escaping @Sendable (StoredConversation) throws -> ConversationChange?
    ) async throws -> StoredConversation {
        let result = await StoredFiles.onDisk { [self] in
            changes.withLock { _ in
                Result<StoredConversation, any Error> {
                    guard var file = read(id, of: owner) else { throw Problem.missing }
                    guard let change = try change(file.conversation), let update = file.update(change) else {
                        return file.conversation
                    }
                    if let problem = write(update, file) { throw problem }
                    return file.conversation
                }
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

    private func read(_ id: String, of owner: Owner) -> ConversationFile? {
        guard let key = ResponseIndex.Key(id), let file = files.read(key).flatMap({ ConversationFile($0) }),
            file.conversation.owner == owner
        else { return nil }
        return file
    }

    /// Writes an update unless the conversation would break a rule.
    /// - Parameter file: the file with the update.
    private func write(_ update: ConversationFile.Update, _ file: ConversationFile) -> Problem? {
        guard let key = ResponseIndex.Key(file.conversation.id) else { return .missing }
        guard file.conversation.items.count <= StoredConversation.itemLimit else { return .tooManyItems }
        guard file.liveByteCount <= StoredConversation.byteLimit else { return .tooLarge }
        switch update {
        case .append(let bytes):
            guard files.append(bytes, key, at: file.byteCount - bytes.count) else { return .notWritten }
            files.remove(files.grow(key, bytes))
        case .replace(let bytes):
            guard files.write(bytes, key) else { return .notWritten }
            files.remove(files.add(key, bytes))
        }
        return nil
    }
}
