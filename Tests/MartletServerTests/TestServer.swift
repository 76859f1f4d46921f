import Logging
import MartletJSON
import MartletProtocol
import MartletServer
import MartletTestSupport

/// An edge server on a free port with a fake engine.
struct TestServer: Sendable {
    let port: Int
    let engine: FakeEngine
    let edge: EdgeServer

    /// Runs `body` with a server, then shuts it down. The server must end by itself then.
    static func run(
        state: EngineState = .ready(.fake), script: FakeEngine.Script = .admit,
        logger: Logger = EdgeRun.quiet,
        configure: (inout ServerConfiguration) -> Void = { _ in },
        body: (TestServer) async throws -> Void
    ) async throws {
        let edgeRun = EdgeRun()
        var configuration = edgeRun.configuration
        configure(&configuration)
        var made: FakeEngine?
        let edge = EdgeServer(configuration: configuration, logger: logger) { receiver in
            let engine = FakeEngine(receiver, state: state, script: script)
            made = engine
            return engine
        }
        guard let engine = made else { return }
        try await edgeRun.run(edge) { try await body(TestServer(port: $0, engine: engine, edge: edge)) }
    }

    func connect(receiveBufferBytes: Int? = nil) async throws -> RawConnection {
        try await RawConnection.connect(port: port, receiveBufferBytes: receiveBufferBytes)
    }

    /// Sends one request on a new connection.
    func send(
        _ method: String, _ path: String, headers: [(String, String)] = [], body: String? = nil
    ) async throws -> (head: RawResponseHead, body: String) {
        let connection = try await connect()
        try await connection.send(method, path, headers: headers, body: body)
        let head = try await connection.readHead()
        let text = method == "HEAD" ? "" : try await connection.readBody()
        try await connection.close()
        return (head, text)
    }

    /// Begins a streaming chat completion and reads the response's head.
    func stream(
        _ body: String = chat(stream: true), receiveBufferBytes: Int? = nil
    ) async throws -> (connection: RawConnection, head: RawResponseHead) {
        let connection = try await connect(receiveBufferBytes: receiveBufferBytes)
        try await connection.send("POST", "/v1/chat/completions", body: body)
        return (connection, try await connection.readHead())
    }

    /// Sends a request with headers to any route and reads the response's head.
    func open(
        _ headers: [(String, String)], _ body: String = chat(stream: true), path: String = "/v1/chat/completions",
        receiveBufferBytes: Int? = nil
    ) async throws -> (connection: RawConnection, head: RawResponseHead) {
        let connection = try await connect(receiveBufferBytes: receiveBufferBytes)
        try await connection.send("POST", path, headers: headers, body: body)
        return (connection, try await connection.readHead())
    }
}

/// A chat completion request with one message.
func chat(stream: Bool, _ more: String = "", content: String = "hi") -> String {
    #"{"messages":[{"role":"user","content":"\#(content)"}],"stream":\#(stream)\#(more)}"#
}

func json(_ text: String) throws -> JSONValue {
    try JSONParser.parse(Array(text.utf8))
}

/// The texts of a chat stream's chunks, joined.
func content(of events: [String]) throws -> String {
    try events.filter { $0.hasPrefix("data: {") }.map { event in
        try json(String(event.dropFirst(6)))["choices"]?.arrayValue?.first?["delta"]?["content"]?.stringValue ?? ""
    }.joined()
}
