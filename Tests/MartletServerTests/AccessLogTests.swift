import MartletJSON
import MartletProtocol
import MartletTestSupport
import Testing

@testable import MartletServer

@Suite struct AccessLogTests {
    private static let timings: Timings = {
        var timings = Timings()
        timings.promptTokens = 12
        timings.cachedTokens = 4
        timings.predictedTokens = 3
        timings.queueTime = .milliseconds(5)
        timings.promptTime = .milliseconds(20)
        timings.predictedTime = .milliseconds(50)
        return timings
    }()

    /// Runs `body` with a server and what it logs.
    private func run(
        _ format: AccessLog.Format, script: FakeEngine.Script = .admit,
        configure: (inout ServerConfiguration) -> Void = { _ in },
        body: (TestServer, Lines) async throws -> Void
    ) async throws {
        let (lines, line) = AsyncStream.makeStream(of: String.self)
        try await TestServer.run(script: script) {
            configure(&$0)
            $0.accessLog = AccessLog(format: format, includesProbes: true) { line.yield($0) }
        } body: { server async throws in
            try await body(server, Lines(stream: lines))
        }
    }

    @Test(arguments: [true, false]) func aCompletionIsLoggedWithItsCosts(stream: Bool) async throws {
        try await run(.json) {
            $0.apiKeys = ["secret"]
        } body: { server, lines async throws in
            let connection = try await server.connect()
            try await connection.send(
                "POST", "/v1/chat/completions", headers: [("Authorization", "Bearer secret")],
                body: chat(stream: stream, content: "private"))
            let handle = await server.engine.request(0).handle
            server.engine.finish(handle, .tokenLimit, timings: Self.timings)
            let head = try await connection.readHead()
            _ = try await connection.readBody()
            let line = try await lines.next()
            let record = try json(line)
            #expect(record["request"]?.stringValue == head["x-request-id"])
            #expect(record["key"] == "2bb80d53")
            #expect(record["method"] == "POST")
            #expect(record["route"] == "/v1/chat/completions")
            #expect(record["status"] == 200)
            #expect(record["model"] == "martlet")
            #expect(record["prompt_tokens"] == 12)
            #expect(record["cached_tokens"] == 4)
            #expect(record["generated_tokens"] == 3)
            #expect(record["queue_ms"]?.doubleValue == 5)
            #expect(record["ttft_ms"]?.doubleValue == 25)
            #expect(record["tokens_per_second"]?.doubleValue == 40)
            #expect(record["finish"] == "token_limit")
            #expect((record["duration_ms"]?.doubleValue ?? -1) > 0)
            #expect(record["time"]?.stringValue?.hasSuffix("Z") == true)
            #expect(!line.contains("secret") && !line.contains("private") && !line.contains("\n"))
        }
    }

    @Test func aClientThatLeavesIsLoggedWhenItsGenerationHasEnded() async throws {
        try await run(.json) { server, lines async throws in
            server.engine.setEndsOnCancel(false)
            let (connection, _) = try await server.stream()
            let handle = await server.engine.request(0).handle
            try await connection.close()
            await server.engine.waitForCancel(of: handle)
            server.engine.finish(handle, .cancelled, timings: Self.timings)
            let record = try await json(lines.next())
            #expect(record["finish"] == "cancelled")
            #expect(record["generated_tokens"] == 3)
        }
    }

    @Test func requestsWithoutAGenerationAreLoggedToo() async throws {
        try await run(.text) {
            $0.apiKeys = ["secret"]
        } body: { server, lines async throws in
            _ = try await server.send("GET", "/health")
            let health = try await lines.next()
            #expect(health.contains(" access: request="))
            #expect(health.contains(" method=GET route=/health status=200 duration_ms="))
            #expect(!health.contains("key=") && !health.contains("model="))
            _ = try await server.send("GET", "/a/private/path", headers: [("Authorization", "Bearer wrong")])
            let unknown = try await lines.next()
            #expect(unknown.contains(" route=none status=401 "))
            #expect(!unknown.contains("private") && !unknown.contains("wrong"))
        }
    }

    @Test func anErrorIsNamedAndItsTextCannotFakeALine() async throws {
        try await run(.text, script: .refuse(EngineError(.invalidRequest, "no\nstatus=200"))) {
            server, lines async throws in
            _ = try await server.send("POST", "/v1/chat/completions", body: chat(stream: true))
            let line = try await lines.next()
            #expect(line.contains(" status=400 "))
            #expect(line.hasSuffix(#" finish=error error="no\nstatus=200""#))
        }
    }

    @Test func aTraceContinuesThroughTheServer() async throws {
        let trace = "0af7651916cd43dd8448eb211c80319c"
        try await run(.text) { server, lines async throws in
            let (head, _) = try await server.send(
                "GET", "/health", headers: [("traceparent", "00-\(trace)-b7ad6b7169203331-01")])
            let response = try #require(TraceContext(head["traceparent"]))
            #expect(response.traceID == trace)
            #expect(response.parentID != "b7ad6b7169203331")
            #expect(response.flags == "01")
            let traced = try await lines.next()
            #expect(traced.contains(" trace=\(trace) "))
            let (bad, _) = try await server.send("GET", "/health", headers: [("traceparent", "00-\(trace)-0-01")])
            #expect(bad.status == 200)
            #expect(bad["traceparent"] == nil)
            let untraced = try await lines.next()
            #expect(!untraced.contains("trace="))
        }
    }

    @Test(arguments: [
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true),
        ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later", true),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later", false),
        ("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
        ("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", false),
        ("00-00000000000000000000000000000000-b7ad6b7169203331-01", false),
        ("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false),
        ("00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01", false),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", false), ("", false), ("a-b-c-d", false),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" + String(repeating: "-x", count: 500), false),
    ])
    func onlyAValidTraceCounts(header: String, isValid: Bool) {
        #expect((TraceContext(header) != nil) == isValid)
    }

    @Test func aStepOfATraceHasSixteenDigits() throws {
        let trace = try #require(TraceContext("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"))
        #expect(trace.child(id: 1).header == "00-0af7651916cd43dd8448eb211c80319c-0000000000000001-00")
    }
}

/// The lines of an access log as they come.
private struct Lines: Sendable {
    let stream: AsyncStream<String>

    func next() async throws -> String {
        for await line in stream { return line }
        throw CancellationError()
    }
}
