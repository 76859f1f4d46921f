import ArgumentParser
import AsyncHTTPClient
import Logging
import NIOCore

/// `martlet chat`.
struct ChatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chat", abstract: "Chat with a model in the terminal.",
        discussion: """
            Without --url: with the server on http://127.0.0.1:8080 if one answers, else with a server of its own.
            With standard input from a file or pipe, each line is a message.

            \(ChatInput.helpText)
            """)

    private static let usualURL = "http://127.0.0.1:8080"

    @Option(help: "Where the server is, such as http://127.0.0.1:8080.")
    var url: String?

    @Option(help: "The key to show it (or LLAMA_API_KEY in the environment).")
    var apiKey: String?

    @Option(name: [.short, .long], help: "Run this GGUF file in a server of its own.")
    var model: String?

    @Option(help: "The system message.")
    var system: String?

    func validate() throws {
        if url != nil, model != nil { throw ValidationError("--url and --model exclude each other") }
    }

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
