import MartletJSON
import OrderedCollections

/// The rules of a chat at a terminal: which command is possible when, and what a response becomes. Pure: accepts lines,
/// keys and events, returns effects.
///
/// Example: `enter("hello")` returns `.show(.message("hello"))` and `.stream(fork: nil)`. `enter("/pause")` before the first
/// event is retained, and `receive(.began(id:))` returns `.send(.pause, to: id)`.
///
/// States: *idle* (no response), *waiting* (a request was sent; its id is unknown), *running* (the id is known).
/// Invariants: a message is never lost: it is part of the conversation, in the queue, or back on the input line. A queued
/// message is sent when its response has ended.
struct ChatSession: Sendable {
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
        var reading: PromptReading?
        var speed: ResponseSpeed?
        var isFork = false
        var isStopped = false
    }

    /// All messages so far, with model and settings.
    var conversation: Conversation
    /// `nil` = idle.
    private(set) var response: Response?
    /// Messages that are sent after the response, in the order of entry.
    private var queue: [String] = []
    /// The ids of forks, which are shown after the response.
    private var forks: [String] = []
    /// The versions of the last response; empty if it was not forked.
    private var versions: [[Conversation.Message]] = []
    /// Whether the last key was Ctrl-C on an empty line.
    private var wasInterrupted = false

    /// An idle chat.
    init(conversation: Conversation) { self.conversation = conversation }

    /// A dim line about the running response; `nil` = none.
    var status: String? {
        guard let response else { return nil }
        var parts: [String] = []
        if response.isPaused {
            parts.append("paused; /resume continues")
        } else if !response.hasOutput {
            parts.append(response.reading?.text ?? "waiting for the response")
        }
        if !response.waiting.isEmpty { parts.append("commands wait for the first event") }
        if !queue.isEmpty { parts.append(queue.count == 1 ? "1 message waits" : "\(queue.count) messages wait") }
        return parts.isEmpty ? nil : parts.joined(separator: "; ")
    }

    /// Another key than Ctrl-C was pressed.
    mutating func noteKey() { wasInterrupted = false }

    // MARK: Lines and keys

    /// Executes an entered line.
    mutating func enter(_ line: String) -> [Effect] {
        let input = ChatInput(line: line)
        switch input {
        case .nothing: return []
        case .quit: return stopEffects + [.quit]
        case .help: return [.show(.line(ChatInput.helpText))]
        case .invalid(let message): return [.show(.error(message))]
        case .unknownCommand(let command, let nearest):
            let advice = nearest.map { "did you mean \($0)?" } ?? "/help lists all"
            return [.show(.error("unknown command \(command); \(advice)"))]
        case .message(let text):
            guard response != nil else { return begin(with: text) }
            queue.append(text)
            return []
        case .control(let control): return response == nil ? applyWhenIdle(control) : send(control)
        default:
            guard response == nil else {
                let command = line.split(whereSeparator: \.isWhitespace).first ?? ""
                return [.show(.error("\(command) must wait for the end of the response; Ctrl-C stops it"))]
            }
            return executeWhenIdle(input)
        }
    }

    /// Esc: ends the reasoning of a running response.
    mutating func escape() -> [Effect] { response == nil ? [] : send(.skip) }

    /// Ctrl-C: stops the response; on an empty line leaves at the second time.
    mutating func interrupt(lineWasEmpty: Bool) -> [Effect] {
        if response != nil {
            response?.isStopped = true
            let waiting = (response?.pendingMessages ?? []) + queue
            response?.pendingMessages = []
            queue = []
            return stopEffects + (waiting.isEmpty ? [] : [.fill(waiting.joined(separator: "\n"))])
        }
        guard lineWasEmpty else { return [] }
        if wasInterrupted { return [.quit] }
        wasInterrupted = true
        return [.show(.remark("Ctrl-D or /quit leaves; so does another Ctrl-C"))]
    }

    /// The effects that end the response and its forks.
    private var stopEffects: [Effect] {
        guard let response else { return [] }
        return [.cancel, .stop([response.id].compactMap { $0 } + forks)]
    }

    /// Sends a message to the model.
    private mutating func begin(with text: String) -> [Effect] {
        conversation.appendUser(text)
        versions = []
        response = Response()
        return [.show(.message(text)), .stream(fork: nil)]
    }

    // MARK: Between responses

    /// A command that needs no running response.
    private mutating func executeWhenIdle(_ input: ChatInput) -> [Effect] {
        switch input {
        case .retry:
            guard let message = conversation.retry() else { return [.show(.error("/retry needs a message"))] }
            versions = []
            response = Response()
            return [.show(.message(message)), .stream(fork: nil)]
        case .new:
            conversation.clear()
            versions = []
            return [.show(.line("A new conversation.")), .separate]
        case .system(let text):
            conversation.system = text
            return [.show(.line(text == nil ? "No system message." : "System message set."))]
        case .settings:
            let lines = conversation.settings.map { "\($0.key) = \($0.value.text)" }
            return [
                .show(.line(lines.isEmpty ? "All settings have the server's defaults." : lines.joined(separator: "\n")))
            ]
        case .keep(let number): return selectVersion(number)
        case .model(let name): return [.model(name)]
        case .save(let name): return [.save(name)]
        case .load(let name): return [.load(name)]
        case .list: return [.list]
        default: return []
        }
    }

    /// The commands of running responses that also make sense between them.
    private mutating func applyWhenIdle(_ control: ChatControl) -> [Effect] {
        switch control {
        case .temperature(let value): return set("temperature", .number(value))
        case .set(let name, let value): return set(name, value)
        // The response ended while the line was written.
        case .say(let text): return begin(with: text)
        case .rewind(let text):
            guard conversation.rewind(to: text) else {
                return [
                    .show(.error(text.map { "the last response does not contain \($0)" } ?? "there is no response"))
                ]
            }
            let rest = conversation.messages.last.map { $0.role == "assistant" ? $0.content : "" } ?? ""
            let shown: [Effect] = rest.isEmpty ? [] : [.show(.content(rest)), .show(.responseEnded)]
            return [.show(.remark("back"))] + shown + [.persist]
        case .skip, .pause, .resume, .fork: return [.show(.error("there is no running response"))]
        }
    }

    private mutating func set(_ name: String, _ value: JSONValue?) -> [Effect] {
        conversation.settings[name] = value
        return [.show(.line(value.map { "\(name) = \($0.text)" } ?? "\(name) has the server's default."))]
    }

    private mutating func selectVersion(_ number: Int) -> [Effect] {
        guard versions.count > 1 else { return [.show(.error("/keep needs a forked response"))] }
        guard (1...versions.count).contains(number) else {
            return [.show(.error("/keep must be from 1 to \(versions.count), not \(number)"))]
        }
        conversation.replace(with: versions[number - 1])
        return [.show(.line("The conversation continues with version \(number).")), .persist]
    }

    // MARK: During a response

    /// Sends a control command, or retains it until the id is known.
    private mutating func send(_ control: ChatControl) -> [Effect] {
        guard var response else { return [] }
        defer { self.response = response }
        guard response.hasBegun else {
            response.waiting.append(control)
            return []
        }
        guard let id = response.id else { return [.show(.error("this server has no control commands"))] }
        if case .say(let text) = control { response.pendingMessages.append(text) }
        return [.send(control, to: id)]
    }

    /// Applies an event of the stream.
    mutating func receive(_ event: ChatStreamEvent) -> [Effect] {
        guard response != nil else { return [] }
        switch event {
        case .began(let id):
            response?.id = id
            response?.hasBegun = true
            let waiting = response?.waiting ?? []
            response?.waiting = []
            return waiting.flatMap { send($0) }
        case .progress(let reading): response?.reading = reading
        case .ended(let speed): response?.speed = speed
        case .finished: break
        case .content(let text):
            response?.text += text
            response?.hasOutput = true
            return [.show(.content(text))]
        case .reasoning(let text):
            response?.hasOutput = true
            return [.show(.reasoning(text))]
        case .failed(let message): return [.show(.error(message))]
        case .controlApplied(let action, let contentBytes): return apply(action, contentBytes)
        }
        return []
    }

    /// The effect of a control command at its place in the output.
    private mutating func apply(_ action: String, _ contentBytes: Int?) -> [Effect] {
        switch (action, contentBytes) {
        case ("rewind", let count?):
            let text = String(decoding: (response?.text ?? "").utf8.prefix(count), as: UTF8.self)
            response?.text = text
            return [.show(.remark("back"))] + (text.isEmpty ? [] : [.show(.content(text))])
        case ("inject", _):
            guard let message = response?.pendingMessages.first else { return [] }
            response?.pendingMessages.removeFirst()
            conversation.appendAssistant(response?.text ?? "")
            conversation.appendUser(message)
            response?.text = ""
            return [.show(.message(message))]
        case ("pause", _): response?.isPaused = true
        case ("resume", _): response?.isPaused = false
        default: break
        }
        return []
    }

    /// The server's reply to a control command.
    mutating func controlEnded(_ control: ChatControl, _ result: Result<JSONValue, ChatClient.Failure>) -> [Effect] {
        switch (control, result) {
        case (.say(let text), .failure):
            // The message may be in the queue already, if the response has ended.
            guard let index = response?.pendingMessages.firstIndex(of: text) else { return [] }
            response?.pendingMessages.remove(at: index)
            queue.append(text)
            return []
        case (_, .failure(let failure)): return response == nil ? [] : [.show(.error(failure.description))]
        case (.fork, .success(let reply)):
            forks += reply["ids"]?.arrayValue?.compactMap { $0.stringValue } ?? []
            return [.show(.remark("forked"))]
        case (.pause, _): response?.isPaused = true
        case (.resume, _): response?.isPaused = false
        case (.temperature(let value), _): return [.show(.remark("temperature \(value)"))]
        case (.set(let name, let value), _): return [.show(.remark("\(name) \(value?.text ?? "default")"))]
        case (.skip, _), (.say, _), (.rewind, _): break
        }
        return []
    }

    /// The stream has ended.
    /// - Parameter failure: The error of the connection or of the request; `nil` = none.
    mutating func streamEnded(_ failure: String?) -> [Effect] {
        guard let response else { return [] }
        self.response = nil
        var effects: [Effect] = []
        if response.isStopped {
            effects.append(.show(.remark("stopped")))
        } else if let failure {
            effects.append(.show(.error(failure)))
        } else if let speed = response.speed {
            effects.append(.show(.remark(speed.text)))
        }
        effects.append(.show(.responseEnded))
        let base = conversation.messages
        if response.isFork {
            versions.append(Self.version(base: versions.first ?? base, text: response.text))
        } else {
            conversation.appendAssistant(response.text)
            if response.text.isEmpty, let message = conversation.removeUnansweredMessage(), !response.isStopped {
                if queue.isEmpty, failure != nil { effects.append(.fill(message)) }
            }
            versions = [conversation.messages]
            effects.append(.persist)
        }
        if response.isStopped {
            forks = []
            return effects
        }
        if !forks.isEmpty { return effects + followFork(number: versions.count + 1) }
        if versions.count > 1 {
            effects.append(.show(.remark("version 1 goes on; /keep \(versions.count) continues with the other one")))
        }
        queue = response.pendingMessages + queue
        guard !queue.isEmpty else { return effects }
        return effects + begin(with: queue.removeFirst())
    }

    private mutating func followFork(number: Int) -> [Effect] {
        let id = forks.removeFirst()
        response = Response(id: id, hasBegun: true, isFork: true)
        return [.show(.remark("version \(number)")), .stream(fork: id)]
    }

    /// The messages up to the last one of the person, with another reply.
    private static func version(base: [Conversation.Message], text: String) -> [Conversation.Message] {
        var conversation = Conversation(messages: base.last?.role == "assistant" ? Array(base.dropLast()) : base)
        conversation.appendAssistant(text)
        return conversation.messages
    }

    // MARK: Stored conversations

    /// Continues a stored conversation and shows its last turn.
    mutating func adopt(_ stored: Conversation) -> [Effect] {
        let settings = conversation.settings
        conversation = stored
        conversation.settings = settings
        versions = []
        let last = stored.messages.suffix(2)
        return last.flatMap { message -> [Effect] in
            message.role == "user"
                ? [.show(.message(message.content))] : [.show(.content(message.content)), .show(.responseEnded)]
        }
    }
}
