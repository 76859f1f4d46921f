import MartletProtocol

/// What a generation is to do at a later token. Used by the engine's thread alone.
struct PendingCommands {
    /// More are refused: each holds the turn open once.
    static let injectionLimit = 16

    struct ReasoningEnd {
        var number: CommandNumber
        /// Forced before the closing tokens; `nil` = as the request says.
        var message: [Int32]?
    }

    struct PendingInjection {
        var number: CommandNumber
        var tokens: [Int32]
        var moment: Injection.Moment
        var opensTurn: Bool
    }

    /// Came while it had no sequence, which it had before.
    var waiting: [(number: CommandNumber, action: ControlAction)] = []
    /// Wait for the end of a character. The first is obeyed, the others are too late.
    var reasoningEnds: [ReasoningEnd] = []
    /// In the order they came.
    var injections: [PendingInjection] = []

    var isEmpty: Bool { reasoningEnds.isEmpty && injections.isEmpty }
}
