package import Logging
package import MartletJSON
package import MartletStreams
internal import Synchronization

/// The stored responses: those in files, and those of generations that have not been written yet.
///
/// A response is found from the moment at which its generation begins: first as a running generation, then as a file. A
/// response of another owner is not found. The file is written before a client can read the terminal event; a
/// generation with a journal is stored by the next server if this one ends first. Without a folder the responses stay
/// in memory and end with the process.
///
/// Thread: any. Calls that are `async` use the disk on another thread.
package final class ResponseStore: Sendable {
    /// A response that was looked up.
    package enum Found: Sendable {
        /// The generation has not ended. The value is the body of its request.
        case running(Generation, JSONValue)
        case ended(StoredResponse)
    }

    /// A generation whose response will be stored.
    private struct Pending {
        var generation: Generation
        var kind: CompletionKind
        var request: JSONValue

        /// The response; nil unless the generation has ended.
        var stored: StoredResponse? { StoredResponse(of: generation, kind, request) }
    }

    private let files: StoredFiles
    /// Generations whose responses are not in the index yet. Lock order: this lock, then that of `files`.
    private let pending = Mutex<[ResponseIndex.Key: Pending]>([:])

    /// Opens the store. Reads the names and sizes of the files, and no file.
    ///
    /// - Parameters:
    ///   - path: the folder of the server's state; nil = the responses stay in memory.
    ///   - folder: the folder of the responses within it.
    ///   - now: the time in seconds since 1970.
    /// - Complexity: O(n log n) for n stored responses.
    package init(
        path: String?, folder: String = "responses", _ rules: StoredFileRules, now: @escaping @Sendable () -> Int64,
        logger: Logger
    ) {
        files = StoredFiles(path: path.map { "\($0)/\(folder)" }, rules, now: now, logger: logger)
    }

    /// The number of responses that have ended.
    package var count: Int { files.count }

    // MARK: Writing

    /// Stores the response of a generation when it ends. Until then lookups find the generation.
    ///
    /// A generation of an earlier server whose response has a file, or is too old, stays as it is.
    /// - Parameters:
    ///   - kind: the dialect.
    ///   - request: the body of the request.
    ///   - isKept: whether the response is stored; otherwise only `completing` is called.
    ///   - completing: receives the response before a client can read its last event, unless a journal has the event.
    /// - Returns: a task that ends when all of this is done; nil if the dialect stores nothing.
    @discardableResult package func record(
        _ generation: Generation, _ kind: CompletionKind, _ request: JSONValue, isKept: Bool = true,
        completing: (@Sendable (StoredResponse) async -> Void)? = nil
    ) -> Task<Void, Never>? {
        guard let key = ResponseIndex.Key(generation.spec.head.id), generation.spec.view is any StorableView else {
            return nil
        }
        let isKnown = files.contains(key) || files.isExpired(created: generation.spec.head.created)
        let isKept = isKept && !(generation.isRestored && isKnown)
        if files.isDurable || completing != nil { generation.log.holdEnd() }
        let entry = Pending(generation: generation, kind: kind, request: request)
        if isKept { pending.withLock { $0[key] = entry } }
        return Task {
            await generation.log.waitForEnd()
            // A generation that was handed over has no end in this process.
            if let stored = entry.stored {
                if isKept { await write(stored.bytes, key) }
                await completing?(stored)
            } else {
                _ = pending.withLock { $0.removeValue(forKey: key) }
            }
            generation.log.releaseEnd()
        }
    }

    private func write(_ bytes: [UInt8], _ key: ResponseIndex.Key) async {
        await StoredFiles.onDisk { [self] in
            let isWritten = files.write(bytes, key)
            let removed = pending.withLock { pending in
                let isPending = pending.removeValue(forKey: key) != nil
                guard isWritten else { return [ResponseIndex.Key]() }
                // The response was deleted while its file was written.
                return isPending ? files.add(key, bytes) : [key]
            }
            files.remove(removed)
        }
    }

    /// Writes a response again, with other members. A response that was removed meanwhile stays removed.
    /// - Returns: false if it was removed, or if the disk refuses it.
    package func replace(_ response: StoredResponse) async -> Bool {
        guard let key = ResponseIndex.Key(response.id) else { return false }
        return await StoredFiles.onDisk { [files] in
            let bytes = response.bytes
            guard files.contains(key), files.write(bytes, key) else { return false }
            files.remove(files.add(key, bytes))
            return true
        }
    }

    /// Removes a response. A missing one is no error.
    package func remove(_ id: String) async {
        guard let key = ResponseIndex.Key(id) else { return }
        pending.withLock { pending in
            pending[key] = nil
            files.forget(key)
        }
        await StoredFiles.onDisk { [files] in files.remove([key]) }
    }

    // MARK: Reading

    /// A response of an owner; nil if there is none, or if it is too old.
    package func response(_ id: String, of owner: Owner) async -> Found? {
        if let entry = entry(id) {
            guard entry.generation.spec.owner == owner else { return nil }
            return found(entry.generation, entry.kind, entry.request)
        }
        guard let key = ResponseIndex.Key(id), files.contains(key) else { return nil }
        let stored = await StoredFiles.onDisk { [self] in read(key) }
        return stored.flatMap { $0.owner == owner ? .ended($0) : nil }
    }

    /// A response whose owner is known to be right. Blocks on the disk; for the thread of the recovery.
    package func storedResponse(_ id: String) -> StoredResponse? {
        if let entry = entry(id) {
            return entry.stored.flatMap { files.isExpired(created: $0.created) ? nil : $0 }
        }
        return ResponseIndex.Key(id).flatMap { read($0) }
    }

    /// The responses of an owner that have ended, the newest first, until `isEnough` of them were found.
    ///
    /// - Parameter isEnough: receives the responses found so far.
    /// - Complexity: O(stored responses): a response of another owner is read, too.
    package func responses(
        of owner: Owner, until isEnough: @escaping @Sendable ([StoredResponse]) -> Bool
    ) async -> [StoredResponse] {
        await StoredFiles.onDisk { [self] in
            var found: [StoredResponse] = []
            for key in files.newest {
                guard let stored = read(key), stored.owner == owner else { continue }
                found.append(stored)
                if isEnough(found) { break }
            }
            return found
        }
    }

    /// The ids of responses that begin with these digits. Complexity: O(stored responses).
    package func ids(beginningWith beginnings: Set<String>) -> [String] {
        let known = pending.withLock { Array($0.keys) } + files.newest
        return known.map(\.text).filter { id in beginnings.contains { id.utf8.starts(with: $0.utf8) } }
    }

    private func entry(_ id: String) -> Pending? {
        ResponseIndex.Key(id).flatMap { key in pending.withLock { $0[key] } }
    }

    /// The generation whose response is not written yet, or is being written; nil if there is none.
    package func generation(_ id: String, of owner: Owner) -> Generation? {
        entry(id).flatMap { $0.generation.spec.owner == owner ? $0.generation : nil }
    }

    private func read(_ key: ResponseIndex.Key) -> StoredResponse? {
        guard let stored = files.read(key).flatMap({ StoredResponse($0) }), stored.id.utf8.elementsEqual(key.text.utf8),
            !files.isExpired(created: stored.created)
        else { return nil }
        return stored
    }

    /// A resumable generation as a lookup finds it; nil if its dialect stores no responses, or if it is too old.
    ///
    /// The age of a response is the same in its file, in this store and in the registry.
    package func found(_ generation: Generation) -> Found? {
        guard generation.spec.view is any StorableView, let request = StoredRequest(generation.spec.storedRequest)
        else {
            return nil
        }
        return found(generation, request.kind, request.body)
    }

    private func found(_ generation: Generation, _ kind: CompletionKind, _ request: JSONValue) -> Found? {
        guard let stored = StoredResponse(of: generation, kind, request) else { return .running(generation, request) }
        return files.isExpired(created: stored.created) ? nil : .ended(stored)
    }
}
