import Llama
import MartletGrammar
import MartletProtocol

/// The loop of the engine thread: commands in, decode, sample, events out.
///
/// Its state is used by the engine thread only. The pure types in `Scheduler` make the decisions; only this type and
/// its extensions call libllama.
final class EngineLoop {
    let loaded: OpenedModel
    var context: Context
    let mailbox: Mailbox<EngineMessage>
    let receiver: any EngineEventReceiver
    let decodeGuard: DecodeGuard
    let board: StatusBoard
    let progress: ThreadProgress
    /// The number of tokens that the unified KV cache holds; practically unlimited with a separate KV cache per slot.
    let capacity: Int
    /// The largest number of tokens of one sequence.
    let sequenceLimit: Int
    let hasRecurrentState: Bool
    let slidingWindow: Int

    let embedder: Embedder?
    /// Whether the positions of cached tokens can be moved (context shift).
    let canShift: Bool
    /// The adapters that the context applies now.
    var appliedAdapters: [AdapterScale] = []
    var slots: [Slot]
    var queue = RequestQueue<EngineSequence>()
    /// Paused sequences without a slot, in the order in which they were swapped out.
    var swappedOut: [EngineSequence] = []
    /// The saved KV states of these sequences.
    var stateCache: KVStateCache
    var planner: BatchPlanner
    var prefillBudget: PrefillBudget
    var batch: Batch
    let samplerPool: SamplerPool
    /// The logits before a sample that a grammar may refuse.
    lazy var savedLogits = SavedLogits(vocabularySize: loaded.vocabulary.count)
    private var machines = ConstraintMachineCache()
    lazy var report = TokenReport(vocabularySize: loaded.vocabulary.count)
    var output = StepOutput()
    /// Slots of a decode that failed. Each is computed by itself, to find the slot at fault.
    var suspects: Set<Int> = []
    var stepNumber: UInt64 = 0
    var arrivals: UInt64 = 0
    private let queueLimit: Int

    // Reused in every step, to avoid allocations.
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

    /// Runs steps until `stop` arrives. Then every sequence has had its terminal event.
    func run() {
        while runStep() {}
    }

    /// Runs one step: receives commands, plans, decodes, samples and emits. Sleeps while there is nothing to do.
    ///
    /// - Returns: whether the loop continues.
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
        // Clients learn at once that their requests were admitted, not after a long prefill.
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

    /// Before a prefill of an otherwise idle engine: waits a moment for prompts that could be computed in the same
    /// decode.
    ///
    /// - Returns: whether the loop continues.
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

    /// Applies one message.
    ///
    /// - Returns: whether the loop continues.
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
            decodeGuard.remove(handle)
            end(handle, .cancelled)
        case .control(let command):
            apply(command)
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

    /// Creates a matcher at the beginning of a grammar; `nil` without a grammar.
    func newMatcher(for constraint: CompiledConstraint?) -> TokenMatcher? {
        constraint.map { machines.matcher(for: $0) }
    }

    /// Delivers the events so far before the step has ended. The status is published before the events that it
    /// explains.
    private func flush() {
        guard !output.isEmpty else { return }
        publish()
        deliver()
    }

    private func deliver() {
        if !output.isEmpty { receiver.receive(output.drain()) }
    }

    /// Updates the copy of the status that other threads read.
    private func publish() {
        board.update { status in
            status.queued = queue.count
            for index in slots.indices {
                let slot = slots[index]
                status.slots[index].kvCacheTokens = slot.cachedTokenCount
                guard let sequence = slot.sequence else {
                    // The other fields still describe the last sequence of the slot.
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

/// The tokens of one slot in a batch.
struct BatchPart {
    var slot: Int
    /// The number of cached tokens of the slot before the batch.
    var start: Int
    var count: Int
    /// The index in the batch of the last token of the part.
    var lastIndex: Int
    /// The index of the logits in the batch, if this part completes the pending tokens of the slot; otherwise `nil`.
    var logitsIndex: Int?
    var isDecoding: Bool
}
