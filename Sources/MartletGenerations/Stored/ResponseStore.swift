package import Logging
internal import MartletFiles
package import MartletJSON
internal import MartletProtocol
package import MartletStreams
internal import NIOPosix
internal import Synchronization

/// The stored responses: those in files, and those of generations that have not been written yet.
///
/// A response is found from the moment at which its generation begins: first as a running generation, then as a file. A
/// response of another owner is not found. Without a folder the responses stay in memory and end with the process.
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
        var stored: StoredResponse? { ResponseStore.stored(generation, kind, request) }
    }

    private struct State {
        var index: ResponseIndex
        /// Generations whose responses are not in the index yet.
        var pending: [ResponseIndex.Key: Pending] = [:]
        /// The files of a store without a folder.
        var memory: [ResponseIndex.Key: [UInt8]] = [:]
    }

    private let folder: SmallFileFolder?
    private let state: Mutex<State>
    private let now: @Sendable () -> Int64
    private let logger: Logger

    /// The largest response that is read, in bytes.
    private static let fileLimit = 256 << 20
    private static let suffix = ".json"
    /// The most bytes of the responses of a store without a folder.
    private static let memoryLimit = 64 << 20
    /// Opens the store. Reads the names and sizes of the files, and no file.
    ///
    /// - Parameters:
    ///   - path: the folder of the server's state; nil = the responses stay in memory.
    ///   - age: seconds from the creation of a response to its removal.
    ///   - byteCount: the most bytes of all responses together.
    ///   - now: the time in seconds since 1970.
    /// - Complexity: O(n log n) for n stored responses.
    package init(
        path: String?, age: Int64, byteCount: Int, now: @escaping @Sendable () -> Int64, logger: Logger
    ) {
        folder = path.map { SmallFileFolder(path: $0 + "/responses", byteLimit: Self.fileLimit) }
        self.now = now
        self.logger = logger
        let limit = path == nil ? min(byteCount, Self.memoryLimit) : byteCount
        var index = ResponseIndex(ResponseIndex.Limits(age: age, byteCount: limit))
        var removed: [ResponseIndex.Key] = []
        let time = now()
        var files: [(key: ResponseIndex.Key, byteCount: Int, modified: Int64)] = []
        for name in folder?.names() ?? [] {
            // A file that a process wrote when it ended is no response.
            if name.hasSuffix(SmallFileFolder.partSuffix) { try? folder?.remove(name) }
            guard let key = Self.key(of: name), let facts = folder?.facts(of: name) else { continue }
            files.append((key, facts.byteCount, facts.modified))
        }
        for file in files.sorted(by: { $0.modified < $1.modified }) {
            removed += index.add(file.key, created: file.modified / 1_000_000_000, byteCount: file.byteCount, now: time)
        }
        state = Mutex(State(index: index))
        for key in removed { removeFile(key) }
    }

    /// The key of a file's name; nil for other files.
    private static func key(of name: String) -> ResponseIndex.Key? {
        name.hasSuffix(suffix) ? ResponseIndex.Key(String(name.dropLast(suffix.count))) : nil
    }

    /// The number of responses that have ended.
    package var count: Int { state.withLock { $0.index.count } }

    // MARK: Writing

    /// Stores the response of a generation when it ends. Until then lookups find the generation.
    /// - Parameters:
    ///   - kind: the dialect.
    ///   - request: the body of the request.
    package func record(_ generation: Generation, _ kind: CompletionKind, _ request: JSONValue) {
        guard let key = ResponseIndex.Key(generation.spec.head.id), generation.spec.view is any StorableView else {
            return
        }
        let pending = Pending(generation: generation, kind: kind, request: request)
        state.withLock { $0.pending[key] = pending }
        Task {
            await generation.log.waitForEnd()
            // A generation that was handed over has no end in this process.
            guard let stored = pending.stored else {
                _ = state.withLock { $0.pending.removeValue(forKey: key) }
                return
            }
            await write(stored, key)
        }
    }

    private func write(_ stored: StoredResponse, _ key: ResponseIndex.Key) async {
        let bytes = stored.bytes
        if let folder {
            let problem = await Self.onDisk { () -> FileError? in
                do throws(FileError) {
                    try folder.write(bytes, key.text + Self.suffix)
                    return nil
                } catch {
                    return error
                }
            }
            if let problem {
                logger.warning("a response could not be stored", metadata: ["reason": "\(problem)"])
                _ = state.withLock { $0.pending.removeValue(forKey: key) }
                return
            }
        }
        let removed = state.withLock { state -> [ResponseIndex.Key] in
            // The response was deleted while its file was written.
            guard state.pending.removeValue(forKey: key) != nil else { return [key] }
            if folder == nil { state.memory[key] = bytes }
            return state.index.add(key, created: now(), byteCount: bytes.count, now: now())
        }
        await removeFiles(removed)
    }

    /// Removes a response. A missing one is no error.
    package func remove(_ id: String) async {
        guard let key = ResponseIndex.Key(id) else { return }
        state.withLock { state in
            state.pending[key] = nil
            state.index.remove(key)
        }
        await removeFiles([key])
    }

    private func removeFiles(_ keys: [ResponseIndex.Key]) async {
        guard !keys.isEmpty else { return }
        await Self.onDisk { [self] in for key in keys { removeFile(key) } }
    }

    private func removeFile(_ key: ResponseIndex.Key) {
        state.withLock { $0.memory[key] = nil }
        guard let folder else { return }
        do throws(FileError) {
            try folder.remove(key.text + Self.suffix)
        } catch {
            logger.warning("a stored response could not be removed", metadata: ["reason": "\(error)"])
        }
    }

    /// Runs `body` on a thread that may wait for the disk.
    private static func onDisk<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        // The pool refuses work only when the process ends; the calling thread may wait then.
        (try? await NIOThreadPool.singleton.runIfActive(body)) ?? body()
    }

    // MARK: Reading

    /// A response of an owner; nil if there is none, or if it is too old.
    package func response(_ id: String, of owner: Owner) async -> Found? {
        if let pending = pending(id) {
            guard pending.generation.spec.owner == owner else { return nil }
            return pending.stored.map { .ended($0) } ?? .running(pending.generation, pending.request)
        }
        guard let key = ResponseIndex.Key(id), state.withLock({ $0.index.contains(key, now: now()) }) else {
            return nil
        }
        let stored = await Self.onDisk { [self] in read(key) }
        return stored.flatMap { $0.owner == owner ? .ended($0) : nil }
    }

    /// A response whose owner is known to be right. Blocks on the disk; for the thread of the recovery.
    package func storedResponse(_ id: String) -> StoredResponse? {
        if let pending = pending(id) { return pending.stored }
        guard let key = ResponseIndex.Key(id), state.withLock({ $0.index.contains(key, now: now()) }) else {
            return nil
        }
        return read(key)
    }

    private func pending(_ id: String) -> Pending? {
        ResponseIndex.Key(id).flatMap { key in state.withLock { $0.pending[key] } }
    }

    /// The generation whose response is not written yet, or is being written; nil if there is none.
    package func generation(_ id: String, of owner: Owner) -> Generation? {
        pending(id).flatMap { $0.generation.spec.owner == owner ? $0.generation : nil }
    }

    private func read(_ key: ResponseIndex.Key) -> StoredResponse? {
        guard let folder else { return state.withLock { $0.memory[key] }.flatMap { StoredResponse($0) } }
        guard let bytes = try? folder.read(key.text + Self.suffix), let stored = StoredResponse(bytes),
            stored.id.utf8.elementsEqual(key.text.utf8)
        else { return nil }
        return stored
    }

    /// A resumable generation as a lookup finds it; nil if its dialect stores no responses.
    package static func found(_ generation: Generation) -> Found? {
        guard generation.spec.view is any StorableView, let request = StoredRequest(generation.spec.storedRequest)
        else {
            return nil
        }
        return stored(generation, request.kind, request.body).map { .ended($0) } ?? .running(generation, request.body)
    }

    /// The response of a generation; nil unless it has ended and its dialect stores responses.
    fileprivate static func stored(
        _ generation: Generation, _ kind: CompletionKind, _ request: JSONValue
    ) -> StoredResponse? {
        let spec = generation.spec
        guard generation.log.terminalEvent != nil, let view = spec.view as? any StorableView,
            let response = try? JSONParser.parse(
                view.object(for: generation.log.events, isQueued: false), limits: .envelope)
        else { return nil }
        return StoredResponse(
            id: spec.head.id, owner: spec.owner, kind: kind, created: spec.head.created, request: request,
            response: response)
    }
}
