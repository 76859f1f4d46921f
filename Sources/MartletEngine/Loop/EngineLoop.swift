import Llama
import MartletGrammar
import MartletProtocol

/// The engine's thread: commands in, decode, sample, events out.
///
/// Everything in it is used by that thread alone. What to do is decided by the pure types in `Scheduling`; only this one
/// and its extensions touch libllama.
final class EngineLoop {
    let loaded: LoadedModel
    var context: Context
    let mailbox: Mailbox<EngineMessage>
    let receiver: any EngineEventReceiver
    let decodeGuard: DecodeGuard
    let board: StatusBoard
    let progress: ThreadProgress
    /// Tokens that all sequences share; without bound where each has its own memory.
    let capacity: Int
    /// Most tokens of one sequence.
    let sequenceLimit: Int
    let hasRecurrentMemory: Bool
    let slidingWindow: Int

    let embedder: Embedder?
    /// Whether tokens in memory can be moved to other positions.
    let canShift: Bool
    /// What the context applies now.
    var appliedAdapters: [AdapterScale] = []
    var slots: [Slot]
    var queue = RequestQueue<Generation>()
    /// Paused ones that have no sequence.
    var parked: [Generation] = []
    /// What they had in memory.
    var shelf: StateShelf
    var planner: BatchPlanner
    var pace: PromptPace
    var batch: Batch
    let team: SamplingTeam
    /// Scores as they were before a draw that a grammar may refuse.
    lazy var keptScores = KeptScores(vocabularySize: loaded.vocabulary.count)
    private var machines = ConstraintMachines()
    lazy var report = TokenReport(vocabularySize: loaded.vocabulary.count)
    var output = TurnOutput()
    /// Sequences of a decode that failed; each is tried alone, to find the one to blame.
    var suspects: Set<Int> = []
    var turn: UInt64 = 0
    var arrivals: UInt64 = 0
    private let queueLimit: Int

    // Used again every turn.
    var demands: [BatchPlanner.Demand] = []
    var shares: [BatchPlanner.Share] = []
    var parts: [BatchPart] = []
    var draws: [EarlyDraw] = []

    init(
        loaded: LoadedModel, context: consuming Context, sharesMemory: Bool, configuration: EngineConfiguration,
        mailbox: Mailbox<EngineMessage>, receiver: any EngineEventReceiver, decodeGuard: DecodeGuard,
        board: StatusBoard, progress: ThreadProgress = ThreadProgress(), embedder: Embedder? = nil
    ) {
        self.loaded = loaded
        capacity = sharesMemory ? context.contextLength : .max / 2
        sequenceLimit = min(context.sequenceContextLength, context.contextLength)
        self.mailbox = mailbox
        self.receiver = receiver
        self.decodeGuard = decodeGuard
        self.board = board
        self.progress = progress
        self.embedder = embedder
        canShift = context.canShift
        hasRecurrentMemory = loaded.model.hasRecurrentMemory
        slidingWindow = configuration.keepsFullWindow ? 0 : loaded.model.slidingWindow
        slots = (0..<configuration.sequenceCount).map(Slot.init)
        shelf = StateShelf(limit: configuration.shelfByteCount)
        queueLimit = configuration.queueLimit
        let microBatchSize = min(context.microBatchSize, context.batchSize)
        batch = Batch(capacity: context.batchSize)
        planner = BatchPlanner(
            shape: BatchShape(
                microBatchSize: microBatchSize, isReproducible: configuration.isReproducible,
                sharesMemory: sharesMemory))
        pace = PromptPace(
            stall: configuration.promptStall, ceiling: microBatchSize, patience: configuration.promptPatience)
        team = SamplingTeam(configuration.parallelSampling, vocabularySize: loaded.vocabulary.count)
        self.context = context
        board.update { status in status.slots = slots.map { SlotStatus(index: $0.index) } }
    }

    /// Runs until it is told to stop. Then every generation has ended.
    func run() {
        while takeTurn() {}
    }

