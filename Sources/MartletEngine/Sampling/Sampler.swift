import MartletProtocol

/// Chooses the tokens of one generation.
///
/// The order is llama-server's: banned tokens, penalties, top-k, top-p, min-p, temperature, draw. Steps that change
/// nothing are left out when the sampler is made.
struct Sampler: Sendable {
    private var penalties: Penalties?
    /// Tokens that are never drawn.
    private let banned: [Int32]
    private let filters: [any CandidateFilter]
    private let isGreedy: Bool
    private let seed: UInt64

    init(_ parameters: SamplingParameters, banned: [Int32] = []) {
        penalties = Penalties(parameters)
        self.banned = banned
        seed = parameters.seed
        // None of the filters removes the most likely token.
        isGreedy = parameters.temperature <= 0 || parameters.topK == 1
        var filters: [any CandidateFilter] = []
        if parameters.topK > 0 { filters.append(TopK(limit: parameters.topK)) }
        if parameters.topP < 1 { filters.append(TopP(share: parameters.topP)) }
        if parameters.minP > 0 { filters.append(MinP(share: parameters.minP)) }
        if parameters.temperature != 1 { filters.append(Temperature(temperature: parameters.temperature)) }
        self.filters = isGreedy ? [] : filters
    }

    /// Chooses the token that follows `history`.
    ///
    /// - Parameters:
    ///   - logits: scores of all tokens; changed.
    ///   - history: prompt and tokens so far.
    ///   - index: of the chosen token among the generated ones; with the seed it fixes the draw.
    /// - Returns: `nil` if no token has a score.
    /// - Complexity: greedy, one fast pass over the vocabulary; with top-k, one more pass of about that cost.
    mutating func sample(
        _ logits: UnsafeMutableBufferPointer<Float>, history: [Int32], index: Int, with candidates: Candidates
    ) -> Int32? {
        if isGreedy {
            prepare(logits, history: history)
            let best = LogitScan.maximum(logits)
            return best.value > -.infinity && best.value < .infinity ? Int32(truncatingIfNeeded: best.token) : nil
        }
        narrow(logits, history: history, with: candidates)
        return candidates.draw(CounterDraw.uniform(seed: seed, index: index))
    }

    /// Leaves the tokens that may be drawn.
    mutating func narrow(
        _ logits: UnsafeMutableBufferPointer<Float>, history: [Int32], with candidates: Candidates
    ) {
        prepare(logits, history: history)
        candidates.reset(logits)
        for filter in filters { filter.apply(to: candidates) }
    }

    /// Changes single scores, before anything looks at all of them.
    private mutating func prepare(_ logits: UnsafeMutableBufferPointer<Float>, history: [Int32]) {
        for token in banned { logits[Int(token)] = -.infinity }
        guard penalties != nil else { return }
        penalties?.follow(history)
        penalties?.apply(to: logits)
    }
}
