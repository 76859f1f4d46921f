import MartletJSON
import MartletPlatform
import MartletWorkers

/// A chat with a person at a terminal.
///
/// One loop handles keys and events of the stream in the order of their arrival, so that a response can be stopped at
/// any time. Only this loop reads and writes the state.
struct TerminalChat {
    /// An input of the loop.
    private enum Event: Sendable {
        case bytes([UInt8])
        case inputEnded
        case output(ChatStreamEvent)
        case controlEnded(ChatControl, Result<JSONValue, ChatClient.Failure>)
        case streamEnded(ChatClient.Failure?)
    }

    private static let prompt = "> "

    /// The server of the chat.
    private let client: ChatClient
    /// All messages so far.
    private var conversation: Conversation
    /// `nil` if there is no home folder.
    private let history: ChatHistory?
    /// The input line with its history.
    private var editor: LineEditor
    private var renderer = LineRenderer()
    private var decoder = KeyDecoder()
    private var printer = OutputPrinter(showsReasoning: true)
    /// Keys that were pressed during the response; they edit the next line.
    private var queuedKeys: [KeyPress] = []
    /// The task that streams the response; `nil` if there is none.
    private var streamTask: Task<Void, Never>?
    private var output = ""
    /// The id for control commands; `nil` if there is no generation or the server has no control commands.
    private var generationID: String?
    /// Events that arrived while a command line covers the output; `nil` = no line does.
    private var deferredEvents: [ChatStreamEvent]?
    /// Messages of `/say` that have not taken effect yet, in the order of entry.
    private var pendingMessages: [String] = []
    /// The ids of forks, which are shown after the response.
    private var forks: [String] = []
    private var isShowingFork = false
    /// The inputs of the loop, in order of arrival.
    private let events: AsyncStream<Event>
    /// Appends an input. Called by the reading thread and by tasks.
    private let event: AsyncStream<Event>.Continuation

    /// Loads the history. Nothing is printed yet.
    init(client: ChatClient, conversation: Conversation) {
        self.client = client
        self.conversation = conversation
        history = ChatHistory(environment: CurrentProcess.environment)
        editor = LineEditor(history: history?.load() ?? [])
        (events, event) = AsyncStream.makeStream()
    }

    /// Runs the chat until the person leaves. Returns at once if standard input is not a terminal.
    mutating func run() async {
        guard let rawMode = Terminal.RawMode() else { return }
        await greet()
        let reading = Task { [event] in await Self.readInput(into: event) }
        renderInput()
        for await next in events where await !handle(next) { break }
        await stopGeneration()
        // The thread stays in `read` until the process ends, which happens next.
        reading.cancel()
        Terminal.write("\n")
        _ = consume rawMode
    }

    /// Prints the model's name and the most important keys.
    private func greet() async {
        let names = try? await client.modelNames()
        let name = names?.first.map { " with \($0)" } ?? ""
        Terminal.write(
            "Chat\(name). /help lists commands, Ctrl-C stops a response, Esc its reasoning, Ctrl-D leaves.\n\n")
    }

    /// Handles one event.
    /// - Returns: Whether the chat continues.
    private mutating func handle(_ next: Event) async -> Bool {
        switch next {
        case .inputEnded: return false
        case .bytes(let bytes):
            for byte in bytes {
                guard let key = decoder.feed(byte) else { continue }
                if await !press(key) { return false }
            }
            // Terminals send an escape sequence in one piece, so a single ESC byte is the Esc key.
            if bytes.count == 1, let key = decoder.pause(), await !press(key) { return false }
        case .output(let piece):
            if deferredEvents != nil { deferredEvents?.append(piece) } else { show(piece) }
        case .controlEnded(let control, let result): showResult(of: control, result)
        case .streamEnded(let failure):
            let wasStopped = streamTask?.isCancelled ?? false
            showDeferredEvents()
            Terminal.write(printer.end())
            if wasStopped { remark("stopped") }
            if let failure, !wasStopped { complain(failure.description) }
            if !isShowingFork { saveOutput() }
            Terminal.write("\n")
            streamTask = nil
            generationID = nil
            if let fork = forks.first, !wasStopped {
                forks.removeFirst()
                show(fork: fork)
                return true
            }
            forks = []
            renderInput()
            let keys = queuedKeys
            queuedKeys = []
            for key in keys { if await !press(key) { return false } }
        }
        return true
    }

