import ArgumentParser
import AsyncHTTPClient
import NIOCore

/// The server of a chat: the one of `--url`, the usual one if it responds, or one inside this process.
enum ChatServer {
    /// The address of a server without flags.
    static let usualURL = BaseURL("127.0.0.1:8080")

    /// Chooses the server and runs the body. Shuts client and server down in any case. The process must be prepared.
    /// - Parameters:
    ///   - url: A running server; `nil` = the usual one if it responds within 300 ms, else an embedded one.
    ///   - model: A GGUF file for an embedded server; `nil` = the demo model.
    /// - Throws: An exit code after one line on standard error.
    static func run(
        url: BaseURL?, key: String?, model: String?, _ body: (ChatClient) async throws -> Void
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

    private static func choose(
        _ http: HTTPClient, url: BaseURL?, key: String?, model: String?, _ body: (ChatClient) async throws -> Void
    ) async throws {
        if let url { return try await body(ChatClient(http: http, url: url, key: key)) }
        if model == nil, let usualURL {
            let usual = ChatClient(http: http, url: usualURL, key: key)
            if await usual.isAlive(within: .milliseconds(300)) { return try await body(usual) }
        }
        let edge = try EmbeddedEdge(model: model)
        guard let address = BaseURL(try await edge.start()) else { return }
        do {
            try await body(ChatClient(http: http, url: address, key: nil))
        } catch {
            // The end of the server explains an error of the connection.
            let end = await edge.stop()
            throw error is ExitCode ? error : end ?? error
        }
        _ = await edge.stop()
    }
}
