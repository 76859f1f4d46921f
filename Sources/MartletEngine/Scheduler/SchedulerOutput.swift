import MartletProtocol

/// The scheduler's view of one running sequence. The engine loop makes it in each step.
struct Candidate: Sendable, Equatable {
    var slot: Int
    /// The sequence id of libllama. Adjacent ids are computed together.
    var entry: Int
    /// The number of computed items of the history, and the length of the history.
    var cachedCount: Int
    var historyCount: Int
    /// The number of prompt items at the beginning of the history.
    var promptCount: Int
    /// Whether a client waits for the next token: the only pending item is the last generated one.
    var isDecoding: Bool
    /// The step in which the sequence was last part of a batch, or got its slot.
    var lastScheduled: UInt64
    var adapters: [AdapterScale] = []
    /// Whether the logits behind each prompt token are needed.
    var needsPromptLogprobs = false
    /// The number of draft tokens behind the last generated one.
    var draftCount = 0
    /// The next position at which a chunk of the prompt must end; `nil` = anywhere.
    var stop: Int?

    var pendingCount: Int { historyCount - cachedCount }
}

/// The rows of logits that are read after a decode.
enum LogitRows: Sendable, Equatable {
    /// None: the chunk ends before the end of the history.
    case none
    /// The row behind the last item of the history.
    case last
    /// A row behind each item of the chunk: the logprobs of the prompt are reported.
    case all
    /// The row behind the last item of the history, and one behind each draft token.
    case lastAndDrafts
}

/// The part of one sequence in a batch: `history[start..<start + count]`, then `draftCount` draft tokens.
struct ScheduledSequence: Sendable, Equatable {
    var slot: Int
    var start: Int
    var count: Int
    var draftCount = 0
    var rows: LogitRows
    var isDecoding: Bool
}

/// Everything that one decode computes.
struct SchedulerOutput: Sendable, Equatable {
    /// The parts of the batch, ascending by the entries of the sequences.
    var sequences: [ScheduledSequence] = []
    /// The adapters that the whole batch is computed with.
    var adapters: [AdapterScale] = []
}

/// The next action of the engine.
enum SchedulerDecision: Sendable, Equatable {
    /// Nothing can be computed.
    case idle
    /// The KV cache has no room for the next batch: evict an entry (`PoolPolicy`), and schedule again.
    case makeRoom
    case compute(SchedulerOutput)
}
