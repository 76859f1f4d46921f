import MartletJSON
import MartletProtocol
import MartletServer
import MartletTestSupport
import Testing

@Suite struct ErrorTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var path = "/v1/chat/completions"
        var body: String
        var status = 400
        var type = "invalid_request_error"
        var says: [String]
        var testDescription: String { "\(path) \(body.prefix(60))" }
    }

    static let cases = [
        Case(body: "", says: ["JSON"]),
        Case(body: "{", says: ["JSON", "line 1"]),
        Case(body: "[1]", says: ["object", "array"]),
        Case(body: "{}", says: ["messages", "required"]),
        Case(body: #"{"messages":[]}"#, says: ["messages", "empty"]),
        Case(body: #"{"messages":"hi"}"#, says: ["messages", "array", "hi"]),
        Case(body: #"{"messages":[{"role":"king","content":"x"}]}"#, says: ["messages[0].role", "king"]),
        Case(
            body: #"{"messages":[{"role":"user","content":[{"type":"smell"}]}]}"#,
            says: ["messages[0].content[0].type", "smell"]),
        Case(body: chat(stream: true, #","temperature":"hot""#), says: ["temperature", "number", "hot"]),
        Case(body: chat(stream: true, #","max_tokens":-2"#), says: ["max_tokens", "-2"]),
        Case(body: chat(stream: true, #","sse_ping_interval":-5"#), says: ["sse_ping_interval", "-5"]),
        Case(
            body: #"{"messages":[{"role":"tool","content":"x"}]}"#, says: ["a conversation cannot begin with a tool"]),
        Case(path: "/v1/completions", body: "{}", says: ["prompt"]),
        Case(path: "/tokenize", body: "{}", says: ["content"]),
        Case(path: "/detokenize", body: #"{"tokens":[1,900]}"#, says: ["900", "vocabulary"]),
        Case(path: "/apply-template", body: "{}", says: ["messages"]),
    ]

    @Test(arguments: cases) func badInputIsNamed(test: Case) async throws {
        try await TestServer.run { server async throws in
            let (head, body) = try await server.send("POST", test.path, body: test.body)
            #expect(head.status == test.status)
            #expect(head["content-type"] == "application/json; charset=utf-8")
            let error = try json(body)["error"]
            #expect(error?["code"] == .integer(Int64(test.status)))
            #expect(error?["type"]?.stringValue == test.type)
            for word in test.says { #expect(error?["message"]?.stringValue?.contains(word) == true, "\(body)") }
            #expect(server.engine.requests.isEmpty)
        }
    }

    @Test(arguments: [true, false]) func aRefusalIsAPlainHTTPError(stream: Bool) async throws {
        let error = EngineError(.contextExceeded, "the prompt is too long", promptTokens: 99, contextSize: 64)
        try await TestServer.run(script: .refuse(error)) { server async throws in
            let (head, body) = try await server.send("POST", "/v1/chat/completions", body: chat(stream: stream))
            #expect(head.status == 400)
            let error = try json(body)["error"]
            #expect(error?["type"] == "exceed_context_size_error")
            #expect(error?["n_prompt_tokens"] == 99)
            #expect(error?["n_ctx"] == 64)
        }
    }

    @Test func anOverloadedEngineAsksToTryLater() async throws {
        try await TestServer.run(script: .refuse(EngineError(.overloaded, "the queue is full"))) {
            server async throws in
            let (head, body) = try await server.send("POST", "/v1/chat/completions", body: chat(stream: true))
            #expect(head.status == 503)
            #expect(head["retry-after"] == "1")
            #expect(body.contains("the queue is full"))
        }
    }

    @Test func anErrorInTheMiddleIsTheStreamsLastEvent() async throws {
        try await TestServer.run { server async throws in
            let (connection, _) = try await server.stream()
            let handle = await server.engine.request(0).handle
            server.engine.step([handle], text: "a")
            server.engine.fail(handle, EngineError(.engineLost, "the worker died"))
            server.engine.step([handle], text: "b")
            let events = try await connection.readEvents()
            #expect(events.filter { $0.contains("the worker died") }.count == 1)
            #expect(try content(of: events) == "a")
        }
    }

    @Test func aBodyThatIsTooLargeIsRefused() async throws {
        try await TestServer.run {
            $0.limits.bodyBytes = 1_000
        } body: { server async throws in
            let large = String(repeating: " ", count: 1_001)
            let (head, body) = try await server.send("POST", "/v1/chat/completions", body: large)
            #expect(head.status == 413)
            #expect(body.contains("at most 1000 bytes") && body.contains("1001"))
            let chunked = try await server.connect()
            try await chunked.send("POST", "/v1/chat/completions", headers: [("Transfer-Encoding", "chunked")])
            try await chunked.send("3e9\r\n\(large)\r\n0\r\n\r\n")
            #expect(try await chunked.readHead().status == 413)
        }
    }

    @Test func anUnknownRouteIs404AndAWrongMethod405() async throws {
        try await TestServer.run { server async throws in
            let (unknown, unknownBody) = try await server.send("GET", "/nothing")
            #expect(unknown.status == 404)
            #expect(try json(unknownBody)["error"]?["type"] == "not_found_error")
            let (wrong, wrongBody) = try await server.send("GET", "/v1/completions")
            #expect(wrong.status == 405)
            #expect(wrong["allow"] == "POST")
            #expect(wrongBody.contains("allows POST, but got GET"))
            #expect(try await server.send("DELETE", "/health").head["allow"] == "GET, HEAD")
        }
    }

    @Test func bytesThatAreNoHTTPAreRefusedAndTheConnectionCloses() async throws {
        try await TestServer.run { server async throws in
            let connection = try await server.connect()
            try await connection.send("nonsense\r\n\r\n")
            #expect(try await connection.readHead().status == 400)
            #expect(try json(try await connection.readBody())["error"]?["type"] == "invalid_request_error")
            await connection.waitForClose()
            let chunked = try await server.connect()
            try await chunked.send("POST", "/v1/chat/completions", headers: [("Transfer-Encoding", "chunked")])
            try await chunked.send("this is no length\r\n")
            #expect(try await chunked.readHead().status == 400)
            #expect(try json(try await chunked.readBody())["error"]?["type"] == "invalid_request_error")
            await chunked.waitForClose()
        }
    }

    @Test func headersThatAreTooLargeAreRefused() async throws {
        try await TestServer.run { server async throws in
            let large = String(repeating: "x", count: 100_000)
            let (head, body) = try await server.send("GET", "/health", headers: [("X-Large", large)])
            #expect(head.status == 431)
            #expect(try json(body)["error"]?["code"] == 431)
        }
    }

    @Test(arguments: [
        "G@T / HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET  HTTP/1.1\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
        "GET /%zz%00?%=&&;\u{FF}=\u{1F600} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: localhost\r\nX: \u{01}\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost : localhost\r\n\r\n", "GET /health HTTP/1.1\r\n: x\r\n\r\n",
        "PATCH * HTTP/1.1\r\nHost: localhost\r\n\r\n", "CONNECT x:1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        "POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        "POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /tokenize HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
        "POST /tokenize HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        "GET /health HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\r\nnonsense",
        "GET /slots?%=&=& HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ]) func noMistakeOfAClientIsTheServersFault(text: String) async throws {
        try await TestServer.run {
            $0.limits.requestTimeout = .milliseconds(100)
            $0.limits.idleTimeout = .milliseconds(200)
        } body: { server async throws in
            let connection = try await server.connect()
            try await connection.send(text)
            // Closing without a response is allowed, too.
            if let head = try? await connection.readHead() { #expect(head.status < 500, "\(head.status)") }
            try? await connection.close()
        }
    }
}
