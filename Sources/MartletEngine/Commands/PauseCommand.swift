import MartletProtocol

/// Excludes a sequence from decodes until it is resumed. It retains its slot until another sequence needs it.
struct PauseCommand: EngineCommand {
    static let requirement = CommandRequirement.none

    func validate(_ target: CommandTarget, in loop: EngineLoop) throws(ControlRefusal) {
        guard !target.sequence.isPaused else { throw .alreadyPaused }
    }

    func apply(_ plan: Void, to target: CommandTarget, in loop: EngineLoop) {
        let sequence = target.sequence
        // Earlier commands that wait for a slot are applied first.
        if case .queue = target.location, !sequence.mustReplay,
            loop.queue.remove(id: target.handle.rawValue) != nil
        {
            loop.swappedOut.append(sequence)
            loop.applyWaitingCommands(sequence)
            guard loop.find(target.handle) != nil else { return }
        }
        sequence.pause(at: .now)
        loop.reportApplied(.paused, to: target)
    }
}
