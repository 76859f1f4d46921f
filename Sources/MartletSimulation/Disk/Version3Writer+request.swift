import MartletGrammar
import MartletProtocol
import MartletStreams

/// Requests, settings and models, as far as simulated clients use them.
extension Version3Writer {
    /// - Returns: `false` = version 3 could not express the request.
    mutating func add(_ stored: JournalRequest) -> Bool {
        let (request, parameters) = (stored.request, stored.request.parameters)
        guard request.reasoning == nil, parameters.contextShift == nil else { return false }
        add(unsigned: request.handle.rawValue)
        guard add(request.prompt), add(request.settings) else { return false }
        add(parameters.ignoresEndOfGeneration)
        add(parameters.reusesPrompt)
        add(parameters.reportsProgress)
        add(parameters.reportsPromptLogprobs)
        add(request.visibleDelimiters)
        add(parameters.reportsTokenTimings)
        add(parameters.slot)
        add(parameters.minimumIndent)
        add(false)
        add(request.adapters) { writer, adapter in
            writer.add(adapter.index)
            writer.add(adapter.scale)
        }
        add(request.sharedPrefillParent) { $0.add(unsigned: $1.rawValue) }
        add(false)
        add(request.isPaused)
        add(request.continuation)
        add(request.continuationTime)
        let turns = request.injections.filter(\.opensTurn)
        add(turns) { writer, turn in
            writer.add(turn.range.lowerBound)
            writer.add(turn.range.upperBound)
        }
        add(stored.model)
        return true
    }

    private mutating func add(_ prompt: Prompt) -> Bool {
        add(prompt.pieces) { writer, piece in
            switch piece {
            case .text(let text, let isTrusted):
                writer.add(UInt8(isTrusted ? 1 : 0))
                writer.add(text)
            case .tokens(let tokens):
                writer.add(UInt8(2))
                writer.add(tokens)
            }
        }
        add(prompt.addsBeginning)
        return prompt.boundaries.isEmpty
    }

    /// - Returns: `false` = version 3 could not express the settings.
    mutating func add(_ settings: AdjustableSettings) -> Bool {
        guard add(settings.sampling) else { return false }
        add(settings.maximumTokens)
        add(settings.maximumTime)
        add(settings.stops)
        add(settings.probabilities) { writer, probabilities in
            writer.add(probabilities.count)
            writer.add(probabilities.stage.rawValue)
        }
        add(settings.reasoningBudget)
        add(settings.constraint) { $0.add($1.grammar.encoded()) }
        add(settings.constraintStart)
        return true
    }

    private mutating func add(_ sampling: SamplingParameters) -> Bool {
        add(sampling.repeatLastN)
        add(sampling.repeatPenalty)
        add(sampling.frequencyPenalty)
        add(sampling.presencePenalty)
        add(sampling.topK)
        add(sampling.topP)
        add(sampling.minP)
        add(sampling.temperature)
        add(sampling.dynamicTemperatureRange)
        add(sampling.dynamicTemperatureExponent)
        add(sampling.topNSigma)
        add(sampling.typicalP)
        add(sampling.xtcProbability)
        add(sampling.xtcThreshold)
        add(sampling.dry.multiplier)
        add(sampling.dry.base)
        add(sampling.dry.allowedLength)
        add(sampling.dry.lastN)
        add(sampling.dry.sequenceBreakers)
        guard add(sampling.mirostat, of: [.off, .first, .second]) else { return false }
        add(sampling.mirostatTau)
        add(sampling.mirostatEta)
        add(sampling.adaptiveTarget)
        add(sampling.adaptiveDecay)
        add(sampling.minKeep)
        let samplers: [SamplerKind] = [
            .penalties, .dry, .topNSigma, .topK, .typicalP, .topP, .minP, .xtc, .temperature, .adaptiveP,
        ]
        var isKnown = true
        add(sampling.samplers) { writer, sampler in isKnown = writer.add(sampler, of: samplers) && isKnown }
        guard sampling.logitBiases.isEmpty else { return false }
        add(unsigned: 0)
        add(unsigned: sampling.seed)
        return isKnown
    }

    private mutating func add(_ model: ModelInformation) {
        add(model.path)
        add(model.name)
        add(model.summary)
        add(model.fileType)
        add(unsigned: model.parameterCount)
        add(unsigned: model.byteCount)
        add(model.vocabularyKind)
        add(model.vocabularySize)
        add(model.embeddingLength)
        add(model.trainedContextLength)
        add(model.contextLength)
        add(model.sequenceContextLength)
        add(model.sequenceCount)
        add(model.chatTemplate)
        add(model.toolUseChatTemplate)
        add(model.beginningToken)
        add(model.endToken)
        add(model.endOfGenerationTokens)
        add(model.loadTime)
        // Neither pooling nor adapters: simulated models have none.
        add(false)
        add(unsigned: 0)
    }
}
