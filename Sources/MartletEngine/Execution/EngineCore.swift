import Llama
import MartletGrammar
import MartletProtocol

/// The state of the engine between two steps, and the transitions of its sequences.
///
/// `Scheduler` decides, `KVCache` calls libllama, and this type connects them: a sequence gets a slot and an entry, ends,
/// fails, is preempted or swapped out, and its events are added to `output`. Thread: the engine thread only.
final class EngineCore {
    let loaded: OpenedModel
    let kvCache: KVCache
    var scheduler: Scheduler
    /// The events that are not delivered yet.
    var output = StepOutput()
    let board: StatusBoard
    /// The largest number of items of one sequence.
    let sequenceLimit: Int
    /// Whether the positions of cached items can be moved (context shift).
    let canShift: Bool
    var stepNumber: UInt64 = 0
    /// Whether entries that are idle for long leave a unified KV cache for the RAM tier (decision 0213).
    let movesIdleEntries: Bool
    /// The longest time that running sequences wait for other work.
    let maximumStall: Duration
    /// The entry of the last sequence of each slot, for the status of idle slots.
    var lastEntries: [KVEntryID?]
    /// Whether no sequence is admitted before the next decode succeeds, because libllama has found no room.
    var holdsAdmission = false
    /// Slot actions that wait for their slots, with the files to restore.
    var slotJobs: [(job: SlotJob, file: SlotFiles.ReadFile?)] = []
    /// Reads and writes the files of slot actions; `nil` = slot actions are not permitted.
    let slotFiles: SlotFiles?
    /// The pinned prefixes with ids.
    var pinnedPrefixes: [PinnedPrefixID: PinnedItems] = [:]
    /// The state of the queue at the last report of places, and the earliest time of the next report.
    var queueReport = (revision: UInt64(0), next: MonotonicTime(nanoseconds: 0))
    private var arrivals: UInt64 = 0
    private let queueLimit: Int
    private var machines = ConstraintMachineCache()
    let speculator: Speculator

    /// Creates the state of an engine that has just loaded its model.
    init(
        loaded: OpenedModel, context: consuming Context, usesUnifiedKV: Bool, configuration: EngineConfiguration,
        board: StatusBoard, draftModel: DraftModel? = nil, tiers: PrefixTiers? = nil, slotFiles: SlotFiles? = nil,
        rowLimit: Int? = nil, hasDevices: Bool = false
    ) {
        speculator = Speculator(configuration.speculation, draftModel: draftModel)
        self.slotFiles = slotFiles
        self.loaded = loaded
        self.board = board
        queueLimit = configuration.queueLimit
        maximumStall = configuration.maximumStall
        sequenceLimit = min(context.sequenceContextLength, context.contextLength)
        canShift = context.canShift
        let microBatchSize = min(context.microBatchSize, context.batchSize)
        let slotCount = configuration.sequenceCount
        scheduler = Scheduler(
            slotCount: slotCount,
            planner: BatchPlanner(
                shape: BatchShape(
                    microBatchSize: microBatchSize, isReproducible: configuration.isReproducible,
                    usesUnifiedKV: usesUnifiedKV, usesFlashAttention: context.usesFlashAttention, rowLimit: rowLimit)),
            prefillBudget: PrefillBudget(
                maximumStall: configuration.maximumStall, ceiling: microBatchSize,
                batchingWindow: configuration.batchingWindow))
        kvCache = KVCache(
            context: context, kind: MemoryKind(of: loaded.model, keepsFullWindow: configuration.keepsFullWindow),
            isUnified: usesUnifiedKV, savedByteCount: configuration.kvStateCacheByteCount,
            tiers: tiers
                ?? PrefixTiers(
                    kind: MemoryKind(of: loaded.model, keepsFullWindow: configuration.keepsFullWindow),
                    byteLimit: configuration.kvStateCacheByteCount, disk: nil),
            checkpointPolicy: CheckpointPolicy(
                limit: configuration.checkpointLimit, minimumStep: configuration.checkpointMinimumStep,
                microBatchSize: min(configuration.microBatchSize, context.batchSize)))
        movesIdleEntries =
            usesUnifiedKV && !hasDevices && kvCache.kind != .recurrent && kvCache.tiers.ram.limit > 0
            && configuration.shiftLength == 0
        lastEntries = Array(repeating: nil, count: slotCount)
        board.update { status in status.slots = (0..<slotCount).map { SlotStatus(index: $0) } }
    }

    /// The number of the next sequence in order of arrival.
    func nextArrival() -> UInt64 {
        arrivals += 1
        return arrivals
    }

    /// Creates a matcher at the beginning of a grammar; `nil` without a grammar.
    func newMatcher(for constraint: CompiledConstraint?) -> TokenMatcher? {
        constraint.map { machines.matcher(for: $0) }
    }

