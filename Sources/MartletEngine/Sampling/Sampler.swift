import MartletProtocol

/// Chooses the tokens of one generation.
///
/// First biases, then what the parameters name in their order, then the sample. Steps that change nothing are left out
/// when the sampler is made.
struct Sampler: Sendable {
    private enum Stage: Sendable {
        case penalties(Penalties)
        case repetition(Repetition)
        case filter(any CandidateFilter)
    }

    /// The last stage, with what it keeps from sample to sample.
    enum Selection: Sendable {
        case plain
        case mirostat(MirostatSelection)
        case adaptive(AdaptiveSelection)
    }

    /// What is added to the logits of single tokens.
    private let biases: [TokenBias]
    private var stages: [Stage] = []
    private(set) var selection = Selection.plain
    /// Whether the result is the most likely token for sure. Then all stages only change single logits.
    private(set) var isGreedy: Bool
    private let seed: UInt64
    /// Whether a sample depends on the samples before it by more than the tokens that they gave.
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

    /// Whether one filter leaves a single token, none before it can remove the most likely one, and logits change only
    /// before all filters.
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

    /// What a sample costs, in fast passes over the vocabulary (measured: see design.md).
    private(set) var passes = 1

    /// One where few candidates are left by what only compares logits, else as many as exponentials of all cost.
    private var cost: Int {
        if isGreedy { return 1 }
        for case .filter(let filter) in stages { return filter is TopK || filter is MinP ? 1 : 50 }
        return 50
    }

    /// Whether there is a token that may be sampled as far as the request decides it.
    /// - Parameter mask: a bit for each token; `nil` = all are allowed.
    func leavesToken(of vocabularySize: Int, allowedBy mask: UnsafeBufferPointer<UInt64>?) -> Bool {
        let banned = Set(biases.lazy.filter { $0.bias == -.infinity }.map(\.token))
        return (0..<vocabularySize).contains { token in
            let isAllowed = mask.map { $0[token >> 6] >> UInt64(token & 63) & 1 == 1 } ?? true
            return isAllowed && !banned.contains(Int32(truncatingIfNeeded: token))
        }
    }

    /// Whether `sample` leaves the logits as they are.
    var preservesLogits: Bool {
        guard biases.isEmpty, let first = stages.first else { return biases.isEmpty }
        // These make a list of candidates, which is all that is changed from there on.
        if case .filter(let filter) = first { return filter is TopK || filter is TopP || filter is MinP }
        return false
    }

    /// Chooses again among the tokens of a mask.
    ///
    /// With the sample that was refused, the result is sampled from the probabilities that the mask leaves, as if it
    /// had been known from the beginning.
    /// - Parameters:
    ///   - previous: `selection` before the sample that was refused.
    ///   - logits: as they were before that sample; changed.
    ///   - mask: a bit for each token.
    mutating func resample(
        after previous: Selection, _ logits: UnsafeMutableBufferPointer<Float>, mask: UnsafeBufferPointer<UInt64>,
        history: [Int32], index: Int, with candidates: Candidates
    ) -> Int32? {
        selection = previous
        LogitScan.exclude(from: logits, allBut: mask)
        let share = CounterRNG.uniform(seed: seed, index: index, for: .resampling)
        return sample(logits, history: history, index: index, share: share, with: candidates)
    }

    /// Chooses the token that follows `history`.
    ///
    /// - Parameters:
    ///   - logits: logits of all tokens; changed.
    ///   - history: prompt and tokens so far.
    ///   - index: of the chosen token among the generated ones; with the seed it fixes the sample.
    ///   - candidates: holds afterwards what was sampled from.
    /// - Returns: `nil` if no token has a logit.
    /// - Complexity: greedy, one fast pass over the vocabulary; with top-k, one more pass of about that cost.
    mutating func sample(
        _ logits: UnsafeMutableBufferPointer<Float>, history: [Int32], index: Int, with candidates: Candidates
    ) -> Int32? {
        let share = CounterRNG.uniform(seed: seed, index: index)
        return sample(logits, history: history, index: index, share: share, with: candidates)
    }

    /// The same with a given random number.
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

    /// Leaves the tokens that may be sampled.
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
                // Out of its place while it changes, so that it is not copied.
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

/// What is added to the logit of one token. Minus infinity = it is never sampled.
struct TokenBias: Sendable, Equatable {
    /// In the vocabulary.
    var token: Int32
    var bias: Float
}
