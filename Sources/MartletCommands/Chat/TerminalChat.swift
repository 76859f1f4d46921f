import MartletJSON
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
        case obeyed(ChatOrder, Result<JSONValue, ChatClient.Failure>)
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
    /// By which the answer that is being written is given orders, where the server takes some.
    private var answerID: String?
    /// What came while a line that begins with `/` is written over it; `nil` = none is.
    private var heldBack: [AnswerEvent]?
    /// Orders that were given and have not taken effect, by what the stream says of them.
    private var sayings: [String] = []
    /// Other versions of the answer, which are shown afterwards.
    private var forks: [String] = []
    private var isShowingFork = false
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
        await stopAnswer()
        // The thread stays in its read until the process ends, which is next.
        reading.cancel()
        Terminal.write("\n")
        _ = consume rawMode
    }

    private func greet() async {
        let names = try? await client.modelNames()
        let name = names?.first.map { " with \($0)" } ?? ""
        Terminal.write(
            "Chat\(name). /help lists commands, Ctrl-C stops an answer, Esc its thinking, Ctrl-D leaves.\n\n")
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
            // Terminals send a sequence at once, so a lone byte is the key.
            if bytes.count == 1, let key = decoder.pause(), await !press(key) { return false }
        case .answer(let piece):
            if heldBack != nil { heldBack?.append(piece) } else { show(piece) }
        case .obeyed(let order, let result): told(order, result)
        case .answerEnded(let failure):
            let wasStopped = answering?.isCancelled ?? false
            showHeldBack()
            Terminal.write(printer.end())
            if wasStopped { remark("stopped") }
            if let failure, !wasStopped { complain(failure.description) }
            if !isShowingFork { keepAnswer() }
            Terminal.write("\n")
            answering = nil
            answerID = nil
            if let fork = forks.first, !wasStopped {
                forks.removeFirst()
                show(fork: fork)
                return true
            }
            forks = []
            draw()
            let keys = pressedAhead
            pressedAhead = []
            for key in keys { if await !press(key) { return false } }
        }
        return true
    }

    private mutating func press(_ key: Key) async -> Bool {
        if answering != nil {
            await pressWhileAnswering(key)
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
        case .order: complain("no answer is being written")
        case .wrong(let message): complain(message)
        case .help: note(ChatInput.helpText)
        case .unknownCommand(let command): complain("unknown command \(command); /help lists all")
        }
        draw()
        return true
    }

    private mutating func ask() {
        begin(showing: nil)
    }

    private mutating func show(fork id: String) {
        remark("the other version")
        begin(showing: id)
    }

    /// - Parameter fork: an answer that was begun before; `nil` = a new one.
    private mutating func begin(showing fork: String?) {
        isShowingFork = fork != nil
        answerID = fork
        answer = ""
        sayings = []
        Terminal.write("\n")
        answering = Task { [client, conversation, event] in
            do throws(ChatClient.Failure) {
                if let fork {
                    try await client.answer(id: fork) { event.yield(.answer($0)) }
                } else {
                    try await client.answer(conversation, outlives: true) { event.yield(.answer($0)) }
                }
                event.yield(.answerEnded(nil))
            } catch {
                event.yield(.answerEnded(error))
            }
        }
    }

    private func stopAnswer() async {
        guard let answering else { return }
        answering.cancel()
        for id in [answerID].compactMap({ $0 }) + forks { await client.stop(id) }
    }

    /// Puts the answer into the conversation.
    private mutating func keepAnswer() {
        conversation.answer(answer)
        if answer.isEmpty { conversation.withdrawQuestion() }
    }

    // MARK: While an answer is written

    private mutating func show(_ piece: AnswerEvent) {
        switch piece {
        case .began(let id): answerID = id
        case .content(let text): answer += text
        case .failed(let message):
            Terminal.write(printer.end())
            complain(message)
        case .obeyed(action: "rewind", let contentBytes?):
            answer = String(decoding: answer.utf8.prefix(contentBytes), as: UTF8.self)
            Terminal.write(printer.end())
            remark("back")
            Terminal.write(printer.print(.content(answer)))
        case .obeyed(action: "inject", _) where !sayings.isEmpty:
            let saying = sayings.removeFirst()
            Terminal.write(printer.end())
            Terminal.write("\n" + Self.prompt + saying + "\n\n")
            conversation.answer(answer)
            conversation.ask(saying)
            answer = ""
        case .thinking, .obeyed: break
        }
        Terminal.write(printer.print(piece))
    }

    private mutating func showHeldBack() {
        guard let pieces = heldBack else { return }
        heldBack = nil
        for piece in pieces { show(piece) }
    }

    /// A line that begins with `/` is an order; all else waits for the answer's end.
    private mutating func pressWhileAnswering(_ key: Key) async {
        if heldBack == nil {
            switch key {
            case .interrupt: return await stopAnswer()
            case .escape: return give(.skip)
            case .character("/") where pressedAhead.isEmpty:
                heldBack = []
                Terminal.write(printer.end())
            default: return pressedAhead.append(key)
            }
        }
        let outcome = editor.apply(key == .escape ? .interrupt : key)
        if case .submitted(let line) = outcome {
            Terminal.write("\n")
            renderer.finish()
            enterWhileAnswering(ChatInput(line: line), line)
            showHeldBack()
        } else if editor.characters.isEmpty {
            Terminal.write("\n")
            renderer.finish()
            showHeldBack()
        } else {
            draw()
        }
    }

    private mutating func enterWhileAnswering(_ input: ChatInput, _ line: String) {
        switch input {
        case .order(let order): give(order)
        case .wrong(let message): complain(message)
        case .help: note(ChatInput.helpText)
        default: complain("\(line) has to wait for the end of the answer; Ctrl-C stops it")
        }
    }

    private mutating func give(_ order: ChatOrder) {
        guard let answerID else { return complain("this answer takes no orders") }
        if case .say(let text) = order { sayings.append(text) }
        Task { [client, event] in
            do throws(ChatClient.Failure) {
                event.yield(.obeyed(order, .success(try await client.give(order, to: answerID))))
            } catch {
                event.yield(.obeyed(order, .failure(error)))
            }
        }
    }

    /// What became of an order. Where it shows in the answer, the stream says so at its place.
    private mutating func told(_ order: ChatOrder, _ result: Result<JSONValue, ChatClient.Failure>) {
        switch (order, result) {
        case (.say(let text), .failure): sayings.removeAll { $0 == text }
        case (.fork, .success(let reply)): forks += reply["ids"]?.arrayValue?.compactMap { $0.stringValue } ?? []
        default: break
        }
        let words: String
        switch (order, result) {
        case (_, .failure(let failure)): words = failure.description
        case (.pause, _): words = "paused; /resume goes on"
        case (.fork, _): words = "forked"
        case (.temperature(let value), _): words = "temperature \(value)"
        case (.skip, _), (.resume, _), (.say, _), (.rewind, _): return
        }
        Terminal.write(heldBack == nil ? printer.end() : "\n")
        remark(words)
        if heldBack != nil {
            renderer.finish()
            draw()
        }
    }

    /// A word about what happens, which is not part of the answer.
    private func remark(_ words: String) { Terminal.write("\u{1B}[2m(\(words))\u{1B}[0m\n") }

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
