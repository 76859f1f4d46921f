/// Decides which tokens go into the next decode.
///
/// There are two kinds of decode, and if both have work they alternate. A *narrow* decode has the next token of every
/// generating slot, and ends of prompts; an *aligned* decode has whole chunks of prompts. Therefore the result of a
/// token depends on its position in its own prompt, and not on other sequences (see design.md). Prompts share a budget
/// equally. If the budget is too small for all of them, they rotate; a prompt with a chunk or less to go keeps its turn.
///
/// With a `BatchShape.rowLimit` a decode has tokens of one prompt, or generated tokens of a few sequences. A prompt has its
/// turn when each generating sequence has had one.
struct BatchPlanner: Sendable {
    /// The pending tokens of one slot.
    struct PendingTokens: Sendable, Equatable {
        var slot: Int
        /// The number of tokens that may be computed next in a decode of this kind: at least 1; a multiple of the chunk
        /// if aligned.
        var count: Int
        var isAligned = false
        /// Whether the token is the last generated one, so that a client waits for the next.
        var isDecoding = false
        /// Whether the tokens share no decode with those of other slots: prompts with a `BatchShape.rowLimit`.
        var isAlone = false
    }

    /// The number of tokens of one slot in the next decode.
    struct ScheduledTokens: Sendable, Equatable {
        var slot: Int
        var count: Int
        var isDecoding = false
    }

    let shape: BatchShape
    /// The smallest part of a prompt in a narrow decode, unless less is pending or allowed.
    private let minimumPart = 16
    private var lastWasAligned = true
    /// The class of the last decode that `separateSingleTokens` has restricted.
    private var lastPartClass = PartClass.even
    /// The slots whose turn is next when not all fit: of generating slots, of whole chunks of prompts, and of other
    /// prompts.
    private var nextDecodingSlot = 0
    private var nextAlignedSlot = 0
    private var nextPromptSlot = 0
    /// The number of generated tokens since the last decode of a prompt.
    private var generatedCount = 0
    // Reused in every step, to avoid allocations.
    private var prompts: [PendingTokens] = []

    init(shape: BatchShape) { self.shape = shape }

    /// Fills `scheduledTokens` for the next decode, ascending by slot.
    ///
    /// - Parameter promptBudget: the largest number of prompt tokens; an aligned decode has at least one chunk.
    /// - Complexity: linear in the number of pending slots.
    mutating func plan(
        _ pendingTokens: [PendingTokens], promptBudget: Int, into scheduledTokens: inout [ScheduledTokens]
    ) {
        scheduledTokens.removeAll(keepingCapacity: true)
        if shape.isolatesPrompts {
            planIsolated(pendingTokens, promptBudget: promptBudget, into: &scheduledTokens)
            return scheduledTokens.sort { $0.slot < $1.slot }
        }
        let hasAligned = pendingTokens.contains(where: \.isAligned)
        let hasUnaligned = pendingTokens.contains { !$0.isAligned }
        lastWasAligned = hasAligned && (!hasUnaligned || !lastWasAligned)
        if lastWasAligned {
            nextAlignedSlot = distribute(
                pendingTokens.lazy.filter(\.isAligned), from: nextAlignedSlot,
                budget: min(promptBudget, shape.alignedBatchLimit), unit: shape.unit, limit: shape.alignedBatchLimit,
                minimum: shape.separatesSingleTokens ? minimumPart : BatchShape.chunk, into: &scheduledTokens)
            if shape.separatesSingleTokens { separateSingleTokens(in: &scheduledTokens) }
        } else {
            scheduleDecoding(
                pendingTokens.lazy.filter(\.isDecoding), count: pendingTokens.count(where: \.isDecoding),
                into: &scheduledTokens)
            let limit =
                scheduledTokens.isEmpty ? shape.restBatchLimit : shape.decodeBatchLimit - scheduledTokens.count
            nextPromptSlot = distribute(
                pendingTokens.lazy.filter { !$0.isAligned && !$0.isDecoding }, from: nextPromptSlot,
                budget: min(promptBudget, limit), unit: 1, limit: limit, minimum: minimumPart, into: &scheduledTokens)
        }
        scheduledTokens.sort { $0.slot < $1.slot }
    }

    /// Plans one prompt, or one generated token of each of a few sequences.
    private mutating func planIsolated(
        _ pendingTokens: [PendingTokens], promptBudget: Int, into scheduledTokens: inout [ScheduledTokens]
    ) {
        let promptCount = pendingTokens.count(where: \.isAlone)
        let generating = pendingTokens.count - promptCount
        guard promptCount > 0, generatedCount >= generating else {
            scheduleDecoding(pendingTokens.lazy.filter { !$0.isAlone }, count: generating, into: &scheduledTokens)
            generatedCount += scheduledTokens.count
            return
        }
        generatedCount = 0
        let prompts = pendingTokens.lazy.filter(\.isAlone)
        guard let prompt = prompts.dropFirst(Self.turn(of: nextPromptSlot, in: prompts)).first else { return }
        nextPromptSlot = prompt.slot + 1
        let limit = max(
            BatchShape.chunk, min(promptBudget, shape.alignedBatchLimit) / BatchShape.chunk * BatchShape.chunk)
        scheduledTokens.append(ScheduledTokens(slot: prompt.slot, count: min(prompt.count, limit)))
    }