    /// Accepts a new request: it waits for a slot, or ends at once.
    func submit(_ prepared: PreparedRequest) {
        let request = prepared.request
        let arrival = nextArrival()
        guard scheduler.waiting.count < queueLimit + scheduler.freeSlotCount else {
            output.add(request.handle, .failed(.queueFull(limit: queueLimit)))
            return
        }
        let sequence = EngineSequence(
            prepared, arrival: arrival, vocabularySize: loaded.vocabulary.count,
            matcher: newMatcher(for: prepared.constraint))
        // Refused tokens cannot be removed from a running state.
        if kvCache.kind != .recurrent {
            sequence.speculation = speculator.newSpeculation(for: request.parameters.speculation)
        }
        output.add(request.handle, .admitted(promptTokens: prepared.tokens.count))
        if let reason = sequence.resume(vocabulary: loaded.vocabulary, contextLength: sequenceLimit) {
            end(sequence, reason)
        } else if request.isPaused {
            sequence.pause(at: .now)
            scheduler.paused.append(sequence)
        } else {
            scheduler.waiting.append(
                sequence, id: request.handle.rawValue, owner: request.tenant.fairShare,
                priority: request.parameters.priority, work: sequence.history.count, arrival: prepared.submitted)
        }
    }

    /// Finds a sequence in a slot, in the queue, or among the paused ones; `nil` if it has ended.
    func find(_ handle: GenerationHandle) -> (EngineSequence, CommandTarget.Location)? {
        if let sequence = scheduler.runningSequence(handle), let entry = sequence.entry {
            return (sequence, .running(entry))
        }
        if let (_, sequence) = scheduler.waiting.find(id: handle.rawValue) { return (sequence, .queue) }
        if let index = scheduler.paused.firstIndex(where: { $0.handle == handle }) {
            return (scheduler.paused[index], .swappedOut(index))
        }
        return nil
    }

    /// The scheduler's view of a running sequence; `nil` if it takes no part in the next batch: it is paused, or
    /// waits for the prefill of another sequence.
    func candidate(_ sequence: EngineSequence) -> Candidate? {
        guard let slot = sequence.slot, let entry = sequence.entry.map({ kvCache[$0] }), !sequence.isResting,
            sequence.awaited == nil
        else { return nil }
        let count = sequence.history.count
        return Candidate(
            slot: slot, entry: entry.id.rawValue, cachedCount: entry.count, historyCount: count,
            promptCount: sequence.promptLength, isDecoding: sequence.predictedCount > 0 && count - entry.count == 1,
            lastScheduled: entry.lastUsed, adapters: sequence.request.adapters,
            needsPromptLogprobs: sequence.needsPromptLogprobs, stop: nextStop(of: sequence, from: entry.count))
    }

    /// Emits the progress of a prefill if the request asks for it.
    func reportProgress(of sequence: EngineSequence, now: MonotonicTime) {
        guard let slot = sequence.slot, let entry = sequence.entry, sequence.request.parameters.reportsProgress,
            let started = sequence.started, sequence.predictedCount == 0, sequence.request.continuation.isEmpty
        else { return }
        var progress = PromptProgress(
            total: sequence.promptCount, cached: sequence.cachedTokens, processed: kvCache[entry].count,
            elapsed: now - started)
        progress.slot = slot
        output.add(sequence.handle, .promptProgress(progress))
    }

    /// Updates the copy of the status that other threads read.
    func publish() {
        var cache = cacheStatus()
        cache.prefixes = prefixStatuses(at: .now)
        board.update { status in
            status.queued = scheduler.waiting.count
            status.cache = cache
            for slot in scheduler.running.indices {
                let sequence = scheduler.running[slot]
                let count = (sequence?.entry ?? lastEntries[slot]).map { kvCache[$0].count } ?? 0
                status.slots[slot].kvCacheTokens = count
                guard let sequence else {
                    // The other fields still describe the last sequence of the slot.
                    status.slots[slot].phase = .idle
                    continue
                }
                status.slots[slot].phase =
                    sequence.isPaused ? .paused : sequence.predictedCount > 0 ? .generating : .prompt
                status.slots[slot].handle = sequence.handle
                status.slots[slot].promptTokens = sequence.promptCount
                status.slots[slot].promptTokensProcessed = min(count, sequence.promptCount)
                status.slots[slot].cachedTokens = sequence.cachedTokens
                status.slots[slot].predictedTokens = sequence.predictedCount
                status.slots[slot].remainingTokens = sequence.settings.maximumTokens.map {
                    max(0, $0 - sequence.predictedCount)
                }
                status.slots[slot].hasLineBreak = sequence.hasLineBreak
            }
        }
    }
}

extension EngineError {
    /// The error of a request that finds the queue full. Names the flag that changes the limit.
    static func queueFull(limit: Int) -> Self {
        EngineError(.overloaded, "The queue is full: \(limit) generations wait already (--queue-limit).")
    }
}
