import MartletProtocol

/// Samples the tokens of one sequence.
///
/// The order is: biases, then the stages in the order of the parameters, then the selection. Stages without effect are
/// removed when the sampler is made.
struct Sampler: Sendable {
    private enum Stage: Sendable {
        case penalties(Penalties)
        case repetition(Repetition)
        case filter(any CandidateFilter)
    }

    /// The last stage, with its state between samples.
    enum Selection: Sendable {
        case plain
        case mirostat(MirostatSelection)
        case adaptive(AdaptiveSelection)
    }

    /// Values that are added to the logits of single tokens.
    private let biases: [TokenBias]
    private var stages: [Stage] = []
    private(set) var selection = Selection.plain
    /// Whether the result is always the most likely token. Then stages change only single logits.
    private(set) var isGreedy: Bool
    private let seed: UInt64
    /// Whether a sample depends on earlier samples by more than their tokens (mirostat, adaptive-p).
    var hasSelectionState: Bool {
        if case .plain = selection { false } else { !isGreedy }
    }

    init(
        _ parameters: SamplingParameters, biases: [TokenBias] = [], breakers: SequenceBreakers = .none,
        vocabularySize: Int
    ) {
        self.biases = biases
        seed = parameters.seed
        isGreedy = false
        guard parameters.mirostat == .off else {
            if let temperature = Self.temperature(of: parameters, isDynamic: false) { stages = [.filter(temperature)] }
            selection = .mirostat(
                MirostatSelection(
                    version: parameters.mirostat, target: parameters.mirostatTau, rate: parameters.mirostatEta,
                    vocabularySize: vocabularySize))
            passes = cost
            return
        }
        for kind in parameters.samplers {
            if let stage = Self.stage(kind, parameters, breakers: breakers) { stages.append(stage) }
        }
        if parameters.samplers.contains(.adaptiveP), parameters.adaptiveTarget >= 0 {
            selection = .adaptive(AdaptiveSelection(target: parameters.adaptiveTarget, decay: parameters.adaptiveDecay))
        }
        isGreedy = isMostLikelySure(parameters)
        if isGreedy {
            stages.removeAll { if case .filter = $0 { true } else { false } }
        }
        passes = cost
    }

    private static func stage(
        _ kind: SamplerKind, _ parameters: SamplingParameters, breakers: SequenceBreakers
    ) -> Stage? {
        let minimumCount = parameters.minKeep
        switch kind {
        case .penalties: return Penalties(parameters).map { .penalties($0) }
        case .dry: return Repetition(parameters.dry, breakers: breakers).map { .repetition($0) }
        case .topNSigma where parameters.topNSigma > 0:
            return .filter(TopNSigma(deviations: parameters.topNSigma))
        case .topK where parameters.topK > 0: return .filter(TopK(limit: parameters.topK))
        case .typicalP where parameters.typicalP < 1:
            return .filter(Typical(share: parameters.typicalP, minimumCount: minimumCount))
        case .topP where parameters.topP < 1:
            return .filter(TopP(share: parameters.topP, minimumCount: minimumCount))
        case .minP where parameters.minP > 0:
            return .filter(MinP(share: parameters.minP, minimumCount: minimumCount))
        case .xtc where parameters.xtcProbability > 0 && parameters.xtcThreshold <= 0.5:
            return .filter(
                TopChoiceExclusion(
                    share: parameters.xtcProbability, threshold: parameters.xtcThreshold, minimumCount: minimumCount,
                    seed: parameters.seed))
        case .temperature: return temperature(of: parameters, isDynamic: true).map { .filter($0) }
        case .topNSigma, .topK, .typicalP, .topP, .minP, .xtc, .adaptiveP: return nil
        }
    }

    private static func temperature(
        of parameters: SamplingParameters, isDynamic: Bool
    ) -> (any CandidateFilter)? {
        if isDynamic, parameters.dynamicTemperatureRange > 0 {
            return DynamicTemperature(
                temperature: parameters.temperature, range: parameters.dynamicTemperatureRange,
                exponent: parameters.dynamicTemperatureExponent)
        }
        return parameters.temperature == 1 ? nil : Temperature(temperature: parameters.temperature)
    }

    /// Whether one filter retains a single token, no earlier filter can remove the most likely token, and logits change
    /// only before all filters.
    private func isMostLikelySure(_ parameters: SamplingParameters) -> Bool {
        var hasFilter = false
        var isSure = false
        for stage in stages {
            switch stage {
            case .penalties, .repetition:
                if hasFilter { return false }
            case .filter(let filter):
                hasFilter = true
                if filter is Typical || filter is TopChoiceExclusion { return false }
                if let topK = filter as? TopK, topK.limit == 1 { isSure = true }
                if let temperature = filter as? Temperature, temperature.temperature <= 0 { isSure = true }
            }
        }
        return isSure
    }

    /// The cost of a sample, in fast passes over the vocabulary (measured: see design.md).
    private(set) var passes = 1

