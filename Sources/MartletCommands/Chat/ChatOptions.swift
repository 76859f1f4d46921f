import ArgumentParser
import MartletJSON

/// The flags that `martlet chat` and `martlet run` share.
struct ChatOptions: ParsableArguments {
    @Option(name: .customLong("system"), help: "The system message.")
    var system: String?

    @Option(name: [.customShort("o"), .long], help: "The form of the response to a question: text or json.")
    var output = "text"

    @Option(help: "A file with a JSON Schema that the response must follow.", completion: .file())
    var schema: String?

    @Flag(help: "Keep neither lines nor conversations on disk.")
    var noHistory = false

    /// The words of a question.
    var form: OneShotChat.Form? { OneShotChat.Form(rawValue: output) }

    /// `--output` has one of two values.
    func validate() throws {
        if form == nil { throw ValidationError("--output must be text or json, not '\(output)'") }
    }

    /// Waits until the model is loaded, then answers the question or runs the conversation.
    /// - Parameter words: The question; empty = a conversation.
    /// - Throws: `ExitCode` 3 if the response to a question was cut off.
    func converse(_ client: ChatClient, model: String?, words: [String]) async throws {
        let extra = try schema.map { try OneShotChat.responseFormat(schemaFile: $0) } ?? [:]
        let question = words.joined(separator: " ")
        let isQuestion = !question.allSatisfy(\.isWhitespace)
        let input = isQuestion && !Terminal.isInputTerminal ? try await OneShotChat.readInput() : nil
        do throws(ChatClient.Failure) {
            try await Self.waitUntilReady(client)
        } catch {
            throw SettingError(error.description)
        }
        let name = if let model { model } else { await client.defaultModel() }
        var conversation = Conversation(system: system, model: name)
        if isQuestion {
            conversation.appendUser(OneShotChat.message(question: question, input: input))
            let reply = try await OneShotChat(
                client: client, conversation: conversation, extra: extra, form: form ?? .text
            ).run()
            if reply.isCutOff { throw ExitCode(OneShotChat.cutOffExitCode) }
            return
        }
        let hasTerminal = Terminal.isInputTerminal && Terminal.isOutputTerminal
        if hasTerminal, TerminalStyle.hasCursor(environment: CurrentProcess.environment), extra.isEmpty {
            var chat = TerminalChat(client: client, conversation: conversation, keepsFiles: !noHistory)
            await chat.run()
        } else {
            var chat = PlainChat(
                client: client, conversation: conversation, extra: extra, isInteractive: hasTerminal)
            try await chat.run()
        }
    }

    /// Waits, and shows in a terminal that the model is loaded.
    private static func waitUntilReady(_ client: ChatClient) async throws(ChatClient.Failure) {
        let shows = Terminal.isErrorTerminal && TerminalStyle.hasCursor(environment: CurrentProcess.environment)
        var isShown = false
        defer { if isShown { Terminal.write("\r\u{1B}[K", to: 2) } }
        try await client.waitUntilReady {
            guard shows, !isShown else { return }
            isShown = true
            Terminal.write("loading the model …", to: 2)
        }
    }
}
