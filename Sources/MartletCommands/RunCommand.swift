import ArgumentParser
import AsyncHTTPClient
import MartletDownloads
import MartletModels
import MartletText
import NIOCore

/// `martlet run`: downloads a model if it is missing, loads it, and chats with it.
///
/// Example: `martlet run ggml-org/Qwen3-0.6B-GGUF:Q8_0 'Why is the sky blue?'` downloads once, and prints the response.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Download a model if it is missing, and chat with it.",
        discussion: """
            MODEL is a name of 'martlet list', the path of a GGUF file, or ORG/NAME[:QUANTIZATION] at Hugging Face. With a \
            QUESTION the command prints the response and ends; see 'martlet chat --help'. A server on http://127.0.0.1:8080 \
            that has the model is used. Otherwise the command starts its own server.
            """)

    @Argument(help: "A model.")
    var model: String

    @Argument(help: "A question. Several words need no quotes.")
    var question: [String] = []

    @Flag(help: "Use files on this machine only.")
    var offline = false

    @OptionGroup var options: ChatOptions

    /// The flags fit the question.
    func validate() throws { try options.validate(question: question) }

    /// Finds or downloads the model, then chats.
    func run() async throws {
        CurrentProcess.prepare()
        let key = CurrentProcess.environment("LLAMA_API_KEY")
        let wish = ChatServer.Wish.named(model) { try await path() }
        try await ChatServer.run(url: nil, key: key, model: wish) { client, name in
            try await options.converse(client, model: name, words: question)
        }
    }

    /// The path of the model's first file, which is downloaded if necessary.
    private func path() async throws -> String {
        if FileListing.stamp(model) != nil { return model }
        let sources = try ModelSourceOptions.parse([])
        if case .model(let found) = try sources.registry().resolve(model), let path = found.paths.first { return path }
        // Without a slash it is no repository: the error names the nearest model of this machine.
        guard HubReference(model) != nil else { return try LocalModel.path(named: model) }
        let display = DownloadDisplay()
        let paths: [String]
        do {
            let request = try DownloadRequest(
                model, isRepository: true, file: nil, folder: nil, isOffline: offline, wantsProjector: false,
                environment: CurrentProcess.environment)
            paths = try await request.run(display).paths
            display.finish()
        } catch let error as any CustomStringConvertible {
            display.finish()
            throw CommandFailure.exit(error)
        }
        guard let path = paths.first else { throw CommandFailure.exit("the download of \(model) has no file") }
        return path
    }
}
