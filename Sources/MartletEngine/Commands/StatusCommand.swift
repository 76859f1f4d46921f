import MartletProtocol

/// Reports the state of a generation, and changes nothing.
struct StatusCommand: EngineCommand {
    static let requirement = CommandRequirement.none

    func apply(_ plan: Void, to target: CommandTarget, in engine: EngineCore) {
        engine.output.add(target.handle, .controlled(target.number, .status(report(target, engine))))
    }

    private func report(_ target: CommandTarget, _ engine: EngineCore) -> GenerationReport {
        let sequence = target.sequence
        var report = GenerationReport()
        report.isPaused = sequence.isPaused
        report.promptTokens = sequence.promptCount
        report.cachedTokens = sequence.cachedTokens
        report.predictedTokens = sequence.knownCount
        report.reasoningTokens = sequence.reasoning?.tokenCount ?? 0
        report.reasoningBudget = sequence.settings.reasoningBudget
        report.predictedTime = sequence.timings(now: .now).predictedTime
        switch target.location {
        case .queue:
            report.position = engine.scheduler.waiting.order(at: .now).firstIndex(of: target.handle.rawValue) ?? 0
            report.swappedOutTokens = engine.kvCache.savedStates.tokenCount(of: target.handle)
        case .swappedOut: report.swappedOutTokens = engine.kvCache.savedStates.tokenCount(of: target.handle)
        case .running(let entry):
            let count = engine.kvCache[entry].count
            report.kvCacheTokens = count
            report.promptTokensProcessed = min(count, sequence.promptCount)
            report.phase = .prompt
        }
        if sequence.predictedCount > 0 {
            report.phase = sequence.reasoning?.phase == .reasoning ? .reasoning : .content
        }
        return report
    }
}
