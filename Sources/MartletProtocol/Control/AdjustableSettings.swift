/// The settings of a generation that can be changed while it runs.
package struct AdjustableSettings: Sendable, Equatable {
    package var sampling = SamplingParameters()
    package var maximumTokens: Int?
    package var maximumTime: Duration?
    package var stops: [String] = []
    package var probabilities: ProbabilityRequest?
    /// The largest number of reasoning tokens; `nil` = no limit.
    package var reasoningBudget: Int?
    /// The constraint of the output; `nil` = any output is allowed.
    package var constraint: GenerationConstraint?
    /// The index among the output tokens from which the constraint applies.
    package var constraintStart = 0

    package init() {}
}

/// Names one setting. The raw values are part of frames and journals.
package enum AdjustableSettingKey: UInt8, Sendable, CaseIterable {
    case temperature = 0
    case topK, topP, minP, topNSigma, typicalP, minKeep
    case dynamicTemperatureRange, dynamicTemperatureExponent
    case xtcProbability, xtcThreshold
    case repeatLastN, repeatPenalty, frequencyPenalty, presencePenalty
    case dryMultiplier, dryBase, dryAllowedLength, dryLastN, drySequenceBreakers
    case mirostat, mirostatTau, mirostatEta
    case adaptiveTarget, adaptiveDecay
    case samplers, logitBiases, seed
    case maximumTokens, maximumTime, stops, probabilities, reasoningBudget
    case constraint
}

/// New values of some settings.
package struct SettingsChange: Sendable, Equatable {
    package var keys: [AdjustableSettingKey]
    /// The new values; only those of `keys` are used.
    package var values: AdjustableSettings

    package init(keys: [AdjustableSettingKey] = [], values: AdjustableSettings = AdjustableSettings()) {
        self.keys = keys
        self.values = values
    }
}

extension AdjustableSettings {
    /// Replaces the values of the changed settings. Other settings stay.
    package mutating func apply(_ change: SettingsChange) {
        for key in change.keys { copy(key, from: change.values) }
    }

    private mutating func copy(_ key: AdjustableSettingKey, from other: AdjustableSettings) {
        switch key {
        case .maximumTokens: maximumTokens = other.maximumTokens
        case .maximumTime: maximumTime = other.maximumTime
        case .stops: stops = other.stops
        case .probabilities: probabilities = other.probabilities
        case .reasoningBudget: reasoningBudget = other.reasoningBudget
        case .constraint:
            constraint = other.constraint
            constraintStart = other.constraintStart
        default: sampling.copy(key, from: other.sampling)
        }
    }
}

extension SamplingParameters {
    fileprivate mutating func copy(_ key: AdjustableSettingKey, from other: SamplingParameters) {
        switch key {
        case .temperature: temperature = other.temperature
        case .topK: topK = other.topK
        case .topP: topP = other.topP
        case .minP: minP = other.minP
        case .topNSigma: topNSigma = other.topNSigma
        case .typicalP: typicalP = other.typicalP
        case .minKeep: minKeep = other.minKeep
        case .dynamicTemperatureRange: dynamicTemperatureRange = other.dynamicTemperatureRange
        case .dynamicTemperatureExponent: dynamicTemperatureExponent = other.dynamicTemperatureExponent
        case .xtcProbability: xtcProbability = other.xtcProbability
        case .xtcThreshold: xtcThreshold = other.xtcThreshold
        case .repeatLastN: repeatLastN = other.repeatLastN
        case .repeatPenalty: repeatPenalty = other.repeatPenalty
        case .frequencyPenalty: frequencyPenalty = other.frequencyPenalty
        case .presencePenalty: presencePenalty = other.presencePenalty
        case .dryMultiplier: dry.multiplier = other.dry.multiplier
        case .dryBase: dry.base = other.dry.base
        case .dryAllowedLength: dry.allowedLength = other.dry.allowedLength
        case .dryLastN: dry.lastN = other.dry.lastN
        case .drySequenceBreakers: dry.sequenceBreakers = other.dry.sequenceBreakers
        case .mirostat: mirostat = other.mirostat
        case .mirostatTau: mirostatTau = other.mirostatTau
        case .mirostatEta: mirostatEta = other.mirostatEta
        case .adaptiveTarget: adaptiveTarget = other.adaptiveTarget
        case .adaptiveDecay: adaptiveDecay = other.adaptiveDecay
        case .samplers: samplers = other.samplers
        case .logitBiases: logitBiases = other.logitBiases
        case .seed: seed = other.seed
        case .maximumTokens, .maximumTime, .stops, .probabilities, .reasoningBudget, .constraint: break
        }
    }
}

extension GenerationRequest {
    /// The settings of the request that can be changed while it runs.
    package var settings: AdjustableSettings {
        get {
            var settings = AdjustableSettings()
            settings.sampling = parameters.sampling
            settings.maximumTokens = parameters.maximumTokens
            settings.maximumTime = parameters.maximumTime
            settings.stops = parameters.stops
            settings.probabilities = parameters.probabilities
            settings.reasoningBudget = reasoning?.budget
            settings.constraint = parameters.constraint
            settings.constraintStart = constraintStart
            return settings
        }
        set {
            parameters.sampling = newValue.sampling
            parameters.maximumTokens = newValue.maximumTokens
            parameters.maximumTime = newValue.maximumTime
            parameters.stops = newValue.stops
            parameters.probabilities = newValue.probabilities
            reasoning?.budget = newValue.reasoningBudget
            parameters.constraint = newValue.constraint
            constraintStart = newValue.constraintStart
        }
    }
}
