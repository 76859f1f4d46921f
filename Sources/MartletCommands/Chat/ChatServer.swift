import ArgumentParser
import AsyncHTTPClient
import NIOCore

/// The server of a chat: the one of `--url`, the usual one if it responds, or one inside this process.
enum ChatServer {
    /// The address of a server without flags.
    static let usualURL = BaseURL("127.0.0.1:8080")

    /// The model of a chat.
    enum Wish {
        /// The default model of the server, or the demo model.
        case any
        /// A name or an alias of a model. The closure finds a file for a server inside this process if no running server
        /// has the name.
        case named(String, file: () async throws -> String)
    }

    /// Chooses the server and runs the body. Shuts client and server down in any case. The process must be prepared.
    /// - Parameters:
    ///   - url: A running server; `nil` = the usual one if it responds within 300 ms and has the model, else an embedded one.
    ///   - body: Receives the client and the model's name at a running server.
    /// - Throws: An exit code after one line on standard error.
    static func run(
        url: BaseURL?, key: String?, model: Wish, _ body: (ChatClient, String?) async throws -> Void
    ) async throws {
        let http = ChatClient.makeHTTP()
        let result: Result<Void, any Error>
        do {
            result = .success(try await choose(http, url: url, key: key, model: model, body))
        } catch {
            result = .failure(error)
        }
        try? await http.shutdown()
        switch result {
        case .success: return
        case .failure(let error as SettingError): throw CommandFailure.exit(error)
        case .failure(let error): throw error
        }
    }

    /// The models of the usual server; `nil` = no server responds within 300 ms, or it refuses.
    static func usualModelNames() async -> [String]? {
        guard let usualURL else { return nil }
        let http = ChatClient.makeHTTP()
        let client = ChatClient(http: http, url: usualURL, key: CurrentProcess.environment("LLAMA_API_KEY"))
        var names: [String]?
        if await client.isAlive(within: .milliseconds(300)) { names = try? await client.modelNames() }
        try? await http.shutdown()
        return names
    }

    /// Why the first of these servers that does not respond cannot be reached; `nil` = all respond.
    static func problem(of urls: [BaseURL], key: String?) async -> String? {
        let http = ChatClient.makeHTTP()
        var problem: String?
        for url in urls where problem == nil {
            do throws(ChatClient.Failure) {
                try await ChatClient(http: http, url: url, key: key).connect()
            } catch {
                problem = error.description
            }
        }
        try? await http.shutdown()
        return problem
    }

    /// The build of the Martlet server on a port of this machine; `nil` if another program responds, or none within a
    /// second.
    static func build(onPort port: Int) async -> String? {
        guard let url = BaseURL("127.0.0.1:\(port)") else { return nil }
        let http = ChatClient.makeHTTP()
        let client = ChatClient(http: http, url: url, key: CurrentProcess.environment("LLAMA_API_KEY"))
        let build = await client.martletBuild(within: .seconds(1))
        try? await http.shutdown()
        return build
    }

    private static func choose(
        _ http: HTTPClient, url: BaseURL?, key: String?, model: Wish,
        _ body: (ChatClient, String?) async throws -> Void
    ) async throws {
        if let url {
            let client = ChatClient(http: http, url: url, key: key)
            // An unknown name is an error of that server: no file is searched.
            if case .named(let name, _) = model { return try await body(client, name) }
            return try await body(client, nil)
        }
        if let usualURL {
            let usual = ChatClient(http: http, url: usualURL, key: key)
            if await usual.isAlive(within: .milliseconds(300)) {
                guard case .named(let wanted, _) = model else { return try await body(usual, nil) }
                if let name = await usual.servedName(of: wanted) { return try await body(usual, name) }
            }
        }
        var path: String?
        if case .named(_, let file) = model { path = try await file() }
        try await embed(http, model: path, body)
    }

    /// Runs the body with a server inside this process.
    /// - Parameter model: A GGUF file; `nil` = the demo model.
    private static func embed(
        _ http: HTTPClient, model: String?, _ body: (ChatClient, String?) async throws -> Void
    ) async throws {
        let edge: EmbeddedEdge
        do throws(SettingError) {
            edge = try EmbeddedEdge(model: model)
        } catch {
            // The file or a variable is wrong, as for a flag of `martlet serve`.
            throw CommandFailure.exit(error, usage: true)
        }
        guard let address = BaseURL(try await edge.start()) else { return }
        do {
            try await body(ChatClient(http: http, url: address, key: nil), nil)
        } catch {
            // The end of the server explains an error of the connection.
            let end = await edge.stop()
            throw error is ExitCode ? error : end ?? error
        }
        _ = await edge.stop()
    }
}
