internal import MartletProtocol

extension Version3Reader {
    mutating func event() throws(FieldError) -> EngineEvent {
        let handle = GenerationHandle(rawValue: try unsigned())
        switch try byte() {
        case 0: return EngineEvent(handle, .admitted(promptTokens: try int()))
        case 1: return EngineEvent(handle, .started(slot: try int(), cachedTokens: try int()))
        case 2:
            var progress = PromptProgress(
                total: try int(), cached: try int(), processed: try int(), elapsed: try duration())
            progress.slot = try int()
            return EngineEvent(handle, .promptProgress(progress))
        case 3:
            var event = EngineEvent(handle, .token(id: try int32(), text: try slice()))
            event.probabilities = try probabilities()
            event.tokenTimings = try optional { reader throws(FieldError) in
                TokenTimings(slot: try reader.int(), timings: try reader.timings())
            }
            return event
        case 4:
            var event = EngineEvent(handle, .finished(try completion(), text: try slice()))
            event.probabilities = try probabilities()
            return event
        case 5: return EngineEvent(handle, .failed(try error()))
        case 6:
            let number = CommandNumber(rawValue: try unsigned())
            return EngineEvent(handle, .controlled(number, try outcome()))
        case 7:
            var event = EngineEvent(handle, .promptLogprobs(first: try int()))
            event.probabilities = try probabilities()
            return event
        default: throw .invalid("event")
        }
    }

    private mutating func probabilities() throws(FieldError) -> [TokenProbabilities] {
        try list { reader throws(FieldError) in
            var probabilities = TokenProbabilities(textOffset: try reader.int())
            for _ in 0..<(try reader.count(minimumByteCount: 6)) {
                probabilities.append(id: try reader.int32(), value: try reader.float(), bytes: try reader.slice())
            }
            return probabilities
        }
    }

    private mutating func completion() throws(FieldError) -> GenerationSummary {
        let reason: GenerationSummary.Reason =
            switch try byte() {
            case 0: .endOfGeneration
            case 1: .stopText(try string())
            case 2: .tokenLimit
            case 3: .timeLimit
            case 4: .contextFull
            case 5: .cancelled
            case 6: .indentation
            case 7: .stopped(try optionalString())
            default: throw .invalid("reason to end")
            }
        var completion = GenerationSummary(reason: reason, timings: try timings())
        completion.slot = try optionalInt()
        completion.kvCacheTokens = try int()
        completion.isTruncated = try bool()
        completion.hasLineBreak = try bool()
        return completion
    }

    private mutating func timings() throws(FieldError) -> Timings {
        var timings = Timings()
        timings.promptTokens = try int()
        timings.cachedTokens = try int()
        timings.predictedTokens = try int()
        timings.reasoningTokens = try int()
        timings.queueTime = try duration()
        timings.promptTime = try duration()
        timings.predictedTime = try duration()
        timings.samplingTime = try duration()
        timings.grammarTime = try duration()
        return timings
    }

    private mutating func error() throws(FieldError) -> EngineError {
        let codes: [EngineError.Code] = [
            .invalidRequest, .contextExceeded, .overloaded, .generationFailed, .loadFailed, .engineLost, .shuttingDown,
            .abandoned,
        ]
        return EngineError(
            try element(of: codes, "error code"), try string(), parameter: try optionalString(),
            promptTokens: try optionalInt(), contextSize: try optionalInt())
    }

    // MARK: Control

    private mutating func outcome() throws(FieldError) -> ControlResult {
        switch try byte() {
        case 0:
            let token = try int()
            return .applied(try effect(), token: token)
        case 1: return .refused(try refusal())
        case 2: return .status(try report())
        default: throw .invalid("outcome")
        }
    }

    private mutating func effect() throws(FieldError) -> AppliedCommand {
        switch try byte() {
        case 0: .reasoningEnded(tokens: try int())
        case 1: .stopped(reason: try optionalString())
        case 2: .paused
        case 3: .resumed
        case 4: .changed(try settingsChange(), old: try settings())
        case 5: .injected(opensTurn: try bool(), tokens: try int())
        case 6: .rewound
        case 7:
            .forked(try list { reader throws(FieldError) in GenerationHandle(rawValue: try reader.unsigned()) })
        default: throw .invalid("effect")
        }
    }

    private mutating func refusal() throws(FieldError) -> ControlRefusal {
        switch try byte() {
        case 0: .notReasoning
        case 1: .reasoningAlreadyEnded
        case 2: .noReasoningDelimiters
        // A paused generation without a sequence refused some commands with 14.
        case 3, 14: .notStarted
        case 4: .notPaused
        case 5: .alreadyPaused
        case 6: .contextFull(tokens: try int())
        case 7: .tooManyInjections(limit: try int())
        case 8: .beyondEnd(tokens: try int())
        case 9: .textNotFound
        case 10: .noFreeSequence(idle: try int())
        case 11: .invalid(try string())
        case 12: .truncated
        case 13: .constrained
        default: throw .invalid("refusal")
        }
    }

    private mutating func report() throws(FieldError) -> GenerationReport {
        var report = GenerationReport()
        report.phase = try element(of: [.queued, .prompt, .reasoning, .content], "phase of a generation")
        report.isPaused = try bool()
        report.position = try optionalInt()
        report.promptTokens = try int()
        report.promptTokensProcessed = try int()
        report.cachedTokens = try int()
        report.predictedTokens = try int()
        report.reasoningTokens = try int()
        report.reasoningBudget = try optionalInt()
        report.kvCacheTokens = try int()
        report.swappedOutTokens = try int()
        report.predictedTime = try duration()
        return report
    }
}
