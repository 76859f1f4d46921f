import MartletJSON
import MartletObservability
import MartletPlatform
import MartletWorkers
import UnixSignals

/// A chat with a person at a terminal.
///
/// One loop handles keys and events of the stream in the order of their arrival, so that a response can be stopped at
/// any time. Only this loop reads and writes the state. The rules are in ``ChatSession``, the layout in ``ChatScreen``.
struct TerminalChat {
    /// An input of the loop.
    enum Event: Sendable {
        case bytes([UInt8])
        case inputEnded
        case resized
        case output(ChatStreamEvent)
        case controlEnded(ChatControl, id: String, Result<JSONValue, ChatClient.Failure>)
        case streamEnded(ChatClient.Failure?)
    }

    private static let prompt = "> "

    /// The server of the chat.
    let client: ChatClient
    /// `nil` if nothing is stored on disk.
    let store: ConversationStore?
    private let history: ChatHistory?
    var session: ChatSession
    private var editor: LineEditor
    private var decoder = KeyDecoder()
    private var screen: ChatScreen
    private var transcript: ChatTranscript
    private let style: TerminalStyle
    /// The name under which the conversation is stored; `nil` = it has none yet.
    var name: String?
    /// The server's models, for completion.
    var models: [String] = []
    /// The task that streams the response; `nil` if there is none.
    private var streamTask: Task<Void, Never>?
    /// The inputs of the loop, in order of arrival.
    private let events: AsyncStream<Event>
    /// Appends an input. Called by the reading thread and by tasks.
    private let event: AsyncStream<Event>.Continuation

    /// Loads the history. Nothing is printed yet.
    /// - Parameter keepsFiles: Whether lines and conversations are stored, and responses resumable.
    init(client: ChatClient, conversation: Conversation, keepsFiles: Bool) {
        self.client = client
        session = ChatSession(conversation: conversation)
        store = keepsFiles ? ConversationStore(environment: CurrentProcess.environment) : nil
        history = keepsFiles ? ChatHistory(environment: CurrentProcess.environment) : nil
        editor = LineEditor(history: history?.load() ?? [])
        style = TerminalStyle(environment: CurrentProcess.environment)
        screen = ChatScreen(style: style, size: Terminal.size)
        transcript = ChatTranscript(style: style)
        (events, event) = AsyncStream.makeStream()
    }

    /// Runs the chat until the person leaves. Returns at once if standard input is not a terminal.
    mutating func run() async {
        guard let rawMode = Terminal.RawMode() else { return }
        await greet()
        let reading = Task { [event] in await Self.readInput(into: event) }
        let resizing = Task { [event] in
            for await _ in await UnixSignalsSequence(trapping: .sigwinch) { event.yield(.resized) }
        }
        drawLive()
        for await next in events where await !handle(next, rawMode) { break }
        // The thread stays in `read` until the process ends, which happens next.
        reading.cancel()
        resizing.cancel()
        Terminal.write(screen.show(status: nil, input: nil) + screen.endLine())
        _ = consume rawMode
    }

    /// Prints the model's name, the most important keys, and the newest stored conversation.
    private mutating func greet() async {
        models = (try? await client.modelNames()) ?? []
        let model = (session.conversation.model ?? models.first).map { " with \($0.printable)" } ?? ""
        show(.line("Chat\(model). /help lists commands, Ctrl-C stops a response, Esc its reasoning, Ctrl-D leaves."))
        guard let store else { return show(.remark("nothing of this chat is kept on disk")) }
        let place = "conversations are kept in \(store.path); --no-history keeps none"
        guard let last = store.list().first else { return show(.remark(place)) }
        show(.remark(place + "; /load continues the last one: \(last.preview)"))
    }

    /// Handles one event.
    /// - Returns: Whether the chat continues.
    private mutating func handle(_ next: Event, _ rawMode: borrowing Terminal.RawMode) async -> Bool {
        var effects: [ChatSession.Effect] = []
        switch next {
        case .inputEnded: effects = session.enter("/quit")
        case .bytes(let bytes):
            var keys = bytes.compactMap { decoder.feed($0) }
            // Terminals send an escape sequence in one piece, so a single ESC byte is the Esc key.
            if bytes.count == 1, let key = decoder.pause() { keys.append(key) }
            for key in keys {
                if await !perform(press(key, rawMode)) { return false }
            }
        case .resized: Terminal.write(screen.resize(to: Terminal.size))
        case .output(let piece): effects = session.receive(piece)
        case .controlEnded(let control, let id, let result):
            effects = session.controlEnded(control, of: id, result)
        case .streamEnded(let failure):
            streamTask = nil
            effects = session.streamEnded(failure?.description)
        }
        guard await perform(effects) else { return false }
        drawLive()
        return true
    }

