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

    /// The changes of settings: of the generation itself, or of each fork in its order.
    var changes: [SettingsChange] {
        switch action {
        case .set(let change): [change]
        case .fork(let forks): forks.map(\.changes)
        case .endReasoning, .inject, .stop, .pause, .resume, .rewind, .status: []
        }
    }

    /// Whether the input processor must work on the command before the engine thread applies it.
    var needsPreparation: Bool { text != nil || constraint != nil || changes.contains(where: \.hasSamplingTexts) }
}

/// A control command whose texts are tokenized, ready for the engine thread.
///
/// The engine thread tokenizes no text, because a long text would delay every sequence.
struct PreparedCommand: Sendable {
    let command: ControlCommand
    /// The tokens of `command.text`, or why it has none. The error becomes a refusal where the command is applied, so
    /// that the order of checks does not depend on the thread. `nil` = the command has no text.
    let tokens: Result<[Int32], EngineError>?
    /// The tokens of the texts in `command.changes`, one element for each change, or why there are none.
    let changes: Result<[ResolvedChange], EngineError>

    init(command: ControlCommand, tokens: Result<[Int32], EngineError>?, changes: Result<[ResolvedChange], EngineError>)
    {
        self.command = command
        self.tokens = tokens
        self.changes = changes
    }

    /// Makes a command that needs no preparation.
    init(_ command: ControlCommand) {
        self.init(command: command, tokens: nil, changes: .success(command.changes.map { _ in ResolvedChange() }))
    }

    /// Makes a command whose preparation has failed: its refusal says why.
    init(_ command: ControlCommand, failed error: EngineError) {
        self.init(command: command, tokens: .failure(error), changes: .failure(error))
    }
}

extension Prompt {
    /// Text of a client, in which control tokens are not recognised.
    static func message(_ text: String) -> Prompt {
        Prompt(pieces: [.text(text, isTrusted: false)], addsBeginning: false)
    }
}
