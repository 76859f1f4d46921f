/// Decides whose tokens go into the next decode.
///
/// There are two kinds of decode, and where both have work they alternate, the narrow one first: a narrow one holds the
/// next token of every slot that writes, and ends of prompts; a wide one holds whole chunks of prompts. So how a
/// token is computed depends on its own place in its own prompt and not on who else is there (see design.md). Prompts
/// divide a budget equally; where there are too many for chunks worth computing, they take turns.
struct BatchPlanner: Sendable {
    /// A slot that has tokens to compute.
    struct PendingTokens: Sendable, Equatable {
        var slot: Int
        /// Tokens that may be computed next in a decode of this kind: at least 1; of a wide one whole chunks.
        var count: Int
        var isAligned = false
        /// Whether this is the last token written, so somebody waits for the next.
        var isDecoding = false
    }

    /// How many tokens of a slot take part.
    struct ScheduledTokens: Sendable, Equatable {
        var slot: Int
        var count: Int
        var isDecoding = false
    }

    let shape: BatchShape
    /// In a narrow decode a part of a prompt is not much smaller than this unless less is left or allowed.
    private let minimumPart = 16
    private var lastWasAligned = true
    /// Where the next turn begins, when not all fit: of those that write, and of prompts.
    private var decodeRotation = 0
    private var promptRotation = 0
    // Used again every time.
    private var prompts: [PendingTokens] = []

    init(shape: BatchShape) { self.shape = shape }

    /// Fills `scheduledTokens` for the next decode.
    ///
    /// - Parameter promptBudget: most prompt tokens; a wide decode takes one chunk at least.
    /// - Complexity: linear in the number of pending slots.
    mutating func plan(
        _ pendingTokens: [PendingTokens], promptBudget: Int, into scheduledTokens: inout [ScheduledTokens]
    ) {
        scheduledTokens.removeAll(keepingCapacity: true)
        let hasAligned = pendingTokens.contains(where: \.isAligned)
        let hasUnaligned = pendingTokens.contains { !$0.isAligned }
        lastWasAligned = hasAligned && (!hasUnaligned || !lastWasAligned)
        if lastWasAligned {
            distribute(
                pendingTokens.lazy.filter(\.isAligned), budget: min(promptBudget, shape.alignedBatchLimit),
                unit: BatchShape.chunk,
                limit: shape.alignedBatchLimit, minimum: BatchShape.chunk, into: &scheduledTokens)
        } else {
            scheduleDecoding(pendingTokens, into: &scheduledTokens)
            distribute(
                pendingTokens.lazy.filter { !$0.isAligned && !$0.isDecoding },
                budget: min(promptBudget, shape.decodeBatchLimit - scheduledTokens.count), unit: 1,
                limit: shape.decodeBatchLimit - scheduledTokens.count, minimum: minimumPart,
                into: &scheduledTokens)
        }
        // libllama computes sequences together only if their numbers follow each other.
        scheduledTokens.sort { $0.slot < $1.slot }
    }

    private mutating func scheduleDecoding(
        _ pendingTokens: [PendingTokens], into scheduledTokens: inout [ScheduledTokens]
    ) {
        let decodingCount = pendingTokens.count(where: \.isDecoding)
        guard decodingCount > 0 else { return }
        let scheduledCount = min(decodingCount, shape.decodeBatchLimit)
        let start = decodeRotation % decodingCount
        decodeRotation = scheduledCount < decodingCount ? start + scheduledCount : 0
        var index = 0
        for pending in pendingTokens where pending.isDecoding {
            if (index - start + decodingCount) % decodingCount < scheduledCount {
                scheduledTokens.append(ScheduledTokens(slot: pending.slot, count: 1, isDecoding: true))
            }
            index += 1
        }
    }

    /// Gives every prompt the same number of units, and what short ones do not need to the others. Who would then lack
    /// less than half of what is worth computing gets that too, up to `limit`.
    private mutating func distribute(
        _ pendingTokens: some Sequence<PendingTokens>, budget: Int, unit: Int, limit: Int, minimum: Int,
        into scheduledTokens: inout [ScheduledTokens]
    ) {
        prompts.removeAll(keepingCapacity: true)
        prompts.append(contentsOf: pendingTokens)
        guard !prompts.isEmpty, budget > 0 || unit > 1 else { return }
        // As many prompts as can have a part worth computing; who is left out this time comes first next time.
        let scheduledCount = max(1, min(prompts.count, (budget + (minimum - unit) / 2) / minimum))
        let start = promptRotation % prompts.count
        promptRotation = scheduledCount < prompts.count ? start + scheduledCount : 0
        prompts = (0..<scheduledCount).map { prompts[(start + $0) % prompts.count] }

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
        scheduledTokens.removeAll { $0.count == 0 }
    }
}
