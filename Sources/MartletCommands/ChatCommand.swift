import ArgumentParser
import AsyncHTTPClient
import NIOCore

/// `martlet chat`: a conversation in the terminal, or the response to one question.
///
/// Example: `martlet chat 'What is 12 + 30?'` prints `12 + 30 is 42.`. Without a question the command has a line editor,
/// shows reasoning dimmed, and sends control commands.
struct ChatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chat", abstract: "Chat with a model in the terminal, or ask one question.",
        discussion: """
            Without --url the command uses the server on http://127.0.0.1:8080, or starts its own server if there is none.

            With a QUESTION it prints the response and ends. Text on standard input is appended to the question: cat FILE | \
            martlet chat Summarise. Exit codes: 0 complete, 1 failed, 3 cut off at the limit of tokens, 64 wrong flags. \
            Without a question, each line of a file or pipe is a message.

            Conversations and entered lines are kept in ~/.local/state/martlet; --no-history keeps none.

            \(ChatInput.helpText)
            """)

    @Argument(help: "A question. Several words need no quotes.")
    var question: [String] = []

    @Option(help: "The server's base URL, e.g. http://127.0.0.1:8080.")
    var url: String?

    @Option(help: "The API key. Default: the environment variable LLAMA_API_KEY.")
    var apiKey: String?

    @Option(name: [.short, .long], help: "Run this GGUF file in a server of its own.", completion: .file())
    var model: String?

    @OptionGroup var options: ChatOptions

    /// `--url` selects a running server and `--model` starts one, so only one of them may be set.
    func validate() throws {
        if url != nil, model != nil { throw ValidationError("--url and --model exclude each other") }
        if let url, BaseURL(url) == nil {
            throw ValidationError("--url must be a server's URL such as http://127.0.0.1:8080, not '\(url)'")
        }
    }

    /// Runs the chat, and shuts the HTTP client down in any case.
    func run() async throws {
        CurrentProcess.prepare()
        let key = apiKey ?? CurrentProcess.environment("LLAMA_API_KEY")
        try await ChatServer.run(url: url.flatMap { BaseURL($0) }, key: key, model: model) { client in
            try await options.converse(client, model: nil, words: question)
        }
    }
}