    /// The effects of a key.
    private mutating func press(
        _ key: KeyPress, _ rawMode: borrowing Terminal.RawMode
    ) -> [ChatSession.Effect] {
        if key != .interrupt { session.noteKey() }
        switch key {
        case .tab where editor.search == nil: return complete()
        case .suspend:
            Terminal.write(screen.show(status: nil, input: nil) + screen.endLine())
            rawMode.suspend()
            return []
        case .escape where editor.search == nil:
            if editor.characters.isEmpty { return session.escape() }
            _ = editor.apply(.interrupt)
            return []
        case .interrupt where session.response != nil && editor.search == nil:
            return session.interrupt(lineWasEmpty: editor.characters.isEmpty)
        default: break
        }
        switch editor.apply(key) {
        case .nothing, .changed: return []
        case .clearScreen:
            Terminal.write(screen.clear())
            return []
        case .ended: return session.enter("/quit")
        case .interrupted(let wasEmpty): return session.interrupt(lineWasEmpty: wasEmpty)
        case .submitted(let line):
            if !line.allSatisfy(\.isWhitespace) { history?.append(line) }
            return session.enter(line)
        }
    }

    /// Completes the word at the cursor, or shows the candidates.
    private mutating func complete() -> [ChatSession.Effect] {
        let before = Array(editor.characters[..<editor.cursor])
        guard
            let completion = InputCompletion(before: before, models: models, conversations: store?.names() ?? []),
            let text = completion.insertion
        else { return [] }
        if editor.complete(from: completion.start, with: text) == .changed || completion.candidates.count == 1 {
            return []
        }
        return [.show(.line(completion.candidates.prefix(60).joined(separator: "  ")))]
    }

    // MARK: Effects

    /// Performs effects in order.
    /// - Returns: Whether the chat continues.
    private mutating func perform(_ effects: [ChatSession.Effect]) async -> Bool {
        for effect in effects {
            switch effect {
            case .show(let entry): show(entry)
            case .stream(let fork): startStream(fork)
            case .send(let control, let id): send(control, to: id)
            case .cancel: streamTask?.cancel()
            case .stop(let ids): for id in ids { await client.stop(id) }
            case .fill(let text):
                // The person may be writing the next message: both stay.
                let separator = editor.characters.isEmpty ? "" : "\n"
                while editor.apply(.right) == .changed {}
                _ = editor.apply(.paste(separator + text))
            case .model(let name): await selectModel(name)
            case .persist, .separate, .save, .load, .list:
                guard await perform(storing(effect)) else { return false }
            case .help: show(.line(ChatHelp.text(columns: Terminal.size.columns)))
            case .quit: return false
            }
        }
        return true
    }

    /// Prints an entry above the input line.
    mutating func show(_ entry: ChatTranscript.Entry) {
        Terminal.write(screen.write(transcript.append(entry)))
    }

    /// Draws status and input line. A line that the session does not know of replaces the status.
    mutating func drawLive(status: String? = nil) {
        let prompt = editor.search?.prompt ?? Self.prompt
        Terminal.write(
            screen.show(
                status: status ?? session.status,
                input: ChatScreen.Input(prompt: prompt, characters: editor.characters, cursor: editor.cursor)))
    }

    /// Starts a task that streams a response into the loop.
    /// - Parameter fork: The id of an existing generation; `nil` = a new one.
    private mutating func startStream(_ fork: String?) {
        streamTask = Task { [client, event, conversation = session.conversation, outlives = store != nil] in
            do throws(ChatClient.Failure) {
                if let fork {
                    try await client.stream(id: fork) { event.yield(.output($0)) }
                } else {
                    try await client.stream(conversation, outlives: outlives) { event.yield(.output($0)) }
                }
                event.yield(.streamEnded(nil))
            } catch {
                event.yield(.streamEnded(error))
            }
        }
    }

    /// Sends a control command. Its result arrives as an event.
    private func send(_ control: ChatControl, to id: String) {
        Task { [client, event] in
            do throws(ChatClient.Failure) {
                event.yield(.controlEnded(control, id: id, .success(try await client.send(control, to: id))))
            } catch {
                event.yield(.controlEnded(control, id: id, .failure(error)))
            }
        }
    }

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
