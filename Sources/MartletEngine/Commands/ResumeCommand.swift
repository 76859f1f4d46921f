import MartletProtocol

/// Lets a paused sequence continue. If it was swapped out, it is the first in the queue for a slot.
struct ResumeCommand: EngineCommand {
    static let requirement = CommandRequirement.none

    func validate(_ target: CommandTarget, in loop: EngineLoop) throws(ControlRefusal) {
        guard target.sequence.isPaused else { throw .notPaused }
    }

    func apply(_ plan: Void, to target: CommandTarget, in loop: EngineLoop) {
        target.sequence.resume(at: .now)
        if case .swappedOut(let index) = target.location {
            loop.queue.prepend(loop.swappedOut.remove(at: index), id: target.handle.rawValue)
        }
        loop.reportApplied(.resumed, to: target)
    }
}
