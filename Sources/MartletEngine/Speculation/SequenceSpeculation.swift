import MartletProtocol

/// The speculation of one sequence: its settings, its index for lookups, its policy, and the draft of this step.
///
/// A value: a fork gets a copy.
struct SequenceSpeculation: Sendable {
    let settings: SpeculationSettings
    var policy = SpeculationPolicy()
    /// The tokens that the next decode computes behind the history; empty = none.
    private(set) var draft: [Int32] = []
    private(set) var confidence = SpeculationPolicy.Confidence.medium
    /// The number of tokens that were drafted, and of those that equal the sampled ones.
    private(set) var draftedTokens = 0
    private(set) var acceptedTokens = 0
    /// The result of the draft of this step; `nil` before its verification.
    private(set) var lastResult: Result?
    private var ngram: NgramDraft

    /// The result of one draft.
    struct Result: Sendable {
        /// The number of draft tokens that were compared with samples, and of those that were equal.
        var verified = 0
        var accepted = 0
    }

    init(_ settings: SpeculationSettings) {
        self.settings = settings
        ngram = NgramDraft(keyLength: settings.ngramKeyLength)
    }

    /// Follows a change of the history that is not an appended token.
    mutating func historyWasCut() {
        draft = []
        ngram.removeAll()
    }

    /// The continuation of `history` by lookup, at most `limit` tokens.
    mutating func lookup(_ history: [Int32], limit: Int) -> NgramDraft.Match? {
        ngram.append(history)
        return ngram.match(in: history, limit: min(limit, settings.ngramDraftLimit))
    }

    /// Sets the draft of the next decode. A draft below the minimum is discarded.
    mutating func propose(_ tokens: [Int32], _ confidence: SpeculationPolicy.Confidence) {
        draft = tokens.count >= max(1, settings.minimumCount) ? tokens : []
        self.confidence = confidence
    }

    /// Begins the verification of the first `count` tokens of the draft, which a decode has computed.
    mutating func beginVerification(of count: Int) {
        if count < draft.count { draft.removeLast(draft.count - count) }
        draftedTokens += count
        lastResult = Result()
    }

    /// Records that a sampled token is the next token of the draft.
    mutating func accept() {
        acceptedTokens += 1
        lastResult?.accepted += 1
        lastResult?.verified += 1
    }

    /// Ends the verification, and removes the draft.
    ///
    /// - Parameter isRefused: whether a sampled token differs from the draft. Otherwise the draft is used up, or the
    ///   sequence was changed.
    mutating func endVerification(isRefused: Bool) {
        if isRefused { lastResult?.verified += 1 }
        draft = []
    }

    /// Removes a draft that was not computed.
    mutating func discard() {
        draft = []
        lastResult = nil
    }
}

extension NgramDraft.Match {
    /// How likely the continuation is, by the length of the match.
    var confidence: SpeculationPolicy.Confidence {
        matchedCount >= 16 ? .high : matchedCount >= 6 ? .medium : .low
    }
}
