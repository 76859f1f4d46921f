/// Identifies one command to a running generation. Unique for the lifetime of the side that sends it.
package struct CommandNumber: RawRepresentable, Hashable, Sendable {
    package var rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// A control command to a running generation.
package enum ControlAction: Sendable, Equatable {
    /// Ends reasoning at the next end of a character: the message and the closing tokens are forced, and content
    /// follows. `nil` = the message of the request's rule.
    case endReasoning(message: String?)
    /// Ends the generation as if the model had ended its turn. The output so far stays.
    case stop(reason: String?)
    /// Excludes the generation from decodes until `resume`. Its output does not change by that.
    case pause
    case resume
    /// Changes settings, from the next token on.
    case set(SettingsChange)
    case inject(Injection)
    /// Removes the end of the output, and continues from there.
    case rewind(RewindTarget)
    /// Creates generations that begin with all tokens of this one, and then continue separately.
    case fork([ForkedGeneration])
    /// Reports the state of the generation, and changes nothing.
    case status
}

/// Text that is inserted into a running output.
package struct Injection: Sendable, Equatable {
    /// The position at which the text is inserted.
    package enum Moment: UInt8, Sendable, CaseIterable {
        /// At the next end of a character.
        case now = 0
        /// Before the token that begins the next sentence.
        case sentenceEnd = 1
        /// As soon as the model is not in reasoning.
        case afterReasoning = 2
    }
    package var content: Prompt
    /// The end of the turn counts as every moment, so an accepted injection is never lost.
    package var moment: Moment
    /// Whether `content` ends the turn and opens a new one. It is then no part of the output's text, open reasoning is
    /// closed before it, and the model may reason again behind it.
    package var opensTurn: Bool

    package init(content: Prompt, moment: Moment, opensTurn: Bool) {
        self.content = content
        self.moment = moment
        self.opensTurn = opensTurn
    }
}

/// The position at which an output is cut.
package enum RewindTarget: Sendable, Equatable {
    /// Behind so many output tokens.
    case token(Int)
    /// Behind the last occurrence of this text. A token that extends beyond it is removed, too.
    case text(String)
}

/// A generation that a fork creates, and its changes of settings.
package struct ForkedGeneration: Sendable, Equatable {
    package var handle: GenerationHandle
    package var changes: SettingsChange

    package init(handle: GenerationHandle, changes: SettingsChange) {
        self.handle = handle
        self.changes = changes
    }
}
