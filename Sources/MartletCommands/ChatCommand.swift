import ArgumentParser
import AsyncHTTPClient
import Logging
import NIOCore

/// `martlet chat`: a conversation in the terminal.
///
/// Example: `echo 'What is 12 + 30?' | martlet chat` prints `12 + 30 is 42.`. In a terminal the command has a line
/// editor, shows reasoning dimmed, and sends control commands.
struct ChatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chat", abstract: "Chat with a model in the terminal.",
        discussion: """
            Without --url the command uses the server on http://127.0.0.1:8080, or starts its own server if there is none.
            If standard input is a file or a pipe, each line is a message.

            \(ChatInput.helpText)
            """)

    private static let usualURL = "http://127.0.0.1:8080"

    @Option(help: "The server's base URL, e.g. http://127.0.0.1:8080.")
    var url: String?

    @Option(help: "The API key. Default: the environment variable LLAMA_API_KEY.")
    var apiKey: String?

    @Option(name: [.short, .long], help: "Run this GGUF file in a server of its own.", completion: .file())
    var model: String?

    @Option(help: "The system message.")
    var system: String?

    /// `--url` selects a running server and `--model` starts one, so only one of them may be set.
    func validate() throws {
        if url != nil, model != nil { throw ValidationError("--url and --model exclude each other") }
    }

    /// Runs the chat, and shuts the HTTP client down in any case.
    func run() async throws {
        CurrentProcess.prepare()
        let http = ChatClient.makeHTTP()
        let result: Result<Void, SettingError>
        do throws(SettingError) {
            result = .success(try await chat(http))
        } catch {
            result = .failure(error)
        }
        try? await http.shutdown()
        if case .failure(let error) = result { throw CommandFailure.exit(error) }
    }

    /// Chooses the server: --url, the usual one if it responds within 300 ms, or an embedded one.
    private func chat(_ http: HTTPClient) async throws(SettingError) {
        let key = apiKey ?? CurrentProcess.environment("LLAMA_API_KEY")
        if let url { return try await converse(ChatClient(http: http, url: url, key: key)) }
        let usual = ChatClient(http: http, url: Self.usualURL, key: key)
        if model == nil, await usual.isAlive(within: .milliseconds(300)) { return try await converse(usual) }
        let edge = try EmbeddedEdge(model: model)
        let url = try await edge.start()
        do throws(SettingError) {
            try await converse(ChatClient(http: http, url: url, key: nil))
        } catch {
            throw await edge.stop() ?? error
        }
        _ = await edge.stop()
    }

    /// Waits until the model is loaded, then runs the conversation.
    private func converse(_ client: ChatClient) async throws(SettingError) {
        do throws(ChatClient.Failure) {
            try await client.waitUntilReady()
        } catch {
            throw SettingError(error.description)
        }
        let conversation = Conversation(system: system)
        if Terminal.isInputTerminal, Terminal.isOutputTerminal {
            var chat = TerminalChat(client: client, conversation: conversation)
            await chat.run()
        } else {
            var chat = PlainChat(client: client, conversation: conversation)
            try await chat.run()
        }
    }
}
