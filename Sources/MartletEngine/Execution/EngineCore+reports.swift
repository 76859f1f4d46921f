import Llama
import MartletProtocol

/// Reports for clients: why a prompt was reused, and places in the queue.
extension EngineCore {
    // MARK: Reuse

    /// Finds what the prompt of a sequence has in common with cached prompts, before its own entry is claimed.
    func noteReuse(of sequence: EngineSequence) {
        guard sequence.started == nil else { return }
        let parameters = sequence.request.parameters
        if parameters.cache.isExplained {
            sequence.reports.cache = cacheReport(for: sequence)
            if parameters.cache.shiftLength > 0 {
                sequence.reports.cache?.shift = CacheReport.Shift(tokens: 0, isPossible: canMoveItems)
            }
        }
        if parameters.reusesPrompt { sequence.reports.prefixes = pinnedPrefixes(of: sequence) }
    }

    private func cacheReport(for sequence: EngineSequence) -> CacheReport {
        guard sequence.request.parameters.reusesPrompt, !sequence.needsPromptLogprobs else {
            return CacheReport(.notRead, matchedTokens: 0)
        }
        let history = sequence.history
        let key = sequence.exactKey
        let matches = [key, sequence.shiftedKey].compactMap { $0 }
            .compactMap { kvCache.tree.matches(history[...], key: $0).first }
        guard let match = matches.max(by: { $0.length < $1.length }) else {
            let hasOther = kvCache.entries.contains { entry in
                entry.key.scope == key.scope && entry.key.adapters != key.adapters
                    && !kvCache.tree.matches(history[...], key: entry.key).isEmpty
            }
            return CacheReport(hasOther ? .otherAdapters : .empty, matchedTokens: 0)
        }
        var report = CacheReport(.extended, matchedTokens: match.length)
        guard match.length < history.count else { return report }
        var nearest: [Int32]?
        for entry in kvCache.entries where match.entries.contains(entry.id.rawValue) {
            let items = kvCache.items(of: entry.id)
            // A cached prompt that ends here: the new one extends it.
            guard items.count > match.length else { return report }
            nearest = items
        }
        guard let nearest else { return report }
        report.reason = .differs
        report.difference = CacheReport.Difference(
            index: match.length, promptText: text(of: history[match.length...]),
            cachedText: text(of: nearest[match.length...]))
        return report
    }

    /// The tokens that a report shows.
    private static var shownTokenCount: Int { 6 }

    private func text(of tokens: ArraySlice<Int32>) -> String {
        String(
            decoding: tokens.prefix(Self.shownTokenCount).flatMap { loaded.vocabulary.piece($0) }, as: UTF8.self)
    }

    /// Completes the report of a sequence that begins, and counts the use of pinned prefixes.
    func recordReuse(of sequence: EngineSequence, at now: MonotonicTime) {
        let cached = sequence.cachedTokens
        sequence.reports.complete(
            cachedTokens: cached, promptCount: sequence.promptCount, canCut: kvCache.kind.canCutAnywhere,
            smallestRest: kvCache.kind == .attention ? scheduler.planner.shape.smallestRest : 1)
        if cached > 0, let tier = sequence.reuse.tier { sequence.reports.cache?.tier = tier }
        sequence.reports.cache?.shift?.tokens = sequence.reuse.movedCount
        if let entry = sequence.entry { sequence.reports.cache?.usesCheckpoint = kvCache[entry].usesCheckpoint }
        if cached > 0 { recordUse(of: sequence.reports.prefixes, at: now) }
    }

    // MARK: Queue

    /// The part of the engine thread's time that reports of places may take.
    private static var queueReportShare: Int { 20 }

    /// Reports the places of waiting sequences whose clients ask for progress, when they have changed.
    func reportQueuePositions(at now: MonotonicTime) {
        let waiting = scheduler.waiting
        guard queueReport.revision != waiting.revision else { return }
        guard (0..<waiting.count).contains(where: { Self.reportsPosition(waiting[$0]) }) else {
            queueReport.revision = waiting.revision
            return
        }
        guard now >= queueReport.next else { return }
        for (place, id) in waiting.order(at: now).enumerated() {
            guard let sequence = waiting.find(id: id)?.element, Self.reportsPosition(sequence),
                sequence.reports.queuePosition != place
            else { continue }
            sequence.reports.queuePosition = place
            var progress = PromptProgress(total: sequence.promptCount, cached: 0, processed: 0, elapsed: .zero)
            progress.queuePosition = place
            output.add(sequence.handle, .promptProgress(progress))
        }
        let end = MonotonicTime.now
        queueReport = (waiting.revision, end + max(.milliseconds(250), (end - now) * Self.queueReportShare))
    }

    private static func reportsPosition(_ sequence: EngineSequence) -> Bool {
        sequence.request.parameters.reportsProgress && !sequence.hasBegun
    }
}