    /// Edits the line, or controls the running response.
    private mutating func press(_ key: KeyPress) async -> Bool {
        if streamTask != nil {
            await pressWhileStreaming(key)
            return true
        }
        switch editor.apply(key) {
        case .nothing: break
        case .changed: renderInput()
        case .clearScreen:
            Terminal.write("\u{1B}[H\u{1B}[2J")
            renderer.finish()
            renderInput()
        case .ended: return false
        case .interrupted(let wasEmpty):
            if wasEmpty { return false }
            renderInput()
        case .submitted(let line):
            Terminal.write("\n")
            renderer.finish()
            if !line.allSatisfy(\.isWhitespace) { history?.append(line) }
            return await enter(ChatInput(line: line))
        }
        return true
    }

    /// Executes an entered line.
    /// - Returns: Whether the chat continues.
    private mutating func enter(_ input: ChatInput) async -> Bool {
        switch input {
        case .quit: return false
        case .message(let text):
            conversation.appendUser(text)
            startGeneration()
            return true
        case .retry:
            if conversation.retry() {
                startGeneration()
                return true
            }
            complain("/retry needs a message")
        case .nothing: break
        case .new:
            conversation.clear()
            showLine("A new conversation.")
        case .system(let text):
            conversation.system = text
            showLine(text == nil ? "No system message." : "System message set.")
        case .model(let name?):
            conversation.model = name
            showLine("Model: \(name)")
        case .model(nil):
            do throws(ChatClient.Failure) {
                showLine(try await client.modelNames().joined(separator: "\n"))
            } catch {
                complain(error.description)
            }
        case .control: complain("there is no running response")
        case .invalid(let message): complain(message)
        case .help: showLine(ChatInput.helpText)
        case .unknownCommand(let command): complain("unknown command \(command); /help lists all")
        }
        renderInput()
        return true
    }

    /// Starts a response to the last message.
    private mutating func startGeneration() {
        startStream(showing: nil)
    }

    /// Shows a fork from its beginning.
    private mutating func show(fork id: String) {
        remark("the other version")
        startStream(showing: id)
    }

    /// Starts a task that streams a response into the loop.
    /// - Parameter fork: The id of an existing generation; `nil` = a new one.
    private mutating func startStream(showing fork: String?) {
        isShowingFork = fork != nil
        generationID = fork
        output = ""
        pendingMessages = []
        Terminal.write("\n")
        streamTask = Task { [client, conversation, event] in
            do throws(ChatClient.Failure) {
                if let fork {
                    try await client.stream(id: fork) { event.yield(.output($0)) }
                } else {
                    try await client.stream(conversation, outlives: true) { event.yield(.output($0)) }
                }
                event.yield(.streamEnded(nil))
            } catch {
                event.yield(.streamEnded(error))
            }
        }
    }

    /// Stops the running generation and its forks on the server.
    private func stopGeneration() async {
        guard let streamTask else { return }
        streamTask.cancel()
        for id in [generationID].compactMap({ $0 }) + forks { await client.stop(id) }
    }

    /// Appends the output to the conversation. A message without output is removed.
    private mutating func saveOutput() {
        conversation.appendAssistant(output)
        if output.isEmpty { conversation.removeUnansweredMessage() }
    }

    // MARK: During a response

    /// Prints an event and applies it to the output.
    private mutating func show(_ piece: ChatStreamEvent) {
        switch piece {
        case .began(let id): generationID = id
        case .content(let text): output += text
        case .failed(let message):
            Terminal.write(printer.end())
            complain(message)
        case .controlApplied(action: "rewind", let contentBytes?):
            output = String(decoding: output.utf8.prefix(contentBytes), as: UTF8.self)
            Terminal.write(printer.end())
            remark("back")
            Terminal.write(printer.print(.content(output)))
        case .controlApplied(action: "inject", _) where !pendingMessages.isEmpty:
            let message = pendingMessages.removeFirst()
            Terminal.write(printer.end())
            Terminal.write("\n" + Self.prompt + message + "\n\n")
            conversation.appendAssistant(output)
            conversation.appendUser(message)
            output = ""
        case .reasoning, .controlApplied: break
        }
        Terminal.write(printer.print(piece))
    }

