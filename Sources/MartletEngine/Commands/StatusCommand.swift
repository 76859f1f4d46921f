import MartletProtocol

/// Reports the state of a generation, and changes nothing.
struct StatusCommand: EngineCommand {
    static let requirement = CommandRequirement.none

    func apply(_ plan: Void, to target: CommandTarget, in loop: EngineLoop) {
        loop.output.add(target.handle, .controlled(target.number, .status(report(target, loop))))
    }

    private func report(_ target: CommandTarget, _ loop: EngineLoop) -> GenerationReport {
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
        case .queue(let position):
            report.position = position
            report.swappedOutTokens = loop.stateCache.tokenCount(of: target.handle)
        case .swappedOut: report.swappedOutTokens = loop.stateCache.tokenCount(of: target.handle)
        case .slot(let index):
            let slot = loop.slots[index]
            report.kvCacheTokens = slot.cachedTokenCount
            report.promptTokensProcessed = min(slot.cachedTokenCount, sequence.promptCount)
            report.phase = .prompt
        }
        if sequence.predictedCount > 0 {
            report.phase = sequence.reasoning?.phase == .reasoning ? .reasoning : .answering
        }
        return report
    }
}
