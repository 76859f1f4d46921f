import Llama
import MartletGrammar
import MartletProtocol

/// The engine's thread: commands in, decode, sample, events out.
///
/// Everything in it is used by that thread alone. What to do is decided by the pure types in `Scheduling`; only this
/// one and its extensions touch libllama.
final class EngineLoop {
    let loaded: OpenedModel
    var context: Context
    let mailbox: Mailbox<EngineMessage>
    let receiver: any EngineEventReceiver
    let decodeGuard: DecodeGuard
    let board: StatusBoard
    let progress: ThreadProgress
    /// Tokens that all slots have in common; without bound where each has its own memory.
    let capacity: Int
    /// Most tokens of one slot.
    let sequenceLimit: Int
    let hasRecurrentState: Bool
    let slidingWindow: Int

    let embedder: Embedder?
    /// Whether tokens in memory can be moved to other positions.
    let canShift: Bool
    /// What the context applies now.
    var appliedAdapters: [AdapterScale] = []
    var slots: [Slot]
    var queue = RequestQueue<EngineSequence>()
    /// Paused ones that have no slot.
    var swappedOut: [EngineSequence] = []
    /// What they had in memory.
    var stateCache: KVStateCache
    var planner: BatchPlanner
    var prefillBudget: PrefillBudget
    var batch: Batch
    let samplerPool: SamplerPool
    /// Logits as they were before a draw that a grammar may refuse.
    lazy var savedLogits = SavedLogits(vocabularySize: loaded.vocabulary.count)
    private var machines = ConstraintMachineCache()
    lazy var report = TokenReport(vocabularySize: loaded.vocabulary.count)
    var output = StepOutput()
    /// Sequences of a decode that failed; each is tried alone, to find the one to blame.
    var suspects: Set<Int> = []
    var stepNumber: UInt64 = 0
    var arrivals: UInt64 = 0
    private let queueLimit: Int

    // Used again every step.
    var pendingTokens: [BatchPlanner.PendingTokens] = []
    var scheduledTokens: [BatchPlanner.ScheduledTokens] = []
    var parts: [BatchPart] = []
    var parallelSamples: [ParallelSample] = []

    init(
        loaded: OpenedModel, context: consuming Context, usesUnifiedKV: Bool, configuration: EngineConfiguration,
        mailbox: Mailbox<EngineMessage>, receiver: any EngineEventReceiver, decodeGuard: DecodeGuard,
        board: StatusBoard, progress: ThreadProgress = ThreadProgress(), embedder: Embedder? = nil
    ) {
        self.loaded = loaded
        capacity = usesUnifiedKV ? context.contextLength : .max / 2
        sequenceLimit = min(context.sequenceContextLength, context.contextLength)
        self.mailbox = mailbox
        self.receiver = receiver
        self.decodeGuard = decodeGuard
        self.board = board
        self.progress = progress
        self.embedder = embedder
        canShift = context.canShift
        hasRecurrentState = loaded.model.hasRecurrentState
        slidingWindow = configuration.keepsFullWindow ? 0 : loaded.model.slidingWindow
        slots = (0..<configuration.sequenceCount).map(Slot.init)
        stateCache = KVStateCache(limit: configuration.kvStateCacheByteCount)
        queueLimit = configuration.queueLimit
        let microBatchSize = min(context.microBatchSize, context.batchSize)
        batch = Batch(capacity: context.batchSize)
        planner = BatchPlanner(
            shape: BatchShape(
                microBatchSize: microBatchSize, isReproducible: configuration.isReproducible,
                usesUnifiedKV: usesUnifiedKV))
        prefillBudget = PrefillBudget(
            maximumStall: configuration.maximumPrefillStall, ceiling: microBatchSize,
            batchingWindow: configuration.batchingWindow)
        samplerPool = SamplerPool(configuration.parallelSampling, vocabularySize: loaded.vocabulary.count)
        self.context = context
        board.update { status in status.slots = slots.map { SlotStatus(index: $0.index) } }
    }

    /// Runs until it is told to stop. Then every sequence has ended.
    func run() {
        while runStep() {}
    }

