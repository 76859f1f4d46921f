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
            martlet chat Summarise. Exit codes: 0 complete, 1 failed, 2 wrong flags, 3 cut off at the limit of tokens. \
            Without a question, each line of a file or pipe is a message.

            Conversations and entered lines are kept in ~/.local/state/martlet; --no-history keeps none.

            Commands of a conversation:
            \(ChatHelp.text(columns: 80))
            """)

    @Argument(help: "A question. Several words need no quotes.")
    var question: [String] = []

    @Option(help: "The server's base URL, e.g. http://127.0.0.1:8080.")
    var url: String?

    @Option(help: "The API key. Default: the environment variable LLAMA_API_KEY.")
    var apiKey: String?

    @Option(
        name: [.short, .long],
        help: "A model by its name at the server or in 'martlet list', or a GGUF file, which gets a server of its own.",
        completion: .file())
    var model: String?

    @OptionGroup var options: ChatOptions

    /// The URL has a known form.
    func validate() throws {
        if let url, BaseURL(url) == nil {
            throw ValidationError("--url must be a server's URL such as http://127.0.0.1:8080, not '\(url.printable)'")
        }
        try options.validate(question: question)
    }

    /// Runs the chat, and shuts the HTTP client down in any case.
    func run() async throws {
        CurrentProcess.prepare()
        let key = apiKey ?? CurrentProcess.environment("LLAMA_API_KEY")
        let wish = model.map { ChatServer.Wish.named($0) { [name = $0] in try LocalModel.path(named: name) } } ?? .any
        try await ChatServer.run(url: url.flatMap { BaseURL($0) }, key: key, model: wish) { client, name in
            try await options.converse(client, model: name, words: question)
        }
    }
}
