import MartletProtocol

/// The commands of a sequence that take effect at a later token. Thread: the engine thread only.
struct PendingCommands {
    /// The largest number of pending injections. Each of them can keep the model's turn open once.
    static let injectionLimit = 16

    /// A command that ends reasoning and waits for the end of a character.
    struct ReasoningEnd {
        var number: CommandNumber
        /// The tokens before the closing delimiter; `nil` = the message of the request.
        var message: [Int32]?
    }

    /// An injection that waits for its moment: the next token, the end of a sentence, or the end of the turn.
    struct PendingInjection {
        var number: CommandNumber
        var tokens: [Int32]
        var moment: Injection.Moment
        var opensTurn: Bool
    }

    /// Commands that arrived while the sequence had no slot, or while tokens of an earlier run were still to be sampled
    /// again.
    var waiting: [PreparedCommand] = []
    /// Commands that end reasoning. The first takes effect; the others come too late and have no effect.
    var reasoningEnds: [ReasoningEnd] = []
    /// Injections in order of arrival.
    var injections: [PendingInjection] = []

    var isEmpty: Bool { reasoningEnds.isEmpty && injections.isEmpty }
}