    /// Takes commands, and computes once; sleeps while there is nothing to do.
    ///
    /// - Returns: whether to go on.
    func runStep() -> Bool {
        let isIdle =
            queue.count == 0 && embedder?.isIdle ?? true && slots.allSatisfy { $0.sequence?.isResting ?? true }
        progress.record(isIdle ? .idle : .scheduling)
        for message in mailbox.receive(waits: isIdle) where !handle(message) {
            flush()
            return false
        }
        if isIdle, !waitForMorePrompts() {
            flush()
            return false
        }
        progress.record(.scheduling)
        stepNumber += 1
        admit()
        // Who waits should not wait for a long prompt to learn that it was let in.
        flush()
        if plan() {
            decode()
            publish()
            deliver()
        }
        if let embedder, !embedder.isIdle { progress.record(.embedding) }
        embedder?.step(isDecoding: slots.contains { $0.sequence != nil })
        return true
    }

    /// Before an idle engine reads prompts, waits a moment for those that could be read with them.
    ///
    /// - Returns: whether to go on.
    private func waitForMorePrompts() -> Bool {
        let tokens = (0..<queue.count).reduce(0) { $0 + queue[$1].history.count }
        guard tokens > 0 else { return true }
        let end = MonotonicTime.now + prefillBudget.batchingDelay(before: tokens)
        while queue.count < slots.count {
            let left = end - .now
            guard left > .zero else { break }
            for message in mailbox.receive(waitingFor: left) where !handle(message) { return false }
        }
        return true
    }

    /// - Returns: whether to go on.
    private func handle(_ message: EngineMessage) -> Bool {
        switch message {
        case .submit(let request):
            arrivals += 1
            let idle = slots.count { $0.sequence == nil }
            guard queue.count < queueLimit + idle else {
                output.add(request.handle, .failed(.queueFull(limit: queueLimit)))
                break
            }
            let sequence = EngineSequence(
                request, arrival: arrivals, vocabularySize: loaded.vocabulary.count,
                matcher: newMatcher(for: request.constraint))
            output.add(request.handle, .admitted(promptTokens: request.tokens.count))
            if let reason = sequence.resume(vocabulary: loaded.vocabulary, contextLength: sequenceLimit) {
                end(sequence, reason)
            } else if request.isPaused {
                sequence.pause(at: .now)
                swappedOut.append(sequence)
            } else {
                queue.append(sequence, id: request.handle.rawValue)
            }
        case .reject(let handle, let error):
            output.add(handle, .failed(error))
        case .cancelled(let handle, let submitted):
            output.add(handle, .finished(.cancelled(submitted: submitted), text: []))
        case .cancel(let handle):
            decodeGuard.forget(handle)
            end(handle, .cancelled)
        case .control(let handle, let number, let action):
            applyCommand(action, number, handle)
        case .embed(let job):
            embedder?.add(job)
        case .stop:
            embedder?.failAll(.shuttingDown)
            for index in slots.indices { fail(index, .shuttingDown) }
            for waiting in queue.removeAll() + swappedOut { output.add(waiting.handle, .failed(.shuttingDown)) }
            swappedOut = []
            return false
        }
        return true
    }

    /// Follows a grammar from its beginning; `nil` where there is none.
    func newMatcher(for constraint: CompiledConstraint?) -> TokenMatcher? {
        constraint.map { machines.matcher(for: $0) }
    }

    /// Delivers what there is before the step is over. The status that goes with an event is there before it.
    private func flush() {
        guard !output.isEmpty else { return }
        publish()
        deliver()
    }

    private func deliver() {
        if !output.isEmpty { receiver.receive(output.drain()) }
    }

    /// Brings the copy of the status up to date.
    private func publish() {
        board.update { status in
            status.queued = queue.count
            for index in slots.indices {
                let slot = slots[index]
                status.slots[index].kvCacheTokens = slot.cachedTokenCount
                guard let sequence = slot.sequence else {
                    // The rest still tells of the last one.
                    status.slots[index].phase = .idle
                    continue
                }
                status.slots[index].phase =
                    sequence.isPaused ? .paused : sequence.predictedCount > 0 ? .generating : .prompt
                status.slots[index].handle = sequence.handle
                status.slots[index].promptTokens = sequence.promptCount
                status.slots[index].promptTokensProcessed = min(slot.cachedTokenCount, sequence.promptCount)
                status.slots[index].cachedTokens = sequence.cachedTokens
                status.slots[index].predictedTokens = sequence.predictedCount
            }
        }
    }
}

/// What one slot has in a batch.
struct BatchPart {
    var slot: Int
    /// Tokens in memory before.
    var start: Int
    var count: Int
    /// Of the last of them in the batch.
    var lastIndex: Int
    /// Where the logits are, if these are the last tokens to be computed.
    var logitsIndex: Int?
    var isDecoding: Bool
}
