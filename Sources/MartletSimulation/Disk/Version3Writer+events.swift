import MartletProtocol

/// Events of generations, as far as simulated workers make them.
extension Version3Writer {
    /// - Returns: `false` = version 3 could not express the event.
    mutating func add(_ event: EngineEvent) -> Bool {
        guard event.probabilities.isEmpty else { return false }
        add(unsigned: event.handle.rawValue)
        switch event.kind {
        case .admitted(let tokens):
            add(UInt8(0))
            add(tokens)
        case .started(let slot, let tokens):
            add(UInt8(1))
            add(slot)
            add(tokens)
        case .promptProgress(let progress):
            guard progress.queuePosition == nil else { return false }
            add(UInt8(2))
            add(progress.total)
            add(progress.cached)
            add(progress.processed)
            add(progress.elapsed)
            add(progress.slot)
        case .token(let id, let text):
            add(UInt8(3))
            add(id)
            add(text)
            add(unsigned: 0)
            add(event.tokenTimings) { writer, details in
                writer.add(details.slot)
                writer.add(details.timings)
            }
        case .finished(let summary, let text):
            add(UInt8(4))
            add(summary)
            add(text)
            add(unsigned: 0)
        case .failed(let error):
            add(UInt8(5))
            return add(error)
        case .controlled(let number, let result):
            add(UInt8(6))
            add(unsigned: number.rawValue)
            return add(result)
        case .promptLogprobs: return false
        }
        return true
    }

    private mutating func add(_ timings: Timings) {
        add(timings.promptTokens)
        add(timings.cachedTokens)
        add(timings.predictedTokens)
        add(timings.reasoningTokens)
        add(timings.queueTime)
        add(timings.promptTime)
        add(timings.predictedTime)
        add(timings.samplingTime)
        add(timings.grammarTime)
    }

    private mutating func add(_ summary: GenerationSummary) {
        switch summary.reason {
        case .endOfGeneration: add(UInt8(0))
        case .stopText(let text):
            add(UInt8(1))
            add(text)
        case .tokenLimit: add(UInt8(2))
        case .timeLimit: add(UInt8(3))
        case .contextFull: add(UInt8(4))
        case .cancelled: add(UInt8(5))
        case .indentation: add(UInt8(6))
        case .stopped(let reason):
            add(UInt8(7))
            add(reason)
        }
        add(summary.timings)
        add(summary.slot)
        add(summary.kvCacheTokens)
        add(summary.isTruncated)
        add(summary.hasLineBreak)
    }

    private mutating func add(_ error: EngineError) -> Bool {
        let codes: [EngineError.Code] = [
            .invalidRequest, .contextExceeded, .overloaded, .generationFailed, .loadFailed, .engineLost, .shuttingDown,
            .abandoned,
        ]
        guard add(error.code, of: codes) else { return false }
        add(error.message)
        add(error.parameter)
        add(error.promptTokens)
        add(error.contextSize)
        return true
    }

    // MARK: Control

    private mutating func add(_ result: ControlResult) -> Bool {
        switch result {
        case .applied(let command, let token):
            add(UInt8(0))
            add(token)
            return add(command)
        case .refused(let refusal):
            add(UInt8(1))
            return add(refusal)
        case .status(let report):
            add(UInt8(2))
            return add(report)
        }
    }

    private mutating func add(_ report: GenerationReport) -> Bool {
        guard add(report.phase, of: [.queued, .prompt, .reasoning, .content]) else { return false }
        add(report.isPaused)
        add(report.position)
        add(report.promptTokens)
        add(report.promptTokensProcessed)
        add(report.cachedTokens)
        add(report.predictedTokens)
        add(report.reasoningTokens)
        add(report.reasoningBudget)
        add(report.kvCacheTokens)
        add(report.swappedOutTokens)
        add(report.predictedTime)
        return true
    }

    private mutating func add(_ command: AppliedCommand) -> Bool {
        switch command {
        case .reasoningEnded(let tokens):
            add(UInt8(0))
            add(tokens)
        case .stopped(let reason):
            add(UInt8(1))
            add(reason)
        case .paused: add(UInt8(2))
        case .resumed: add(UInt8(3))
        case .changed(let change, let old):
            add(UInt8(4))
            return add(change) && add(old)
        case .injected(let opensTurn, let tokens):
            add(UInt8(5))
            add(opensTurn)
            add(tokens)
        case .rewound: add(UInt8(6))
        case .forked(let handles):
            add(UInt8(7))
            add(handles) { $0.add(unsigned: $1.rawValue) }
        }
        return true
    }

    private mutating func add(_ refusal: ControlRefusal) -> Bool {
        switch refusal {
        case .notReasoning: add(UInt8(0))
        case .reasoningAlreadyEnded: add(UInt8(1))
        case .notStarted: add(UInt8(3))
        case .notPaused: add(UInt8(4))
        case .alreadyPaused: add(UInt8(5))
        case .beyondEnd(let tokens):
            add(UInt8(8))
            add(tokens)
        case .textNotFound: add(UInt8(9))
        case .noFreeSequence(let idle):
            add(UInt8(10))
            add(idle)
        default: return false
        }
        return true
    }

    private mutating func add(_ change: SettingsChange) -> Bool {
        add(change.keys) { $0.add($1.rawValue) }
        return change.keys.isEmpty || add(change.values)
    }
}
