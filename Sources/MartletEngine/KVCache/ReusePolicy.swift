/// Decides on which entry of the KV cache a prompt runs, and which cached items it reuses.
///
/// ```
///  the longest prefix is …            and then
///  an idle entry, almost as a whole   the prompt continues this entry
///  a part of another entry            the prompt shares that part: libllama copies it to an entry of the prompt's own
///  still being computed by another    the prompt waits until that part is complete, and then shares it
/// ```
///
/// Pure. The entries are numbers; `PrefixTree` has found how many items each has in common with the prompt.
enum ReusePolicy {
    /// An entry, as the policy sees it.
    struct Holder: Sendable, Equatable {
        /// The number of computed items.
        var count = 0
        /// The number of leading items that were computed as in an engine without reuse, in whole chunks.
        var exactCount = 0
        /// The number of prompt items of the sequence on the entry; 0 while none runs.
        var promptCount = 0
        /// The step of the last use; larger = later.
        var lastUsed: UInt64 = 0
        /// Whether a sequence runs on the entry, so that only copies of it can be used.
        var isRunning = false
        /// Whether the sequence on the entry computes its prompt now, so that `count` will grow.
        var isPrefilling = false
        /// Whether the entry must stay as it is: it is copied, and evicted after all others.
        var isPinned = false
    }

    /// The items that a prompt reuses.
    enum Reuse: Sendable, Equatable {
        /// The first `count` items of its own entry; 0 = nothing.
        case own(count: Int)
        /// The first `count` items of entry `source`.
        case copy(source: Int, count: Int)
        /// The first `count` items of entry `source`, as soon as they are computed.
        case wait(source: Int, count: Int)

        /// The number of reused items.
        var count: Int {
            switch self {
            case .own(let count), .copy(_, let count), .wait(_, let count): count
            }
        }
    }

    struct Plan: Sendable, Equatable {
        /// The entry that the prompt runs on.
        var entry: Int
        var reuse: Reuse
    }

    /// The rules of the KV cache and of the batch.
    struct Rules {
        var kind: MemoryKind
        /// Whether entries share cells, so that a copy costs nothing.
        var isUnified: Bool
        var shape: BatchShape
        /// Whether an entry that has more items can be cut to `count`. Only sliding windows need it.
        var hasWindow: (_ entry: Int, _ count: Int) -> Bool = { _, _ in true }
        /// The last checkpoint of an entry with at most `count` items; 0 = none. Attention needs none.
        var checkpoint: (_ entry: Int, _ count: Int) -> Int = { _, _ in 0 }

        /// The smallest number of items that are computed. Memory that cannot be cut has checkpoints just before the last
        /// item, which are worth more than equal rounding.
        private var smallestRest: Int { kind == .attention ? shape.smallestRest : 1 }

        /// How many of `common` items of a holder can be reused.
        ///
        /// - Parameter promptCount: the number of items of the prompt.
        func usable(_ common: Int, of holder: Holder, entry: Int, promptCount: Int) -> Int {
            // The last item is always computed: its logits are needed to sample the first output token.
            let longest = max(0, min(common, holder.count, promptCount - smallestRest))
            let isWhole = longest == holder.count
            switch kind {
            case .attention:
                let exact = exactCount(longest, promptCount: promptCount, chunkedCount: holder.exactCount)
                // A conversation that goes on, or generated items behind a prompt: they have the rounding of single
                // tokens, in whatever way the rest is computed.
                let isInexact = (isWhole && !holder.isRunning) || longest - exact >= BatchShape.chunk
                return isInexact ? longest : exact
            case .slidingWindow where shape.isolatesPrompts && !isWhole:
                let exact = exactCount(longest, promptCount: promptCount, chunkedCount: holder.exactCount)
                return hasWindow(entry, exact) ? exact : checkpoint(entry, longest)
            case .slidingWindow:
                return isWhole || hasWindow(entry, longest) ? longest : checkpoint(entry, longest)
            case .recurrent: return isWhole ? longest : checkpoint(entry, longest)
            }
        }

        /// How many of `common` items are worth waiting for, while a holder computes its prompt.
        func sharable(_ common: Int, with holder: Holder, promptCount: Int) -> Int {
            let longest = max(0, min(common, promptCount - smallestRest))
            // Where a copy cannot be cut, the source stops at this position, so a whole chunk costs the least.
            guard kind == .attention else { return longest / BatchShape.chunk * BatchShape.chunk }
            return exactCount(
                longest, promptCount: promptCount,
                chunkedCount: shape.alignedEnd(promptCount: holder.promptCount))
        }

        /// How many of `count` items a prompt reuses without a change of rounding.
        ///
        /// - Parameter chunkedCount: the number of leading items that were computed in whole chunks. The others were
        ///   computed in narrow decodes.
        private func exactCount(_ count: Int, promptCount: Int, chunkedCount: Int) -> Int {
            guard shape.alignedBatchLimit > 0 else { return count }
            if shape.separatesSingleTokens { return min(count, chunkedCount) }
            let alignedEnd = shape.alignedEnd(promptCount: promptCount)
            // The rest of a prompt is equal to that of another one token by token, unless it is computed as a whole.
            if alignedEnd == chunkedCount, count >= alignedEnd, !shape.isolatesPrompts { return count }
            return min(count, alignedEnd, chunkedCount) / BatchShape.chunk * BatchShape.chunk
        }
    }

