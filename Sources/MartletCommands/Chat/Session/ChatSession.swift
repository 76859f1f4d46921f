import MartletJSON
import MartletText
import OrderedCollections

/// The rules of a chat at a terminal: which command is possible when, and what a response becomes. Pure: accepts lines,
/// keys and events, returns effects.
///
/// Example: `enter("hello")` returns `.show(.message("hello"))` and `.stream(fork: nil)`. `enter("/pause")` before the first
/// event is retained, and `receive(.began(id:))` returns `.send(.pause, to: id)`.
///
/// States: *idle* (no response), *waiting* (a request was sent; its id is unknown), *running* (the id is known).
/// Invariants: a message is never lost: it is part of the conversation, in the queue, or back on the input line. A queued
/// message is sent when its response has ended, so the queue of an idle chat is empty. Each command has an effect that the
/// person sees: a line, a change of the status, or a place in the output.
struct ChatSession: Sendable {
    /// All messages so far, with model and settings.
    var conversation: Conversation
    /// `nil` = idle.
    private(set) var response: Response?
    /// Messages that are sent after the response, in the order of entry.
    private var queue: [String] = []
    /// The ids of forks, which are shown after the response.
    private var forks: [String] = []
    /// The versions of the last response; the first is part of the conversation.
    private var versions: [[Conversation.Message]] = []
    /// The id of the last response that is no fork, while its versions can be selected.
    private var versionedID: String?
    /// The messages before the last response that is no fork.
    private var versionBase: [Conversation.Message] = []
    /// The warnings of the last response that had other ones than the response before.
    private var lastWarnings: [String] = []
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
            parts.append(response.loading ?? response.reading?.text ?? "waiting for the response")
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
        case .help: return [.help]
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
            let waiting = (response?.removeMessages() ?? []) + queue
            // Commands that wait for the first event have lost their response.
            response?.waiting = []
            queue = []
            defer { forks = [] }
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
        return beginResponse(to: text)
    }

    /// Requests a response to the last message of the conversation.
    private mutating func beginResponse(to text: String) -> [Effect] {
        forgetVersions()
        response = Response(base: conversation.messages)
        return [.show(.message(text)), .stream(fork: nil)]
    }

    /// The versions of an earlier response cannot be selected any more.
    mutating func forgetVersions() {
        versions = []
        versionedID = nil
    }

    // MARK: Between responses

    /// A command that needs no running response.
    private mutating func executeWhenIdle(_ input: ChatInput) -> [Effect] {
        switch input {
        case .retry:
            guard let message = conversation.retry() else { return [.show(.error("/retry needs a message"))] }
            return beginResponse(to: message)
        case .new:
            conversation.clear()
            forgetVersions()
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
        if case .say(let text) = control {
            guard response.id != nil else {
                queue.append(text)
                return [.show(.error("this server has no control commands; the message is sent after the response"))]
            }
            response.pendingMessages.append(text)
        }
        guard let id = response.id else { return [.show(.error("this server has no control commands"))] }
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
        case .loading(let text): response?.loading = text
        case .progress(let reading):
            response?.loading = nil
            response?.reading = reading
        case .ended(let speed): response?.speed = speed
        case .finished: break
        case .warned(let warnings):
            // The settings of a chat are part of each request: the same words again would say nothing.
            guard warnings != lastWarnings else { return [] }
            lastWarnings = warnings
            response?.warnings = warnings
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
            response?.rewind(toContentBytes: max(0, count))
            let text = response?.text ?? ""
            return [.show(.remark("back"))] + (text.isEmpty ? [] : [.show(.content(text))])
        case ("inject", _):
            guard let message = response?.pendingMessages.first else { return [] }
            response?.pendingMessages.removeFirst()
            response?.endPart(with: message)
            return [.show(.message(message))]
        case ("pause", _): response?.isPaused = true
        case ("resume", _): response?.isPaused = false
        default: break
        }
        return []
    }

    /// The server's reply to a control command.
    /// - Parameter id: The generation that the command was sent to. It may have ended since.
    mutating func controlEnded(
        _ control: ChatControl, of id: String, _ result: Result<JSONValue, ChatClient.Failure>
    ) -> [Effect] {
        let isRunning = response?.id == id
        switch (control, result) {
        case (.say(let text), .failure):
            // The message is in the queue already, if the response has ended.
            guard isRunning, let index = response?.pendingMessages.firstIndex(of: text) else { return [] }
            response?.pendingMessages.remove(at: index)
            queue.append(text)
            return []
        case (_, .failure(let failure)): return [.show(.error("\(control.name): \(failure.description)"))]
        case (.fork, .success(let reply)):
            return forked(reply["ids"]?.arrayValue?.compactMap { $0.stringValue } ?? [], of: id)
        case (.pause, _): if isRunning { response?.isPaused = true }
        case (.resume, _): if isRunning { response?.isPaused = false }
        case (.temperature(let value), _): return [.show(.remark("temperature \(value)"))]
        case (.set(let name, let value), _): return [.show(.remark("\(name) \(value?.text ?? "default")"))]
        case (.skip, _), (.say, _), (.rewind, _): break
        }
        return []
    }

    /// Forks exist. They are followed after the response, or at once if it has ended. Forks of a response that was
    /// stopped, or that other messages follow, are stopped.
    private mutating func forked(_ ids: [String], of id: String) -> [Effect] {
        guard !ids.isEmpty else { return [.show(.error("\(ChatControl.fork.name): the server made no fork"))] }
        if let response, response.id == id || response.isFork && versionedID == id, !response.isStopped {
            forks += ids
            return [.show(.remark("forked"))]
        }
        guard response == nil, versionedID == id else {
            return [.show(.remark("the fork is stopped: its response has ended")), .stop(ids)]
        }
        forks += ids
        return [.show(.remark("forked"))] + followFork()
    }

    // MARK: The end of a response

    /// The stream has ended.
    /// - Parameter failure: The error of the connection or of the request; `nil` = none.
    mutating func streamEnded(_ failure: String?) -> [Effect] {
        guard var response else { return [] }
        self.response = nil
        var effects = Self.remarks(on: response, failure) + [.show(.responseEnded)]
        queue = response.removeMessages() + queue
        if !response.waiting.isEmpty, !response.isStopped {
            let names = response.waiting.map(\.name).joined(separator: ", ")
            effects.append(.show(.error("\(names): the response ended before its first event")))
        }
        if response.isFork {
            versions.append(response.messages)
        } else {
            conversation.replace(with: response.messages)
            var returned: [String] = []
            if response.isUnanswered, let message = conversation.removeUnansweredMessage() { returned.append(message) }
            if !returned.isEmpty, failure != nil, !response.isStopped {
                // The next message would fail, too.
                returned += queue
                queue = []
            }
            if !returned.isEmpty { effects.append(.fill(returned.joined(separator: "\n"))) }
            versions = [conversation.messages]
            versionedID = response.id
            versionBase = response.base
            effects.append(.persist)
        }
        if !forks.isEmpty { return effects + followFork() }
        if versions.count > 1, !response.isStopped {
            effects.append(.show(.remark("version 1 goes on; /keep \(versions.count) continues with the other one")))
        }
        guard !queue.isEmpty else { return effects }
        return effects + begin(with: queue.removeFirst())
    }

    /// The words about the end of a response.
    private static func remarks(on response: Response, _ failure: String?) -> [Effect] {
        if response.isStopped { return [.show(.remark("stopped"))] }
        if let failure { return [.show(.error(failure))] }
        let warnings = response.warnings.map { Effect.show(.remark("warning: \($0.excerpt(bytes: 300))")) }
        return warnings + (response.speed.map { [.show(.remark($0.text))] } ?? [])
    }

    /// Shows the next fork as a version of the last response.
    private mutating func followFork() -> [Effect] {
        let id = forks.removeFirst()
        response = Response(id: id, hasBegun: true, base: versionBase, isFork: true)
        return [.show(.remark("version \(versions.count + 1)")), .stream(fork: id)]
    }
}
