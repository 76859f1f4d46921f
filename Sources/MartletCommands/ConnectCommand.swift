import ArgumentParser
import AsyncHTTPClient

/// `martlet connect`: prints or writes the configuration of a client for a server.
///
/// Example: `martlet connect codex` prints
///
///     # ~/.codex/config.toml
///     model = "fledgling"
///     model_provider = "martlet"
///
///     [model_providers.martlet]
///     …
struct ConnectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connect", abstract: "Print or write a client's configuration for a server.",
        discussion: "The model and its context are those of the running server, unless --model names one.")

    @Argument(help: "The client: codex, claude, opencode, zed, continue, cline or openwebui.")
    var client: ClientSetup.Client

    @Option(help: "The server's URL.")
    var url = "http://127.0.0.1:8080"

    @Option(help: "The model's name in requests. Default: the server's first model.")
    var model: String?

    @Option(help: "The server's API key.")
    var apiKey: String?

    @Flag(help: "Write the client's file. A file of JSON is merged and its old content is kept in FILE.before-martlet.")
    var write = false

    /// Prints the configuration, or writes the file and prints the rest.
    func run() async throws {
        guard let base = BaseURL(url) else {
            throw CommandFailure.exit("--url must be a URL such as http://127.0.0.1:8080, not '\(url)'", usage: true)
        }
        var server = ConnectedServer(url: base.description, model: model ?? "", contextLength: nil, key: apiKey)
        do {
            try await Self.complete(&server, at: base)
        } catch {
            throw CommandFailure.exit("\(error)")
        }
        var setup = ClientSetup(of: client, server)
        guard write else { return Terminal.write(setup.text) }
        guard let file = setup.file else {
            Terminal.write(setup.text)
            throw CommandFailure.exit("\(client.rawValue) has no configuration file; follow the lines above")
        }
        guard let home = CurrentProcess.environment("HOME"), !home.isEmpty else {
            throw CommandFailure.exit("the variable HOME is not set")
        }
        do throws(SettingError) {
            Terminal.write("wrote \(try SetupWriter.write(file, in: home))\n")
        } catch {
            throw CommandFailure.exit(error)
        }
        setup.file = nil
        Terminal.write(setup.text)
    }

    /// Asks the server for its first model and the model's context.
    private static func complete(_ server: inout ConnectedServer, at base: BaseURL) async throws {
        let http = ChatClient.makeHTTP()
        let client = ChatClient(http: http, url: base, key: server.key)
        let models: [(name: String, contextLength: Int?)]
        do {
            models = try await client.models()
        } catch {
            try? await http.shutdown()
            guard !server.model.isEmpty else {
                throw SettingError("\(server.url): \(error); start the server, or name the model with --model")
            }
            return
        }
        try? await http.shutdown()
        let wanted = server.model
        guard let found = models.first(where: { wanted.isEmpty || $0.name == wanted }) else {
            guard !wanted.isEmpty else { throw SettingError("\(server.url) has no model; name one with --model") }
            return
        }
        (server.model, server.contextLength) = (found.name, found.contextLength)
    }
}

extension ClientSetup.Client: ExpressibleByArgument {}