    /// The number of additional items from which a copy, or a wait, is worth its cost.
    static let gain = 64

    /// Plans the reuse of a prompt that has no entry yet.
    ///
    /// - Parameters:
    ///   - promptCount: the number of items of the prompt; at least 1.
    ///   - matches: the levels of the tree that the prompt reaches; empty = nothing may be reused.
    ///   - holders: all entries; the index is the number of the entry.
    /// - Returns: `nil` if sequences run on all entries.
    /// - Complexity: linear in the number of entries.
    static func plan(
        promptCount: Int, matches: [PrefixTree.Match], holders: [Holder], rules: Rules
    ) -> Plan? {
        guard let victim = victim(holders) else { return nil }
        let (best, awaited) = sources(promptCount, matches, holders, rules)
        if let awaited, awaited.count >= (best?.count ?? 0) + gain {
            return Plan(entry: victim, reuse: .wait(source: awaited.entry, count: awaited.count))
        }
        guard let best else { return Plan(entry: victim, reuse: .own(count: 0)) }
        let holder = holders[best.entry]
        if holder.isRunning {
            guard best.count >= gain else { return Plan(entry: victim, reuse: .own(count: 0)) }
            return Plan(entry: victim, reuse: .copy(source: best.entry, count: best.count))
        }
        // A rest of a few tokens is the end of a turn that the template wrote differently, and of no use to others.
        let isAlmostWhole = holder.count - best.count <= gain
        let isOwn = !holder.isPinned && isAlmostWhole
        let hasFreeEntry = victim != best.entry && holders[victim].count == 0
        if !isOwn, victim != best.entry, rules.isUnified || hasFreeEntry, best.count >= gain {
            return Plan(entry: victim, reuse: .copy(source: best.entry, count: best.count))
        }
        // A tenth of the prompt: a common system delimiter should not cost a whole cached conversation.
        if victim == best.entry || (!holder.isPinned && (isAlmostWhole || best.count * 10 > promptCount)) {
            return Plan(entry: best.entry, reuse: .own(count: best.count))
        }
        guard best.count >= gain else { return Plan(entry: victim, reuse: .own(count: 0)) }
        return Plan(entry: victim, reuse: .copy(source: best.entry, count: best.count))
    }

    /// Plans the reuse of a prompt that has an empty entry already: it has waited for another sequence.
    ///
    /// - Returns: a copy, another wait, or `.own(count: 0)`.
    static func plan(
        promptCount: Int, matches: [PrefixTree.Match], holders: [Holder], rules: Rules, entry: Int
    ) -> Reuse {
        var (best, awaited) = sources(promptCount, matches, holders, rules, except: entry)
        if let found = best, found.count < gain { best = nil }
        if let awaited, awaited.count >= (best?.count ?? 0) + gain {
            return .wait(source: awaited.entry, count: awaited.count)
        }
        return best.map { .copy(source: $0.entry, count: $0.count) } ?? .own(count: 0)
    }

    /// The entry that is evicted next for a prompt: an empty one, else the least recently used one that is not pinned.
    static func victim(_ holders: [Holder]) -> Int? {
        holders.indices.filter { !holders[$0].isRunning }
            .min { order(holders[$0]) < order(holders[$1]) }
    }

    private static func order(_ holder: Holder) -> (Int, UInt64) {
        holder.count == 0 ? (0, 0) : (holder.isPinned ? 2 : 1, holder.lastUsed)
    }

    private typealias Source = (entry: Int, count: Int)

    /// The entry with the most items that can be reused now, and the entry with the most items that can be reused later.
    /// Among equal ones an idle entry comes first, then the most recently used one.
    private static func sources(
        _ promptCount: Int, _ matches: [PrefixTree.Match], _ holders: [Holder], _ rules: Rules, except: Int? = nil
    ) -> (best: Source?, awaited: Source?) {
        var best: Source?
        var awaited: Source?
        var seen = EntrySet()
        for match in matches {
            for entry in match.entries.subtracting(seen).members where entry != except && entry < holders.count {
                let holder = holders[entry]
                let usable = rules.usable(match.length, of: holder, entry: entry, promptCount: promptCount)
                if usable > 0, isBetter((entry, usable), than: best, holders) { best = (entry, usable) }
                guard holder.isPrefilling else { continue }
                let later = rules.sharable(match.length, with: holder, promptCount: promptCount)
                // Where a copy cannot be cut, the source must not have passed the position.
                let isReachable = rules.kind == .attention || holder.count <= later
                if isReachable, later > usable, later > awaited?.count ?? 0 { awaited = (entry, later) }
            }
            seen = match.entries
        }
        return (best, awaited)
    }

    private static func isBetter(_ source: Source, than other: Source?, _ holders: [Holder]) -> Bool {
        guard let other else { return true }
        if source.count != other.count { return source.count > other.count }
        let (first, second) = (holders[source.entry], holders[other.entry])
        if first.isRunning != second.isRunning { return !first.isRunning }
        return first.lastUsed > second.lastUsed
    }
}
