/// Names one command to a running generation. Unique for the life of the side that gives it.
package struct CommandNumber: RawRepresentable, Hashable, Sendable {
    package var rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// A control command to a running generation.
package enum ControlAction: Sendable, Equatable {
    /// Ends the thinking at the next end of a character: the message and the closing tokens are forced, and the answer
    /// follows. Without a message the one of the request's rule is used.
    case endReasoning(message: String?)
    /// Ends the generation as if the model had ended its turn. What was written stays.
    case stop(reason: String?)
    /// Leaves the generation out of the decodes; it goes on with `resume` as if nothing had been.
    case pause
    case resume
    /// Holds for the next token and all later ones.
    case set(SettingsChange)
    case inject(Injection)
    /// Forgets the answer's end, and goes on from there.
    case rewind(RewindTarget)
    /// New generations that begin with everything that this one has, and then go their own way.
    case fork([ForkedGeneration])
    /// Asks what it does, and changes nothing.
    case status
}

/// Text that enters a running answer.
package struct Injection: Sendable, Equatable {
    package enum Moment: UInt8, Sendable, CaseIterable {
        /// At the next end of a character.
        case now = 0
        /// Before the token that begins the next sentence.
        case sentenceEnd = 1
        /// As soon as the model does not think.
        case afterReasoning = 2
    }
    package var content: Prompt
    /// The end of the turn counts as every moment: an injection that was accepted is never lost.
    package var moment: Moment
    /// Whether `content` closes the turn and opens a new one. Then it is no part of the answer's text, thinking that is
    /// open is closed before it, and the model thinks anew behind it.
    package var opensTurn: Bool

    package init(content: Prompt, moment: Moment, opensTurn: Bool) {
        self.content = content
        self.moment = moment
        self.opensTurn = opensTurn
    }
}

/// Where an answer is cut off.
package enum RewindTarget: Sendable, Equatable {
    /// Behind so many tokens of the answer.
    case token(Int)
    /// Behind the last place where the tokens' text reads so; a token that reaches beyond it goes too.
    case text(String)
}

/// A generation that a fork makes.
package struct ForkedGeneration: Sendable, Equatable {
    package var handle: GenerationHandle
    package var changes: SettingsChange

    package init(handle: GenerationHandle, changes: SettingsChange) {
        self.handle = handle
        self.changes = changes
    }
}
