import MartletModels

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A chat with a person at a terminal.
///
/// One loop takes what is pressed and what the server says, in the order in which it comes, so that an answer can be
/// stopped at any time. All state is its own.
struct TerminalChat {
    private enum Event: Sendable {
        case bytes([UInt8])
        case inputEnded
        case answer(AnswerEvent)
        case answerEnded(ChatClient.Failure?)
    }

    private static let prompt = "> "

    private let client: ChatClient
    private var conversation: Conversation
    private let history: ChatHistory?
    private var editor: LineEditor
    private var renderer = LineRenderer()
    private var decoder = KeyDecoder()
    private var printer = AnswerPrinter(showsThinking: true)
    /// Pressed while an answer was written, for the next line.
    private var pressedAhead: [Key] = []
    private var answering: Task<Void, Never>?
    private var answer = ""
    private let events: AsyncStream<Event>
    private let event: AsyncStream<Event>.Continuation

    init(client: ChatClient, conversation: Conversation) {
        self.client = client
        self.conversation = conversation
        history = ChatHistory(environment: CurrentProcess.environment)
        editor = LineEditor(history: history?.load() ?? [])
        (events, event) = AsyncStream.makeStream()
    }

    mutating func run() async {
        guard let rawMode = Terminal.RawMode() else { return }
        await greet()
        let reading = Task { [event] in await Self.readInput(into: event) }
        draw()
        for await next in events where await !handle(next) { break }
        answering?.cancel()
        // The thread stays in its read until the process ends, which is next.
        reading.cancel()
        Terminal.write("\n")
        _ = consume rawMode
    }

    private func greet() async {
        let names = try? await client.modelNames()
        let name = names?.first.map { " with \($0)" } ?? ""
        Terminal.write("Chat\(name). /help lists commands, Ctrl-C stops an answer, Ctrl-D leaves.\n\n")
    }

    /// - Returns: Whether the chat goes on.
    private mutating func handle(_ next: Event) async -> Bool {
        switch next {
        case .inputEnded: return false
        case .bytes(let bytes):
            for byte in bytes {
                guard let key = decoder.feed(byte) else { continue }
                if await !press(key) { return false }
            }
        case .answer(let piece):
            if case .content(let text) = piece { answer += text }
            if case .failed(let message) = piece {
                Terminal.write(printer.end())
                complain(message)
            }
            Terminal.write(printer.print(piece))
        case .answerEnded(let failure):
            let wasStopped = answering?.isCancelled ?? false
            answering = nil
            Terminal.write(printer.end())
            if wasStopped { Terminal.write("\u{1B}[2m(stopped)\u{1B}[0m\n") }
            if let failure, !wasStopped { complain(failure.description) }
            conversation.answer(answer)
            if answer.isEmpty { conversation.withdrawQuestion() }
            Terminal.write("\n")
            draw()
            let keys = pressedAhead
            pressedAhead = []
            for key in keys { if await !press(key) { return false } }
        }
        return true
    }

    private mutating func press(_ key: Key) async -> Bool {
        if let answering {
            if key == .interrupt { answering.cancel() } else { pressedAhead.append(key) }
            return true
        }
        switch editor.apply(key) {
        case .nothing: break
        case .changed: draw()
        case .clearScreen:
            Terminal.write("\u{1B}[H\u{1B}[2J")
            renderer.finish()
            draw()
        case .ended: return false
        case .interrupted(let wasEmpty):
            if wasEmpty { return false }
            draw()
        case .submitted(let line):
            Terminal.write("\n")
            renderer.finish()
            if !line.allSatisfy(\.isWhitespace) { history?.append(line) }
            return await enter(ChatInput(line: line))
        }
        return true
    }

    private mutating func enter(_ input: ChatInput) async -> Bool {
        switch input {
        case .quit: return false
        case .message(let text):
            conversation.ask(text)
            ask()
            return true
        case .retry:
            if conversation.retry() {
                ask()
                return true
            }
            complain("there is no message to answer again")
        case .nothing: break
        case .new:
            conversation.clear()
            note("A new conversation.")
        case .system(let text):
            conversation.system = text
            note(text == nil ? "No system message." : "System message set.")
        case .model(let name?):
            conversation.model = name
            note("Model: \(name)")
        case .model(nil):
            do throws(ChatClient.Failure) {
                note(try await client.modelNames().joined(separator: "\n"))
            } catch {
                complain(error.description)
            }
        case .help: note(ChatInput.helpText)
        case .unknownCommand(let command): complain("unknown command \(command); /help lists all")
        }
        draw()
        return true
    }

    private mutating func ask() {
        answer = ""
        Terminal.write("\n")
        answering = Task { [client, conversation, event] in
            do throws(ChatClient.Failure) {
                try await client.answer(conversation) { event.yield(.answer($0)) }
                event.yield(.answerEnded(nil))
            } catch {
                event.yield(.answerEnded(error))
            }
        }
    }

    private mutating func draw() {
        Terminal.write(renderer.draw(prompt: Self.prompt, editor: editor, columns: Terminal.columns))
    }

    private func note(_ text: String) { Terminal.write(text + "\n\n") }

    private func complain(_ message: String) { Terminal.write("\u{1B}[31m\(message)\u{1B}[0m\n") }

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