    /// 1 if comparisons of logits reduce the candidates to few; otherwise the cost of an exponential per token.
    private var cost: Int {
        if isGreedy { return 1 }
        for case .filter(let filter) in stages { return filter is TopK || filter is MinP ? 1 : 50 }
        return 50
    }

    /// Whether biases and mask leave at least one token that may be sampled.
    ///
    /// - Parameter mask: one bit per token; `nil` = all tokens are allowed.
    func leavesToken(of vocabularySize: Int, allowedBy mask: UnsafeBufferPointer<UInt64>?) -> Bool {
        let banned = Set(biases.lazy.filter { $0.bias == -.infinity }.map(\.token))
        return (0..<vocabularySize).contains { token in
            let isAllowed = mask.map { $0[token >> 6] >> UInt64(token & 63) & 1 == 1 } ?? true
            return isAllowed && !banned.contains(Int32(truncatingIfNeeded: token))
        }
    }

    /// Whether `sample` leaves the logit buffer unchanged.
    var preservesLogits: Bool {
        guard biases.isEmpty, let first = stages.first else { return biases.isEmpty }
        // These filters copy to a list of candidates, and only the list changes from there on.
        if case .filter(let filter) = first { return filter is TopK || filter is TopP || filter is MinP }
        return false
    }

    /// Samples again among the tokens of a mask, after a grammar refused the first sample.
    ///
    /// Together the two samples follow the probabilities that the mask leaves, as if the mask had been known for the
    /// first one.
    ///
    /// - Parameters:
    ///   - previous: `selection` before the refused sample.
    ///   - logits: the logits before that sample; changed.
    ///   - mask: one bit per token.
    mutating func resample(
        after previous: Selection, _ logits: UnsafeMutableBufferPointer<Float>, mask: UnsafeBufferPointer<UInt64>,
        history: [Int32], index: Int, with candidates: Candidates
    ) -> Int32? {
        selection = previous
        LogitScan.exclude(from: logits, allBut: mask)
        let share = CounterRNG.uniform(seed: seed, index: index, for: .resampling)
        return sample(logits, history: history, index: index, share: share, with: candidates)
    }

    /// Samples the token that follows `history`.
    ///
    /// - Parameters:
    ///   - logits: the logits of all tokens; changed.
    ///   - history: prompt and output tokens so far.
    ///   - index: the index of the sampled token among the generated ones. Seed and index determine the random number.
    ///   - candidates: contains the tokens that were sampled from afterwards.
    /// - Returns: `nil` if no token has a finite logit.
    /// - Complexity: one fast pass over the vocabulary if greedy; with top-k one more pass of about that cost.
    mutating func sample(
        _ logits: UnsafeMutableBufferPointer<Float>, history: [Int32], index: Int, with candidates: Candidates
    ) -> Int32? {
        let share = CounterRNG.uniform(seed: seed, index: index)
        return sample(logits, history: history, index: index, share: share, with: candidates)
    }

    /// Samples with a given random number, `share`.
    mutating func sample(
        _ logits: UnsafeMutableBufferPointer<Float>, history: [Int32], index: Int, share: Double,
        with candidates: Candidates
    ) -> Int32? {
        applyFilters(logits, history: history, index: index, with: candidates)
        if isGreedy {
            let best = LogitScan.maximum(logits)
            return best.value > -.infinity && best.value < .infinity ? Int32(truncatingIfNeeded: best.token) : nil
        }
        switch selection {
        case .plain: return candidates.sample(share)
        case .mirostat(var state):
            defer { selection = .mirostat(state) }
            return state.sample(from: candidates, share)
        case .adaptive(var state):
            defer { selection = .adaptive(state) }
            return state.sample(from: candidates, share)
        }
    }

    /// Runs the stages without the selection.
    mutating func applyFilters(
        _ logits: UnsafeMutableBufferPointer<Float>, history: [Int32], index: Int, with candidates: Candidates
    ) {
        for bias in biases {
            logits[Int(bias.token)] = min(logits[Int(bias.token)] + bias.bias, .greatestFiniteMagnitude)
        }
        candidates.reset(logits)
        for position in stages.indices {
            switch stages[position] {
            case .filter(let filter): filter.apply(to: candidates, index: index)
            case .penalties(var penalties):
                // The stage is moved out while it changes, so that it is not copied.
                stages[position] = .filter(Temperature(temperature: 1))
                penalties.follow(history)
                penalties.apply(to: candidates)
                stages[position] = .penalties(penalties)
            case .repetition(var repetition):
                stages[position] = .filter(Temperature(temperature: 1))
                repetition.apply(to: candidates, history: history)
                stages[position] = .repetition(repetition)
            }
        }
    }
}

/// A value that is added to the logit of one token. Minus infinity = the token is never sampled.
struct TokenBias: Sendable, Equatable {
    /// The token id in the vocabulary.
    var token: Int32
    var bias: Float
}
