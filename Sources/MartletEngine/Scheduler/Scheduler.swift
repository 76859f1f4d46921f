import MartletProtocol

/// Decides which sequences run, and what the next decode computes.
///
/// Every sequence is in exactly one of three places: `waiting` for a slot, `running` in a slot, or `paused` without a
/// slot. A slot is a place for one running sequence, and nothing else: the KV cache of the sequence is an entry of
/// `KVCache`.
///
/// ```
///  waiting ──admission──▶ running[slot] ──end──▶ (terminal event)
///     ▲ ▲                  │      │
///     │ └────preemption────┘      └─pause, and another sequence needs the slot─▶ paused
///     └──────────────────────────────resume────────────────────────────────────────┘
/// ```
///
/// The scheduler calls neither libllama nor a clock, and changes no sequence. Thread: the engine thread only.
struct Scheduler {
    var waiting = FairQueue<EngineSequence>()
    /// The sequence of each slot.
    var running: [EngineSequence?]
    /// Sequences without a slot that a client has paused, in the order in which they lost their slots.
    var paused: [EngineSequence] = []
    /// Slots of a decode that failed. Each is computed by itself, to find the sequence at fault.
    var suspects: Set<Int> = []
    var planner: BatchPlanner
    var prefillBudget: PrefillBudget
    /// The number of tokens computed since prompts keep tokens for a last decode (`heldCount`).
    private var heldWork = 0
    // Reused in every step, to avoid allocations.
    private var pendingTokens: [BatchPlanner.PendingTokens] = []
    private var scheduledTokens: [BatchPlanner.ScheduledTokens] = []

    /// - Parameter slotCount: the number of sequences that may run at the same time.
    init(slotCount: Int, planner: BatchPlanner, prefillBudget: PrefillBudget) {
        running = Array(repeating: nil, count: slotCount)
        self.planner = planner
        self.prefillBudget = prefillBudget
    }

    // MARK: Slots

    /// Whether the slot has a sequence that cannot be swapped out now.
    func isBusy(_ slot: Int) -> Bool { running[slot].map { !$0.isResting } ?? false }

    /// The number of slots without a sequence.
    var freeSlotCount: Int { running.count { $0 == nil } }

    /// Whether no sequence has anything to compute.
    var isIdle: Bool { !hasAdmissible && !running.indices.contains(where: isBusy) }

    /// Whether a sequence waits for a slot only, and not for a file.
    private var hasAdmissible: Bool { (0..<waiting.count).contains { waiting[$0].reuse.awaitedState == nil } }

    /// The running sequence of a generation; `nil` if it does not run.
    func runningSequence(_ handle: GenerationHandle) -> EngineSequence? {
        for case let sequence? in running where sequence.handle == handle { return sequence }
        return nil
    }

    // MARK: Admission

    /// A waiting sequence that may run now.
    struct Admission: Equatable {
        /// Its position in the queue, which is not its place in the order of admission.
        var position: Int
        /// The only slot that is allowed; `nil` = any.
        var slot: Int?
    }

    /// The next waiting sequence that may run, in the order of `FairQueue`, while the KV cache has room.
    ///
    /// A request for a certain slot waits for that slot and does not delay other requests. A sequence for which the KV
    /// cache lacks room delays the others: otherwise long prompts would starve.
    ///
    /// - Parameters:
    ///   - now: the time, by which waiting requests age.
    ///   - committed: the number of items that the running sequences have or will have in the KV cache.
    ///   - capacity: the number of items that the KV cache holds.
    ///   - shared: the number of items of a sequence that are among the committed ones.
    func nextAdmission(
        at now: MonotonicTime, committed: Int, capacity: Int, shared: (EngineSequence) -> Int
    ) -> Admission? {
        guard !running.indices.allSatisfy(isBusy) else { return nil }
        func slot(of sequence: EngineSequence) -> Int? { sequence.request.parameters.slot.map { $0 % running.count } }
        let next = waiting.next(at: now) { sequence in
            sequence.reuse.awaitedState == nil && slot(of: sequence).map { !isBusy($0) } ?? true
        }
        guard let position = next else { return nil }
        let sequence = waiting[position]
        let needed = sequence.history.count - shared(sequence)
        let hasRoom = PoolPolicy.admits(tokens: needed, committed: committed, capacity: capacity)
        return hasRoom ? Admission(position: position, slot: slot(of: sequence)) : nil
    }

