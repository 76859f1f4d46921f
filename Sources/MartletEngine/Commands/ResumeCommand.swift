import MartletProtocol

/// Lets a paused sequence continue. If it was swapped out, it is the first in the queue for a slot.
struct ResumeCommand: EngineCommand {
    static let requirement = CommandRequirement.none

    func validate(_ target: CommandTarget, in engine: EngineCore) throws(ControlRefusal) {
        guard target.sequence.isPaused else { throw .notPaused }
    }

    func apply(_ plan: Void, to target: CommandTarget, in engine: EngineCore) {
        target.sequence.resume(at: .now)
        if case .swappedOut(let index) = target.location {
            engine.requeue(engine.scheduler.paused.remove(at: index))
        }
        engine.reportApplied(.resumed, to: target)
    }
}
