import MartletProtocol

/// Ends a generation as if the model had ended its turn. The output so far stays.
struct StopCommand: EngineCommand {
    static let requirement = CommandRequirement.none

    /// The reason that the client gave; part of the result and of the terminal event.
    let reason: String?

    func apply(_ plan: Void, to target: CommandTarget, in engine: EngineCore) {
        engine.reportApplied(.stopped(reason: reason), to: target)
        engine.end(target.handle, .stopped(reason))
    }
}
