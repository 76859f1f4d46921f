import MartletProtocol

/// Inserts tokens into the output at the moment that the injection names. The result is emitted before them.
struct InjectCommand: EngineCommand {
    static let requirement = CommandRequirement.begunSequence

    let injection: Injection
    /// The tokens of the injection's content, or why it has none.
    let tokens: Result<[Int32], EngineError>

    func validate(_ target: CommandTarget, in engine: EngineCore) throws(ControlRefusal) -> [Int32] {
        guard target.sequence.matcher == nil else { throw .constrained }
        let tokens = try ControlRefusal.wrapping { () throws(EngineError) -> [Int32] in try self.tokens.get() }
        guard target.sequence.pendingCommands.injections.count < PendingCommands.injectionLimit else {
            throw .tooManyInjections(limit: PendingCommands.injectionLimit)
        }
        return tokens
    }

    func apply(_ tokens: [Int32], to target: CommandTarget, in engine: EngineCore) {
        target.sequence.pendingCommands.injections.append(
            .init(number: target.number, tokens: tokens, moment: injection.moment, opensTurn: injection.opensTurn))
        engine.applyDueCommands(target.sequence)
    }
}
