/// How the next token is chosen. Names, defaults and order are llama-server's; ranges are checked by who builds one.
package struct SamplingParameters: Sendable, Equatable {
    /// How many of the last tokens (prompt included) penalties look at. 0 = none.
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
    /// How far the temperature moves with the uncertainty of the model, up and down. 0 or less = it stands still.
    package var dynamicTemperatureRange: Float = 0
    package var dynamicTemperatureExponent: Float = 1
    /// Standard deviations below the highest logit. 0 or less = all.
    package var topNSigma: Float = -1
    /// 1 = all.
    package var typicalP: Float = 1
    /// How often the likeliest tokens are left out. 0 = never.
    package var xtcProbability: Float = 0
    /// Above 0.5 = never.
    package var xtcThreshold: Float = 0.1
    package var dry = DryParameters()
    package var mirostat = Mirostat.off
    package var mirostatTau: Float = 5
    package var mirostatEta: Float = 0.1
    /// Counts where `samplers` has `adaptiveP`. Negative = draws as usual.
    package var adaptiveTarget: Float = -1
    /// 0 to 0.99.
    package var adaptiveDecay: Float = 0.9
    /// How many tokens each filter leaves at least.
    package var minKeep: Int = 0
    /// What is done in which order. Not looked at with mirostat.
    package var samplers = SamplerKind.defaultOrder
    /// Added to logits before anything else; of one token all count.
    package var logitBiases: [LogitBias] = []
    /// Fixes every draw, together with the index of the token sampled.
    package var seed: UInt64 = 0

    package init() {}
}

/// One step of the way from logits to a token.
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

/// Makes tokens less likely that would continue a repetition ("don't repeat yourself").
package struct DryParameters: Sendable, Equatable {
    /// 0 = off.
    package var multiplier: Float = 0
    /// At least 1.
    package var base: Float = 1.75
    /// Repetitions up to this length cost nothing.
    package var allowedLength: Int = 2
    /// How many of the last tokens (prompt included) are looked at. 0 = off.
    package var lastN: Int = 64
    /// Texts over which no repetition reaches. Of each, the first 40 bytes count.
    package var sequenceBreakers = ["\n", ":", "\"", "*"]

    package init() {}
}

/// Keeps the surprise of sampled tokens near a target; replaces all steps but the temperature.
package enum Mirostat: UInt8, Sendable, CaseIterable {
    case off = 0
    case first = 1
    case second = 2
}

/// Makes tokens more or less likely, whatever the model says.
package struct LogitBias: Sendable, Equatable {
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
