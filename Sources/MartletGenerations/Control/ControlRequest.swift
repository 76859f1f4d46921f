package import MartletProtocol

/// A control command to a running generation, validated.
package struct ControlRequest: Sendable, Equatable {
    /// The effect of the command.
    package enum Action: Sendable, Equatable {
        /// Closes the model's reasoning, behind `message` if there is one.
        case endReasoning(message: String?)
        /// Ends the generation. `reason` is part of the log.
        case stop(reason: String?)
        case pause
        case resume
        /// Changes settings from the next token on.
        case set(SettingsChange)
        case inject(ControlInjection)
        /// Removes the tokens behind the target.
        case rewind(RewindTarget)
        /// Makes one new generation per entry, each with its changes.
        case fork([SettingsChange])
        /// Changes nothing; the result is a report.
        case status
    }
    package var action: Action

    /// Makes a command from an action whose values are validated already.
    package init(action: Action) { self.action = action }
}

/// Text that a client injects into a running output.
package struct ControlInjection: Sendable, Equatable {
    /// The role of a new turn; nil if the text continues the running turn as it is.
    package var role: String?
    package var content: String
    package var moment: Injection.Moment

    /// Makes an injection from validated values: `content` is not empty, and `role` is not the assistant's.
    package init(role: String? = nil, content: String, moment: Injection.Moment) {
        self.role = role
        self.content = content
        self.moment = moment
    }
}
