import ArgumentParser
import AsyncHTTPClient
import MartletJSON
import MartletPlatform
import NIOCore
import NIOHTTP1

/// The flags that select a running server, for commands about its models.
///
/// Example: `martlet ps --url http://192.168.1.5:8080 --api-key KEY`.
struct ServerOptions: ParsableArguments {
    @Option(help: "The server's base URL.")
    var url = "http://127.0.0.1:8080"

    @Option(help: "The API key. Default: the environment variable LLAMA_API_KEY.")
    var apiKey: String?

    /// Sends one request and prints an error as one line.
    /// - Parameter body: The JSON of a POST; `nil` = GET.
    /// - Throws: An exit code after one line on standard error, if the server cannot be reached or refuses.
    func send(_ path: String, _ body: JSONValue? = nil) async throws -> JSONValue {
        guard let base = BaseURL(url) else {
            throw CommandFailure.exit("--url must be a URL of a server, not '\(url.printable)'", usage: true)
        }
        let http = ChatClient.makeHTTP()
        let result: Result<JSONValue, any Error>
        do {
            result = .success(try await exchange(http, base.description + path, body))
        } catch {
            result = .failure(error)
        }
        try? await http.shutdown()
        switch result {
        case .success(let value): return value
        case .failure(let error as ExitCode): throw error
        case .failure(let error): throw CommandFailure.exit(ConnectionProblem.text(error, url: base))
        }
    }

    /// The longest body of a response.
    private static let maximumByteCount = 64 << 20

    /// Sends the request and reads the whole response.
    private func exchange(_ http: HTTPClient, _ url: String, _ body: JSONValue?) async throws -> JSONValue {
        var request = HTTPClientRequest(url: url)
        if let body {
            request.method = .POST
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body.bytes))
        }
        if let key = apiKey ?? CurrentProcess.environment("LLAMA_API_KEY"), !key.isEmpty {
            request.headers.add(name: "Authorization", value: "Bearer \(key)")
        }
        let response = try await http.execute(request, timeout: .seconds(60))
        let bytes = try await response.body.collect(upTo: Self.maximumByteCount)
        let value = (try? JSONParser.parse(Array(bytes.readableBytesView))) ?? .null
        guard response.status != .methodNotAllowed else {
            throw CommandFailure.exit(
                "this server has one model, which stays loaded; start it with --models-dir to load others")
        }
        guard response.status == .ok else {
            let message = ErrorAdvice.line(in: value) ?? "the server responds with \(response.status)"
            throw CommandFailure.exit(message)
        }
        return value
    }
}

/// `martlet ps`: prints the models of a running server that are loaded, load, or have failed.
///
/// Example:
///
///     NAME          STATUS   REQUESTS  CONTEXT  SIZE
///     qwen3-0.6b    ready    2         40960    604 MiB
///     gemma         loading  1                  806 MiB
struct LoadedModelsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ps", abstract: "List the loaded models of a running server.",
        discussion: "A server of one model is listed, too. --all also lists models that are not loaded.")

    /// The server.
    @OptionGroup var server: ServerOptions

    @Flag(help: "Also list models that are not loaded.")
    var all = false

    @Flag(help: "Print the server's JSON.")
    var json = false

    /// Prints the table or the JSON.
    func run() async throws {
        CurrentProcess.prepare()
        let list = try await server.send("/v1/models")
        if json { return Terminal.write(list.text + "\n") }
        Terminal.write(Self.table(list, all: all))
    }

    /// One line per model. A model of a server without loads and unloads has no status and is loaded.
    static func table(_ list: JSONValue, all: Bool) -> String {
        var lines = [["NAME", "STATUS", "REQUESTS", "CONTEXT", "SIZE"]]
        // The reasons of failures stand below the table, because they are long.
        var problems = ""
        for model in list["data"]?.arrayValue ?? [] {
            let status = model["status"]
            let phase = status?["phase"]?.stringValue ?? "ready"
            guard all || !["absent", "unloaded"].contains(phase) else { continue }
            let percent = (status?["fraction"]?.doubleValue).map { " \(Int($0 * 100))%" } ?? ""
            let requests = (status?["running"]?.integerValue ?? 0) + (status?["waiting"]?.integerValue ?? 0)
            let context = model["meta"]?["n_ctx"]?.integerValue ?? model["context_length"]?.integerValue
            let size = model["size"]?.integerValue ?? model["meta"]?["size"]?.integerValue
            lines.append([
                (model["id"]?.stringValue ?? "").printable, phase + (phase == "loading" ? percent : ""), "\(requests)",
                context.map { "\($0)" } ?? "", size.map { DoctorFinding.size(UInt64(max(0, $0))) } ?? "",
            ])
            if let error = status?["error"]?.stringValue, phase == "failed" {
                let reason = error.split(separator: "\n").joined(separator: "; ")
                problems += "\((model["id"]?.stringValue ?? "").printable): \(reason.printable)\n"
            }
        }
        return TextTable.text(lines) + problems
    }
}

/// `martlet load`: loads a model of a running server, and waits until it is ready.
///
/// Example: `martlet load qwen3-0.6b` prints `qwen3-0.6b is loaded`. A model that is loaded already is no error.
struct LoadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load", abstract: "Load a model of a running server.",
        discussion: "Idle models make room if memory is short. The command waits until the model is ready.")

    @Argument(help: "The model's name.")
    var model: String

    /// The server.
    @OptionGroup var server: ServerOptions

    @Flag(help: "Only print what the load needs and which models would go.")
    var plan = false

    @Flag(help: "Print the server's JSON of --plan.")
    var json = false

    /// Begins the load, and polls the state every 200 ms. The exit code is 1 if the load fails.
    func run() async throws {
        CurrentProcess.prepare()
        let body: JSONValue = ["model": .string(model)]
        if plan {
            let reply = try await server.send("/models/plan", body)
            return Terminal.write(json ? reply.text + "\n" : LoadPlanText.text(reply))
        }
        let begun = try await server.send("/models/load", body)
        let name = begun["model"]?.stringValue ?? model
        let state = try await LoadState.wait(for: name) {
            try await server.send("/v1/models")
        } progress: { fraction in
            guard isatty(STDERR_FILENO) == 1 else { return }
            let share = fraction.map { " \(Int($0 * 100))%" } ?? ""
            // The line is erased, because the next text may be shorter.
            Terminal.write("\r\u{1B}[Kmartlet: loading \(name.printable)\(share)", to: STDERR_FILENO)
        }
        if isatty(STDERR_FILENO) == 1 { Terminal.write("\r\u{1B}[K", to: STDERR_FILENO) }
        if case .ended(let reason) = state { throw CommandFailure.exit(reason) }
        Terminal.write("\(name.printable) is loaded\n")
    }
}

/// `martlet unload`: unloads a model of a running server.
///
/// Example: `martlet unload qwen3-0.6b` prints `qwen3-0.6b is draining` or `qwen3-0.6b is unloaded`.
struct UnloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unload", abstract: "Unload a model of a running server.",
        discussion: "Running generations may end first. --force ends them.")

    @Argument(help: "The model's name.")
    var model: String

    /// The server.
    @OptionGroup var server: ServerOptions

    @Flag(help: "End running generations at once.")
    var force = false

    /// Begins the unload and prints the state that follows.
    func run() async throws {
        CurrentProcess.prepare()
        let result = try await server.send("/models/unload", ["model": .string(model), "force": .bool(force)])
        let phase = result["status"]?["phase"]?.stringValue ?? "unloaded"
        Terminal.write("\((result["model"]?.stringValue ?? model).printable) is \(phase)\n")
    }
}
