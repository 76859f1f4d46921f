/// The parameters of sampling. Names, defaults and order are those of llama-server. The caller of the engine checks the
/// ranges.
package struct SamplingParameters: Sendable, Equatable {
    /// The number of last tokens, including the prompt, that penalties count. 0 = none.
    package var repeatLastN: Int = 64
    package var repeatPenalty: Float = 1
    package var frequencyPenalty: Float = 0
    package var presencePenalty: Float = 0
    /// 0 = all.
    package var topK: Int = 40
    /// 1 = all.
    package var topP: Float = 0.95
    /// 0 = all.
    package var minP: Float = 0.05
    /// 0 or less = always the most likely token.
    package var temperature: Float = 0.8
    /// How far the temperature moves with the entropy, up and down. 0 or less = the temperature is fixed.
    package var dynamicTemperatureRange: Float = 0
    package var dynamicTemperatureExponent: Float = 1
    /// Standard deviations below the highest logit. 0 or less = all.
    package var topNSigma: Float = -1
    /// 1 = all.
    package var typicalP: Float = 1
    /// The probability that the most likely tokens are excluded. 0 = never.
    package var xtcProbability: Float = 0
    /// Above 0.5 = never.
    package var xtcThreshold: Float = 0.1
    package var dry = DryParameters()
    package var mirostat = Mirostat.off
    package var mirostatTau: Float = 5
    package var mirostatEta: Float = 0.1
    /// Used if `samplers` contains `adaptiveP`. Negative = samples as usual.
    package var adaptiveTarget: Float = -1
    /// 0 to 0.99.
    package var adaptiveDecay: Float = 0.9
    /// The smallest number of tokens that each filter retains.
    package var minKeep: Int = 0
    /// The stages in order. Ignored with mirostat.
    package var samplers = SamplerKind.defaultOrder
    /// Values that are added to logits before all stages; several values for one token add up.
    package var logitBiases: [LogitBias] = []
    /// Determines every random number, together with the index of the sampled token.
    package var seed: UInt64 = 0

    package init() {}
}

/// One stage between logits and token. The raw values are part of frames and journals.
package enum SamplerKind: UInt8, Sendable, CaseIterable {
    case penalties = 0
    case dry = 1
    case topNSigma = 2
    case topK = 3
    case typicalP = 4
    case topP = 5
    case minP = 6
    case xtc = 7
    case temperature = 8
    case adaptiveP = 9

    package static let defaultOrder: [SamplerKind] = [
        .penalties, .dry, .topNSigma, .topK, .typicalP, .topP, .minP, .xtc, .temperature,
    ]
}

/// The penalty on tokens that continue a repetition (DRY, "don't repeat yourself").
package struct DryParameters: Sendable, Equatable {
    /// 0 = off.
    package var multiplier: Float = 0
    /// At least 1.
    package var base: Float = 1.75
    /// Repetitions up to this length have no penalty.
    package var allowedLength: Int = 2
    /// The number of last tokens, including the prompt, in which repetitions are searched. 0 = off.
    package var lastN: Int = 64
    /// Texts over which no repetition extends. Only the first 40 bytes of each count.
    package var sequenceBreakers = ["\n", ":", "\"", "*"]

    package init() {}
}

/// Bounds the surprise of tokens around a target (mirostat); replaces all stages except the temperature.
package enum Mirostat: UInt8, Sendable, CaseIterable {
    case off = 0
    case first = 1
    case second = 2
}

/// Makes a token more or less likely.
package struct LogitBias: Sendable, Equatable {
    /// The token or text that a bias applies to.
    package enum Target: Sendable, Equatable {
        case token(Int32)
        /// Every token of the text.
        case text(String)
    }
    package var target: Target
    /// Minus infinity = never sampled.
    package var bias: Float

    package init(_ target: Target, bias: Float) {
        self.target = target
        self.bias = bias
    }
}