    // MARK: Batches

    /// Decides what is computed next.
    ///
    /// - Parameters:
    ///   - candidates: the running sequences that may be part of a batch, ascending by slot.
    ///   - used: the number of cells in use.
    ///   - capacity: the number of cells of the KV cache.
    /// - Complexity: linear in the number of candidates.
    mutating func schedule(
        _ candidates: [Candidate], used: Int, capacity: Int
    ) -> SchedulerDecision {
        let pending = candidates.filter { $0.pendingCount > 0 }
        let isDecoding = pending.contains(where: \.isDecoding)
        var chosen = pending
        if let suspect = pending.first(where: { suspects.contains($0.slot) }) { chosen = [suspect] }
        Self.restrictToOnePromptLogprobs(&chosen)
        Self.restrictToOneAdapterSet(&chosen)
        if planner.shape.separatesSingleTokens { Self.restrictToOneWidth(&chosen) }
        guard let adapters = chosen.first?.adapters else { return .idle }

        pendingTokens.removeAll(keepingCapacity: true)
        let promptBudget = prefillBudget.tokenLimit(isDecoding: isDecoding)
        let held = isDecoding ? 0 : heldCount(of: chosen)
        if held == 0 { heldWork = 0 }
        for candidate in chosen {
            let next = next(candidate, promptBudget: promptBudget, held: held)
            if next.count > 0 { pendingTokens.append(next) }
        }
        planner.plan(pendingTokens, promptBudget: promptBudget, into: &scheduledTokens)
        let output = fill(chosen, adapters)
        let needed = output.sequences.reduce(0) { $0 + $1.count + $1.draftCount }
        guard needed > 0 else { return .idle }
        guard used + needed <= capacity else { return .makeRoom }
        if held > 0 { heldWork += needed }
        return .compute(output)
    }

    /// Turns the planned tokens into the parts of a batch, and adds draft tokens while a narrow decode has room.
    ///
    /// - Parameter candidates: ascending by slot, as `scheduledTokens` are.
    private func fill(_ candidates: [Candidate], _ adapters: [AdapterScale]) -> SchedulerOutput {
        var output = SchedulerOutput(adapters: adapters)
        var order: [(entry: Int, scheduled: ScheduledSequence)] = []
        order.reserveCapacity(scheduledTokens.count)
        var draftRoom = planner.shape.decodeBatchLimit - scheduledTokens.reduce(0) { $0 + $1.count }
        var index = 0
        for tokens in scheduledTokens {
            while candidates[index].slot != tokens.slot { index += 1 }
            var scheduled = Self.scheduled(candidates[index], tokens)
            if tokens.isDecoding, candidates[index].draftCount > 0, draftRoom > 0 {
                scheduled.draftCount = min(candidates[index].draftCount, draftRoom)
                scheduled.rows = .lastAndDrafts
                draftRoom -= scheduled.draftCount
            }
            order.append((candidates[index].entry, scheduled))
        }
        // libllama computes sequences with separate KV caches together only if their ids are consecutive.
        order.sort { $0.entry < $1.entry }
        output.sequences = order.map(\.scheduled)
        return output
    }

    /// The number of tokens that each of several prompts keeps for a last decode of all of them; 0 = none.
    ///
    /// Example: 64 prompts of 30 tokens take four decodes. If the first prompts were complete after the first decode, the
    /// others would enter beside running sequences, 16 tokens at a time (`PrefillBudget.isNarrow`), and every step
    /// would compute few sequences for the price of many. Now each prompt keeps 8 tokens for the fourth decode.
    ///
    /// Prompts do not wait for a long one, nor for more than `BatchShape.jointLimit` tokens together, those of prompts that
    /// arrive meanwhile included.
    private func heldCount(of prompts: [Candidate]) -> Int {
        let shape = planner.shape
        guard prompts.count > 1, prefillBudget.isNarrow, !shape.isolatesPrompts, !shape.separatesSingleTokens else {
            return 0
        }
        let count = prompts.reduce(0) { $0 + $1.pendingCount }
        guard count > shape.restBatchLimit, count + heldWork <= BatchShape.jointLimit,
            prompts.allSatisfy({ $0.pendingCount <= 4 * BatchShape.chunk && $0.stop == nil })
        else { return 0 }
        return shape.restBatchLimit / prompts.count
    }

