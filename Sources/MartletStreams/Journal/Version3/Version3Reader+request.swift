internal import MartletGrammar
internal import MartletProtocol

extension Version3Reader {
    mutating func request() throws(FieldError) -> GenerationRequest {
        var request = GenerationRequest(
            handle: GenerationHandle(rawValue: try unsigned()), prompt: try prompt())
        let settings = try settings()
        request.parameters.ignoresEndOfGeneration = try bool()
        request.parameters.reusesPrompt = try bool()
        request.parameters.reportsProgress = try bool()
        request.parameters.reportsPromptLogprobs = try bool()
        request.visibleDelimiters = try strings()
        request.parameters.reportsTokenTimings = try bool()
        request.parameters.slot = try optionalInt()
        request.parameters.minimumIndent = try int()
        request.parameters.contextShift = try optional { reader throws(FieldError) in
            ContextShift(keep: try reader.int(), discard: try reader.int())
        }
        request.adapters = try list { reader throws(FieldError) in
            AdapterScale(index: try reader.int(), scale: try reader.float())
        }
        // The request whose prefill it shared: of no meaning to another process.
        _ = try optional { reader throws(FieldError) in try reader.unsigned() }
        request.reasoning = try optional { reader throws(FieldError) in try reader.reasoningRule() }
        request.isPaused = try bool()
        request.continuation = try int32s()
        request.continuationTime = try duration()
        request.injections = try list { reader throws(FieldError) in
            let (start, end) = (try reader.int(), try reader.int())
            guard start >= 0, start < end else { throw .invalid("range of tokens") }
            return InjectedTokens(start..<end, opensTurn: true)
        }
        // Last: one of the settings is in the reasoning rule.
        request.settings = settings
        return request
    }

    private mutating func prompt() throws(FieldError) -> Prompt {
        let pieces = try list { reader throws(FieldError) -> Prompt.Piece in
            switch try reader.byte() {
            case 0: .text(try reader.string(), isTrusted: false)
            case 1: .text(try reader.string(), isTrusted: true)
            case 2: .tokens(try reader.int32s())
            default: throw .invalid("piece of a prompt")
            }
        }
        return Prompt(pieces: pieces, addsBeginning: try bool())
    }

    private mutating func reasoningRule() throws(FieldError) -> ReasoningRule {
        var rule = ReasoningRule(
            start: try string(), end: try string(), closing: try string(), isOpen: try bool(),
            budget: try optionalInt(), message: try string())
        rule.turnBudget = try optionalInt()
        rule.earlierReasoning = try strings()
        rule.callStarts = try strings()
        guard !rule.start.isEmpty, !rule.end.isEmpty, !rule.callStarts.contains("") else { throw .invalid("marker") }
        return rule
    }

    // MARK: Settings

    mutating func settings() throws(FieldError) -> AdjustableSettings {
        var settings = AdjustableSettings()
        settings.sampling = try sampling()
        settings.maximumTokens = try optionalInt()
        settings.maximumTime = try optionalDuration()
        settings.stops = try strings()
        settings.probabilities = try optional { reader throws(FieldError) in
            ProbabilityRequest(
                count: try reader.int(),
                stage: try reader.element(of: [.beforeSampling, .afterSampling], "stage of probabilities"))
        }
        settings.reasoningBudget = try optionalInt()
        settings.constraint = try optional { reader throws(FieldError) in
            guard let grammar = try? Grammar(decoding: try reader.slice(), limits: .unlimited) else {
                throw .invalid("grammar")
            }
            return GenerationConstraint(grammar)
        }
        settings.constraintStart = try int()
        return settings
    }

    mutating func settingsChange() throws(FieldError) -> SettingsChange {
        let keys: [AdjustableSettingKey] = [
            .temperature, .topK, .topP, .minP, .topNSigma, .typicalP, .minKeep, .dynamicTemperatureRange,
            .dynamicTemperatureExponent, .xtcProbability, .xtcThreshold, .repeatLastN, .repeatPenalty,
            .frequencyPenalty, .presencePenalty, .dryMultiplier, .dryBase, .dryAllowedLength, .dryLastN,
            .drySequenceBreakers, .mirostat, .mirostatTau, .mirostatEta, .adaptiveTarget, .adaptiveDecay, .samplers,
            .logitBiases, .seed, .maximumTokens, .maximumTime, .stops, .probabilities, .reasoningBudget, .constraint,
        ]
        var change = SettingsChange()
        change.keys = try list { reader throws(FieldError) in try reader.element(of: keys, "setting") }
        if !change.keys.isEmpty { change.values = try settings() }
        return change
    }

    private mutating func sampling() throws(FieldError) -> SamplingParameters {
        var sampling = SamplingParameters()
        sampling.repeatLastN = try int()
        sampling.repeatPenalty = try float()
        sampling.frequencyPenalty = try float()
        sampling.presencePenalty = try float()
        sampling.topK = try int()
        sampling.topP = try float()
        sampling.minP = try float()
        sampling.temperature = try float()
        sampling.dynamicTemperatureRange = try float()
        sampling.dynamicTemperatureExponent = try float()
        sampling.topNSigma = try float()
        sampling.typicalP = try float()
        sampling.xtcProbability = try float()
        sampling.xtcThreshold = try float()
        sampling.dry.multiplier = try float()
        sampling.dry.base = try float()
        sampling.dry.allowedLength = try int()
        sampling.dry.lastN = try int()
        sampling.dry.sequenceBreakers = try strings()
        sampling.mirostat = try element(of: [.off, .first, .second], "kind of mirostat")
        sampling.mirostatTau = try float()
        sampling.mirostatEta = try float()
        sampling.adaptiveTarget = try float()
        sampling.adaptiveDecay = try float()
        sampling.minKeep = try int()
        let samplers: [SamplerKind] = [
            .penalties, .dry, .topNSigma, .topK, .typicalP, .topP, .minP, .xtc, .temperature, .adaptiveP,
        ]
        sampling.samplers = try list { reader throws(FieldError) in try reader.element(of: samplers, "sampler") }
        sampling.logitBiases = try list { reader throws(FieldError) -> LogitBias in
            switch try reader.byte() {
            case 0: LogitBias(.token(try reader.int32()), bias: try reader.float())
            case 1: LogitBias(.text(try reader.string()), bias: try reader.float())
            default: throw .invalid("target of a bias")
            }
        }
        sampling.seed = try unsigned()
        return sampling
    }

    // MARK: The model

    mutating func model() throws(FieldError) -> ModelInformation {
        var model = ModelInformation()
        model.path = try string()
        model.name = try optionalString()
        model.summary = try string()
        model.fileType = try string()
        model.parameterCount = try unsigned()
        model.byteCount = try unsigned()
        model.vocabularyKind = try int32()
        model.vocabularySize = try int()
        model.embeddingLength = try int()
        model.trainedContextLength = try int()
        model.contextLength = try int()
        model.sequenceContextLength = try int()
        model.sequenceCount = try int()
        model.chatTemplate = try optionalString()
        model.toolUseChatTemplate = try optionalString()
        model.beginningToken = try string()
        model.endToken = try string()
        model.endOfGenerationTokens = try int32s()
        model.loadTime = try duration()
        model.embeddingPooling = try optional { reader throws(FieldError) in
            try reader.element(of: [.none, .mean, .first, .last, .rank], "pooling")
        }
        model.adapters = try list { reader throws(FieldError) in
            var adapter = AdapterInformation(path: try reader.string(), scale: try reader.float())
            adapter.taskName = try reader.string()
            adapter.promptPrefix = try reader.string()
            return adapter
        }
        return model
    }
}
