import MartletProtocol

/// Ends reasoning at the next end of a character. The result is emitted before the forced tokens.
struct EndReasoningCommand: EngineCommand {
    static let requirement = CommandRequirement.begunSequence

    /// The tokens before the closing delimiter; `nil` = the message of the request.
    let message: Result<[Int32], EngineError>?

    func validate(_ target: CommandTarget, in engine: EngineCore) throws(ControlRefusal) -> [Int32]? {
        guard let reasoning = target.sequence.reasoning else { throw .noReasoningDelimiters }
        switch reasoning.phase {
        case .notBegun: throw .notReasoning
        case .content: throw .reasoningAlreadyEnded
        case .reasoning: break
        }
        return try ControlRefusal.wrapping { () throws(EngineError) -> [Int32]? in try message?.get() }
    }

    func apply(_ tokens: [Int32]?, to target: CommandTarget, in engine: EngineCore) {
        target.sequence.pendingCommands.reasoningEnds.append(.init(number: target.number, message: tokens))
        engine.applyDueCommands(target.sequence)
    }
}
