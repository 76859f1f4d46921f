import MartletProtocol

/// A control command to one generation, as the edge sent it.
struct ControlCommand: Sendable {
    let handle: GenerationHandle
    let number: CommandNumber
    let action: ControlAction

    /// The text that the command puts into the output; `nil` if there is none.
    var text: Prompt? {
        switch action {
        case .endReasoning(let message): message.map { .message($0) }
        case .inject(let injection): injection.content
        case .stop, .pause, .resume, .set, .rewind, .fork, .status: nil
        }
    }

    /// The grammar that the command sets; `nil` if there is none.
    var constraint: GenerationConstraint? {
        guard case .set(let change) = action, change.keys.contains(.constraint) else { return nil }
        return change.values.constraint
    }

    /// Whether the input processor must work on the command before the engine thread applies it.
    var needsPreparation: Bool { text != nil || constraint != nil }
}

/// A control command whose text is tokenized, ready for the engine thread.
///
/// The engine thread does not tokenize it, because a long text would delay every sequence. Only the texts of logit
/// biases are tokenized there, when a command makes a new sampler.
struct PreparedCommand: Sendable {
    let command: ControlCommand
    /// The tokens of `command.text`, or why it has none. The error becomes a refusal where the command is applied, so
    /// that the order of checks does not depend on the thread. `nil` = the command has no text.
    let tokens: Result<[Int32], EngineError>?
}

extension Prompt {
    /// Text of a client, in which control tokens are not recognised.
    static func message(_ text: String) -> Prompt {
        Prompt(pieces: [.text(text, isTrusted: false)], addsBeginning: false)
    }
}