    /// Prints the events that a command line covered.
    private mutating func showDeferredEvents() {
        guard let pieces = deferredEvents else { return }
        deferredEvents = nil
        for piece in pieces { show(piece) }
    }

    /// A line that begins with `/` is a control command. All other keys wait for the end of the response.
    private mutating func pressWhileStreaming(_ key: KeyPress) async {
        if deferredEvents == nil {
            switch key {
            case .interrupt: return await stopGeneration()
            case .escape: return send(.skip)
            case .character("/") where queuedKeys.isEmpty:
                deferredEvents = []
                Terminal.write(printer.end())
            default: return queuedKeys.append(key)
            }
        }
        let result = editor.apply(key == .escape ? .interrupt : key)
        if case .submitted(let line) = result {
            Terminal.write("\n")
            renderer.finish()
            enterWhileStreaming(ChatInput(line: line), line)
            showDeferredEvents()
        } else if editor.characters.isEmpty {
            Terminal.write("\n")
            renderer.finish()
            showDeferredEvents()
        } else {
            renderInput()
        }
    }

    /// Executes a command line that was entered during a response.
    private mutating func enterWhileStreaming(_ input: ChatInput, _ line: String) {
        switch input {
        case .control(let control): send(control)
        case .invalid(let message): complain(message)
        case .help: showLine(ChatInput.helpText)
        default: complain("\(line) must wait for the end of the response; Ctrl-C stops it")
        }
    }

    /// Sends a control command. Its result arrives as an event.
    private mutating func send(_ control: ChatControl) {
        guard let generationID else { return complain("this server has no control commands") }
        if case .say(let text) = control { pendingMessages.append(text) }
        Task { [client, event] in
            do throws(ChatClient.Failure) {
                event.yield(.controlEnded(control, .success(try await client.send(control, to: generationID))))
            } catch {
                event.yield(.controlEnded(control, .failure(error)))
            }
        }
    }

    /// Prints the result of a control command, unless the stream shows the effect at its position in the output.
    private mutating func showResult(of control: ChatControl, _ result: Result<JSONValue, ChatClient.Failure>) {
        switch (control, result) {
        case (.say(let text), .failure): pendingMessages.removeAll { $0 == text }
        case (.fork, .success(let reply)): forks += reply["ids"]?.arrayValue?.compactMap { $0.stringValue } ?? []
        default: break
        }
        let words: String
        switch (control, result) {
        case (_, .failure(let failure)): words = failure.description
        case (.pause, _): words = "paused; /resume continues"
        case (.fork, _): words = "forked"
        case (.temperature(let value), _): words = "temperature \(value)"
        case (.skip, _), (.resume, _), (.say, _), (.rewind, _): return
        }
        Terminal.write(deferredEvents == nil ? printer.end() : "\n")
        remark(words)
        if deferredEvents != nil {
            renderer.finish()
            renderInput()
        }
    }

    /// Prints a dimmed remark, which is not part of the output.
    private func remark(_ words: String) { Terminal.write("\u{1B}[2m(\(words))\u{1B}[0m\n") }

    /// Prints the input line in place of its last rendering.
    private mutating func renderInput() {
        Terminal.write(renderer.render(prompt: Self.prompt, editor: editor, columns: Terminal.columns))
    }

    /// Prints a text with an empty line behind it.
    private func showLine(_ text: String) { Terminal.write(text + "\n\n") }

    /// Prints an error in red.
    private func complain(_ message: String) { Terminal.write("\u{1B}[31m\(message)\u{1B}[0m\n") }

    /// Reads the terminal on a thread of its own, because `read` blocks.
    private static func readInput(into event: AsyncStream<Event>.Continuation) async {
        try? await DedicatedThread.run {
            while true {
                var buffer = [UInt8](repeating: 0, count: 4096)
                let count = read(STDIN_FILENO, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                event.yield(.bytes(Array(buffer.prefix(count))))
            }
            event.yield(.inputEnded)
        }
    }
}
