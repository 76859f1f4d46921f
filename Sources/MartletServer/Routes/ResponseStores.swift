internal import Logging
internal import MartletGenerations
internal import MartletPlatform
internal import MartletStreams
internal import Synchronization

/// The stores of responses: chat completions have one of their own, because they are listed.
///
/// Both have the same limits (`--response-time`, `--response-size`) and lie in the state folder.
struct ResponseStores: Sendable {
    /// OpenAI's Responses.
    let responses: ResponseStore
    /// Chat completions with `store`.
    let completions: ResponseStore

    /// Conversations that responses belong to.
    let conversations: ConversationFiles
    let additions = ConversationAdditions()

    /// Opens the stores of a server. Reads the names of their files.
    init(_ configuration: ServerConfiguration, logger: Logger) {
        let path = configuration.journal?.path
        let rules = StoredFileRules(
            age: configuration.responseTime.components.seconds, byteCount: configuration.limits.responseBytes,
            syncs: configuration.journal?.durability == .fsync)
        let now: @Sendable () -> Int64 = { Int64(time(nil)) }
        responses = ResponseStore(path: path, rules, now: now, logger: logger)
        completions = ResponseStore(path: path, folder: "completions", rules, now: now, logger: logger)
        conversations = ConversationFiles(path: path, rules, now: now, logger: logger)
    }

    /// The store of a dialect.
    subscript(kind: CompletionKind) -> ResponseStore { kind == .chat ? completions : responses }
}

/// Responses whose items are about to be added to conversations. A request that continues a conversation waits for
/// its ended responses, so that it finds their items. Thread: any.
final class ConversationAdditions: Sendable {
    private struct Entry {
        var generation: Generation
        var task: Task<Void, Never>
    }
    /// By the id of the conversation.
    private let entries = Mutex<[String: [Entry]]>([:])

    /// Adds a running addition; it is removed at its end.
    func add(_ task: Task<Void, Never>, of generation: Generation, to conversation: String) {
        entries.withLock { $0[conversation, default: []].append(Entry(generation: generation, task: task)) }
        Task {
            await task.value
            entries.withLock { entries in
                entries[conversation]?.removeAll { $0.generation === generation }
                if entries[conversation]?.isEmpty == true { entries[conversation] = nil }
            }
        }
    }

    /// Returns when the conversation has the items of all responses that have ended.
    func wait(for conversation: String) async {
        let ended = entries.withLock { $0[conversation] ?? [] }.filter { $0.generation.log.terminalEvent != nil }
        for entry in ended { await entry.task.value }
    }
}
