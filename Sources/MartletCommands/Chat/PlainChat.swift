import MartletWorkers

/// A chat whose input is not a terminal: each line is a message, and only the responses are printed.
struct PlainChat {
    /// The server of the chat.
    let client: ChatClient
    /// All messages so far; each request contains them.
    var conversation: Conversation

    /// Reads lines until the input ends or a line is `/quit`.
    /// - Throws: At the first line that is wrong, and at the first request that fails.
    mutating func run() async throws(SettingError) {
        // Programs that read the output want the content alone.
        var printer = OutputPrinter(showsReasoning: Terminal.isOutputTerminal)
        while let line = await Self.nextLine() {
            switch ChatInput(line: line) {
            case .nothing: continue
            case .quit: return
            case .help: Terminal.write(ChatInput.helpText + "\n")
            case .new: conversation.clear()
            case .system(let text): conversation.system = text
            case .model(let name?): conversation.model = name
            case .model(nil):
                for name in try await attempt(client.modelNames) { Terminal.write(name + "\n") }
            case .unknownCommand(let command): throw SettingError("unknown command \(command); /help lists all")
            case .control: throw SettingError("\(line) changes a running response, which needs a terminal")
            case .invalid(let message): throw SettingError(message)
            case .retry:
                guard conversation.retry() else { throw SettingError("/retry needs a message") }
                try await printReply(&printer)
            case .message(let text):
                conversation.appendUser(text)
                try await printReply(&printer)
            }
        }
    }

    /// Sends the conversation and prints the response while it streams. The reply becomes part of the conversation.
    private mutating func printReply(_ printer: inout OutputPrinter) async throws(SettingError) {
        let (events, output) = AsyncStream<ChatStreamEvent>.makeStream()
        let streaming = Task { [client, conversation] () -> ChatClient.Failure? in
            defer { output.finish() }
            do throws(ChatClient.Failure) {
                try await client.stream(conversation) { output.yield($0) }
                return nil
            } catch {
                return error
            }
        }
        var text = ""
        for await event in events {
            switch event {
            case .content(let piece): text += piece
            case .reasoning, .began, .controlApplied: break
            case .failed(let message): throw SettingError(message)
            }
            Terminal.write(printer.print(event))
        }
        if let failure = await streaming.value { throw SettingError(failure.description) }
        Terminal.write(printer.end())
        conversation.appendAssistant(text)
    }

    /// - Returns: `nil` at the end of the input.
    private static func nextLine() async -> String? {
        try? await DedicatedThread.run { readLine() }
    }

    /// Runs a request and turns its failure into the error that ends the command.
    private func attempt<Value>(
        _ body: () async throws(ChatClient.Failure) -> Value
    ) async throws(SettingError) -> Value {
        do throws(ChatClient.Failure) {
            return try await body()
        } catch {
            throw SettingError(error.description)
        }
    }
}