    /// Plans one token of each of `decodingCount` sequences, or of as many as fit.
    private mutating func scheduleDecoding(
        _ decoding: some Sequence<PendingTokens>, count decodingCount: Int,
        into scheduledTokens: inout [ScheduledTokens]
    ) {
        guard decodingCount > 0 else { return }
        let scheduledCount = min(decodingCount, shape.decodeBatchLimit)
        let start = Self.turn(of: nextDecodingSlot, in: decoding)
        var index = 0
        for pending in decoding {
            let distance = (index - start + decodingCount) % decodingCount
            if distance < scheduledCount {
                scheduledTokens.append(
                    ScheduledTokens(slot: pending.slot, count: 1, isDecoding: pending.isDecoding))
            }
            if distance == scheduledCount - 1 { nextDecodingSlot = pending.slot + 1 }
            index += 1
        }
    }

    /// The index of the first of the pending slots, ascending, from `slot` on; 0 if there is none.
    ///
    /// The turn is a slot rather than an index: a slot that leaves, because its prompt is complete, would let an index skip
    /// the next one.
    private static func turn(of slot: Int, in pendingTokens: some Sequence<PendingTokens>) -> Int {
        pendingTokens.enumerated().first { $0.element.slot >= slot }?.offset ?? 0
    }

    /// Distributes units equally over the prompts, and what short prompts do not need over the others. A prompt that
    /// then lacks less than half of the minimum gets the rest too, up to `limit`.
    ///
    /// - Parameter slot: the slot whose turn it is if not all prompts fit.
    /// - Returns: the slot whose turn is next.
    private mutating func distribute(
        _ pendingTokens: some Sequence<PendingTokens>, from slot: Int, budget: Int, unit: Int, limit: Int, minimum: Int,
        into scheduledTokens: inout [ScheduledTokens]
    ) -> Int {
        prompts.removeAll(keepingCapacity: true)
        prompts.append(contentsOf: pendingTokens)
        guard !prompts.isEmpty, budget > 0 || unit > 1 else { return slot }
        // As many prompts as can have a worthwhile part. The prompts that are left out come first in the next decode.
        let start = Self.turn(of: slot, in: prompts)
        prompts.append(contentsOf: prompts.prefix(start))
        prompts.removeFirst(start)
        var worthwhile = 0
        let scheduledCount = max(
            1,
            prompts.prefix { prompt in
                worthwhile += min(prompt.count, minimum)
                return worthwhile <= budget + (minimum - unit) / 2
            }.count)
        prompts.removeSubrange(scheduledCount...)

        let first = scheduledTokens.count
        for prompt in prompts { scheduledTokens.append(ScheduledTokens(slot: prompt.slot, count: 0)) }
        var units = max(1, budget / unit)
        var open = scheduledCount
        while units > 0, open > 0 {
            let equal = max(1, units / open)
            open = 0
            for (position, prompt) in prompts.enumerated() where units > 0 {
                let wanted = prompt.count / unit - scheduledTokens[first + position].count / unit
                let granted = min(equal, wanted, units)
                scheduledTokens[first + position].count += granted * unit
                units -= granted
                if granted < wanted { open += 1 }
            }
        }
        var left = limit - scheduledTokens[first...].reduce(0) { $0 + $1.count }
        for (position, prompt) in prompts.enumerated() where scheduledTokens[first + position].count > 0 {
            let rest = prompt.count - scheduledTokens[first + position].count
            guard rest < minimum / 2, rest <= left else { continue }
            scheduledTokens[first + position].count += rest
            left -= rest
        }
        // A prompt that is almost complete keeps its turn: the first of several equal prompts would otherwise have its first
        // token as late as the last one.
        let unfinished = zip(prompts, scheduledTokens[first...]).first { prompt, scheduled in
            (1...BatchShape.chunk).contains(prompt.count - scheduled.count)
        }
        scheduledTokens.removeAll { $0.count == 0 }
        return unfinished?.0.slot ?? prompts[scheduledCount - 1].slot + 1
    }

    // MARK: Single tokens

    /// The classes of parts that may share a decode.
    ///
    /// libllama first computes as many tokens of each sequence as the shortest part has, then goes on with the others. Two
    /// parts whose lengths differ by one would leave a single token. Parts of one class never do.
    private enum PartClass: Int, CaseIterable {
        case even
        case odd
        case single

        init(_ count: Int) { self = count == 1 ? .single : count % 2 == 0 ? .even : .odd }
    }

    /// Changes the parts of prompts so that no token is computed by itself, unless it is all that a prompt has left.
    private mutating func separateSingleTokens(in scheduledTokens: inout [ScheduledTokens]) {
        guard let first = prompts.first else { return }
        // Prompts without a part are missing among the parts; the order is the same.
        var position = 0
        for prompt in prompts where position < scheduledTokens.count && scheduledTokens[position].slot == prompt.slot {
            let count = scheduledTokens[position].count
            if count < prompt.count {
                // An even number, and at least two tokens for later.
                let even = count - count % 2
                scheduledTokens[position].count = prompt.count - even == 1 ? even - 2 : even
            }
            position += 1
        }
        scheduledTokens.removeAll { $0.count <= 0 }
        if scheduledTokens.isEmpty {
            scheduledTokens.append(ScheduledTokens(slot: first.slot, count: first.count == 3 ? 3 : min(first.count, 2)))
        }
        // Classes that are present alternate.
        let (classes, last) = (PartClass.allCases, lastPartClass.rawValue)
        for offset in 1...classes.count {
            let next = classes[(last + offset) % classes.count]
            guard scheduledTokens.contains(where: { PartClass($0.count) == next }) else { continue }
            lastPartClass = next
            return scheduledTokens.removeAll { PartClass($0.count) != next }
        }
    }
}