    /// Takes commands, and computes once; sleeps while there is nothing to do.
    ///
    /// - Returns: whether to go on.
    func takeTurn() -> Bool {
        let isIdle =
            queue.count == 0 && embedder?.isIdle ?? true && slots.allSatisfy { $0.generation?.isResting ?? true }
        progress.note(isIdle ? .idle : .scheduling)
        for message in mailbox.take(waits: isIdle) where !handle(message) {
            flush()
            return false
        }
        if isIdle, !gather() {
            flush()
            return false
        }
        progress.note(.scheduling)
        turn += 1
        admit()
        // Who waits should not wait for a long prompt to learn that it was let in.
        flush()
        if plan() {
            decode()
            publish()
            deliver()
        }
        if let embedder, !embedder.isIdle { progress.note(.embedding) }
        embedder?.step(isSomebodyWriting: slots.contains { $0.generation != nil })
        return true
    }

    /// Before an idle engine reads prompts, waits a moment for those that could be read with them.
    ///
    /// - Returns: whether to go on.
    private func gather() -> Bool {
        let tokens = (0..<queue.count).reduce(0) { $0 + queue[$1].history.count }
        guard tokens > 0 else { return true }
        let end = MonotonicTime.now + pace.wait(before: tokens)
        while queue.count < slots.count {
            let left = end - .now
            guard left > .zero else { break }
            for message in mailbox.take(waitingFor: left) where !handle(message) { return false }
        }
        return true
    }

    /// - Returns: whether to go on.
    private func handle(_ message: EngineMessage) -> Bool {
        switch message {
        case .submit(let request):
            arrivals += 1
            let idle = slots.count { $0.generation == nil }
            guard queue.count < queueLimit + idle else {
                output.add(request.handle, .failed(.queueFull(limit: queueLimit)))
                break
            }
            let generation = Generation(
                request, arrival: arrivals, vocabularySize: loaded.vocabulary.count,
                matcher: newMatcher(for: request.constraint))
            output.add(request.handle, .admitted(promptTokens: request.tokens.count))
            if let reason = generation.resume(vocabulary: loaded.vocabulary, contextLength: sequenceLimit) {
                end(generation, reason)
            } else if request.isPaused {
                generation.pause(at: .now)
                parked.append(generation)
            } else {
                queue.append(generation, id: request.handle.rawValue)
            }
        case .reject(let handle, let error):
            output.add(handle, .failed(error))
        case .cancelled(let handle, let submitted):
            output.add(handle, .finished(.cancelled(submitted: submitted), text: []))
        case .cancel(let handle):
            decodeGuard.forget(handle)
            end(handle, .cancelled)
        case .control(let handle, let number, let action):
            obey(action, number, handle)
        case .embed(let job):
            embedder?.add(job)
        case .stop:
            embedder?.failAll(.shuttingDown)
            for index in slots.indices { fail(index, .shuttingDown) }
            for waiting in queue.removeAll() + parked { output.add(waiting.handle, .failed(.shuttingDown)) }
            parked = []
            return false
        }
        return true
    }

    /// Follows a grammar from its beginning; `nil` where there is none.
    func newMatcher(for constraint: CompiledConstraint?) -> TokenMatcher? {
        constraint.map { machines.matcher(for: $0) }
    }

    /// Delivers what there is before the turn is over. The status that goes with an event is there before it.
    private func flush() {
        guard !output.isEmpty else { return }
        publish()
        deliver()
    }

    private func deliver() {
        if !output.isEmpty { receiver.receive(output.take()) }
    }

    /// Brings the copy of the status up to date.
    private func publish() {
        board.update { status in
            status.queued = queue.count
            for index in slots.indices {
                let slot = slots[index]
                status.slots[index].memoryTokens = slot.memoryCount
                guard let generation = slot.generation else {
                    // The rest still tells of the last one.
                    status.slots[index].phase = .idle
                    continue
                }
                status.slots[index].phase =
                    generation.isPaused ? .paused : generation.predicted > 0 ? .generating : .prompt
                status.slots[index].handle = generation.handle
                status.slots[index].promptTokens = generation.promptCount
                status.slots[index].promptTokensProcessed = min(slot.memoryCount, generation.promptCount)
                status.slots[index].cachedTokens = generation.cachedTokens
                status.slots[index].predictedTokens = generation.predicted
            }
        }
    }
}

/// What one sequence has in a batch.
struct BatchPart {
    var slot: Int
    /// Tokens in memory before.
    var start: Int
    var count: Int
    /// Of the last of them in the batch.
    var lastIndex: Int
    /// Where the scores are, if these are the last tokens to be computed.
    var logitsIndex: Int?
    var isWriting: Bool
}
