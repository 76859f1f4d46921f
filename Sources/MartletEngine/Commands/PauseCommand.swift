import MartletProtocol

/// Excludes a sequence from decodes until it is resumed. It retains its slot until another sequence needs it.
struct PauseCommand: EngineCommand {
    static let requirement = CommandRequirement.none

    func validate(_ target: CommandTarget, in engine: EngineCore) throws(ControlRefusal) {
        guard !target.sequence.isPaused else { throw .alreadyPaused }
    }

    func apply(_ plan: Void, to target: CommandTarget, in engine: EngineCore) {
        let sequence = target.sequence
        // Earlier commands that wait for a slot are applied first.
        if case .queue = target.location, !sequence.mustReplay,
            engine.scheduler.waiting.remove(id: target.handle.rawValue) != nil
        {
            engine.scheduler.paused.append(sequence)
            engine.applyWaitingCommands(sequence)
            guard engine.find(target.handle) != nil else { return }
        }
        sequence.pause(at: .now)
        engine.reportApplied(.paused, to: target)
    }
}