    /// The tokens of a candidate that can be computed in one decode.
    ///
    /// - Parameter held: the number of tokens at the end of a prompt that are computed later.
    private func next(_ candidate: Candidate, promptBudget: Int, held: Int) -> BatchPlanner.PendingTokens {
        var end = candidate.historyCount
        if let stop = candidate.stop, stop > candidate.cachedCount { end = min(end, stop) }
        var next = planner.shape.next(
            from: candidate.cachedCount, to: end, promptCount: candidate.promptCount)
        if next.isAligned, promptBudget < BatchShape.chunk, !planner.shape.keepsWholeChunks {
            // A whole chunk would stall running sequences: a part of it joins their batch.
            next = (min(next.count, promptBudget), false)
        }
        if held > 0, next.count > candidate.pendingCount - held, !next.isAligned || !planner.shape.keepsWholeChunks {
            next = (max(0, candidate.pendingCount - held), false)
        }
        var count = candidate.needsPromptLogprobs ? min(next.count, BatchShape.chunk) : next.count
        if planner.shape.separatesSingleTokens, next.count - count == 1 { count -= 1 }
        return .init(
            slot: candidate.slot, count: count, isAligned: next.isAligned, isDecoding: candidate.isDecoding,
            isAlone: planner.shape.isolatesPrompts && candidate.cachedCount < candidate.promptCount)
    }

    private static func scheduled(
        _ candidate: Candidate, _ tokens: BatchPlanner.ScheduledTokens
    ) -> ScheduledSequence {
        let isLast = candidate.cachedCount + tokens.count == candidate.historyCount
        return ScheduledSequence(
            slot: candidate.slot, start: candidate.cachedCount, count: tokens.count,
            rows: candidate.needsPromptLogprobs ? .all : isLast ? .last : .none, isDecoding: tokens.isDecoding)
    }

    /// Restricts candidates to one of those that need the logits of all prompt tokens: the sequence that has waited for
    /// longest.
    private static func restrictToOnePromptLogprobs(_ candidates: inout [Candidate]) {
        let longest = candidates.filter(\.needsPromptLogprobs).min { $0.lastScheduled < $1.lastScheduled }
        guard let longest else { return }
        candidates.removeAll { $0.needsPromptLogprobs && $0.slot != longest.slot }
    }

    /// Restricts candidates to one set of adapters, because a decode applies one set to all sequences. The sequence
    /// that has waited for longest decides.
    private static func restrictToOneAdapterSet(_ candidates: inout [Candidate]) {
        guard let first = candidates.first, candidates.contains(where: { $0.adapters != first.adapters }),
            let longest = candidates.min(by: { $0.lastScheduled < $1.lastScheduled })
        else { return }
        candidates.removeAll { $0.adapters != longest.adapters }
    }

    /// Restricts generated tokens to sequences of similar lengths: those of the sequence that has waited for longest.
    ///
    /// Plain attention computes as many cells for each sequence of a decode as the longest one has. One sequence of 3,800
    /// items would make a step of 15 sequences with 200 items take 28 ms instead of 2.
    private static func restrictToOneWidth(_ candidates: inout [Candidate]) {
        func width(_ candidate: Candidate) -> Int { Int.bitWidth - max(candidate.cachedCount, 511).leadingZeroBitCount }
        let generating = candidates.filter { $0.cachedCount >= $0.promptCount }
        guard let longest = generating.min(by: { $0.lastScheduled < $1.lastScheduled }) else { return }
        candidates.removeAll { $0.cachedCount >= $0.promptCount && width($0) != width(longest) }
    }
}
