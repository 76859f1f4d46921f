import MartletText

extension ChatSession {
    /// An action of the terminal, in order.
    enum Effect: Sendable, Equatable {
        case show(ChatTranscript.Entry)
        /// Starts a response to the conversation, or follows the fork with this id.
        case stream(fork: String?)
        case send(ChatControl, to: String)
        /// Closes the connection of the response.
        case cancel
        /// Stops these generations on the server.
        case stop([String])
        /// Checks and selects a model; `nil` lists the models.
        case model(String?)
        /// Puts a message back on the input line.
        case fill(String)
        /// Stores the conversation after a change.
        case persist
        /// Later changes are stored as another conversation.
        case separate
        /// Stores the conversation; `nil` = under its present name.
        case save(String?)
        case load(String?)
        case list
        /// Shows the help, whose lines depend on the width of the terminal.
        case help
        case quit
    }

    /// A response that is not complete.
    struct Response: Sendable {
        /// `nil` before the first event, and for servers without control commands.
        var id: String?
        var hasBegun = false
        /// Its content so far.
        var text = ""
        var hasOutput = false
        /// Commands that were entered before the first event.
        var waiting: [ChatControl] = []
        /// Messages of `/say` that have not taken effect, in the order of entry.
        var pendingMessages: [String] = []
        var isPaused = false
        /// The words about the load of the model that the response waits for.
        var loading: String?
        var reading: PromptReading?
        var speed: ResponseSpeed?
        /// The parts of the request that have no effect.
        var warnings: [String] = []
        /// The messages before the response.
        var base: [Conversation.Message] = []
        /// The parts of the response that are complete, and the messages that were injected behind them.
        var turns: [Conversation.Message] = []
        var isFork = false
        var isStopped = false

        /// The messages before the response, and those of the response so far.
        var messages: [Conversation.Message] {
            var conversation = Conversation(messages: base + turns)
            conversation.appendAssistant(text)
            return conversation.messages
        }

        /// The text so far is complete, and a message was injected behind it.
        mutating func endPart(with message: String) {
            var part = Conversation(messages: turns)
            part.appendAssistant(text)
            part.appendUser(message)
            turns = part.messages
            text = ""
        }

        /// Removes the content behind the first `count` bytes of all parts, with the messages that were injected there.
        mutating func rewind(toContentBytes count: Int) {
            func size(_ messages: [Conversation.Message]) -> Int {
                messages.reduce(0) { $0 + ($1.role == "assistant" ? $1.content.utf8.count : 0) }
            }
            while size(turns) > count, let last = turns.popLast() {
                text = last.role == "assistant" ? last.content : ""
            }
            text = String(text.beginning(bytes: count - size(turns)))
        }

        /// Whether the model has written no content.
        var isUnanswered: Bool { turns.isEmpty && text.isEmpty }

        /// Removes the messages that have not taken effect: those of `/say`, sent or not, in the order of entry.
        mutating func removeMessages() -> [String] {
            let unsent = waiting.compactMap { control in if case .say(let text) = control { text } else { nil } }
            waiting.removeAll { if case .say = $0 { true } else { false } }
            defer { pendingMessages = [] }
            return pendingMessages + unsent
        }
    }
}
