import Foundation
import InMemoryTracing
import MartletProtocol
import MartletServer
import MartletTestSupport
import Testing
import Tracing

/// Spans of requests and generations.
@Suite(.timeLimit(.minutes(15))) struct TracingTests {
    private let tracer = InMemoryTracer()

    private func run(_ script: FakeEngine.Script, _ body: (TestServer) async throws -> Void) async throws {
        try await TestServer.run(script: script, configure: { $0.tracer = tracer }) { try await body($0) }
    }

    /// Waits for finished spans of this name. They end shortly after the last byte.
    private func spans(_ name: String, count: Int = 1) async -> [FinishedInMemorySpan] {
        while true {
            let spans = tracer.finishedSpans.filter { $0.operationName == name }
            if spans.count >= count { return spans }
            await Task.yield()
        }
    }

    @Test(arguments: [true, false]) func aGenerationIsPartOfItsRequestsTrace(streams: Bool) async throws {
        try await run(.complete(["a", "b"])) { server in
            let (head, _) = try await server.send(
                "POST", "/v1/chat/completions",
                headers: [("in-memory-trace-id", "trace-of-the-client"), ("in-memory-span-id", "span-of-the-client")],
                body: chat(stream: streams))
            let request = try #require(await spans("POST /v1/chat/completions").first)
            let generation = try #require(await spans("generation").first)
            #expect(request.kind == .server)
            #expect(request.spanContext.traceID == "trace-of-the-client")
            #expect(request.spanContext.parentSpanID == "span-of-the-client")
            #expect(request.attributes.get("http.response.status_code") == SpanAttribute.int64(200))
            #expect(generation.spanContext.traceID == "trace-of-the-client")
            #expect(generation.spanContext.parentSpanID == request.spanContext.spanID)
            #expect(generation.attributes.get("gen_ai.usage.output_tokens") == SpanAttribute.int64(2))
            // The response names the span.
            #expect(head["in-memory-span-id"] == request.spanContext.spanID)
            #expect(tracer.activeSpans.isEmpty)
        }
    }

    @Test func aResumableGenerationOutlivesItsRequest() async throws {
        try await run(.admit) { server in
            let (connection, _) = try await server.open([("X-Stream-Resume", "1")])
            let handle = await server.engine.request(0).handle
            try await connection.reset()
            _ = await spans("POST /v1/chat/completions")
            #expect(tracer.activeSpans.map(\.operationName) == ["generation"])
            server.engine.fail(handle, EngineError(.generationFailed, "broken"))
            let span = try #require(await spans("generation").first)
            #expect(span.status?.code == .error && span.status?.message == "broken")
        }
    }

    @Test func aClientThatDisconnectsIsNotWaitedFor() async throws {
        try await run(.admit) { server in
            let (connection, head) = try await server.open([("X-Stream-Resume", "1")])
            let id = try #require(head["x-generation-id"])
            let waiting = try await server.connect()
            try await waiting.send("GET", "/v1/generations/\(id)/result?wait=3600")
            while !tracer.activeSpans.contains(where: { $0.operationName == "GET" }) { await Task.yield() }
            try await waiting.close()
            while !tracer.finishedSpans.contains(where: { $0.operationName.hasPrefix("GET /v1/generations/") }) {
                await Task.yield()
            }
            #expect(tracer.activeSpans.contains { $0.operationName == "generation" })
            try await connection.close()
        }
    }

    @Test func aContinuedGenerationHasASpanOfItsOwn() async throws {
        let path = NSTemporaryDirectory() + "/martlet-tracing-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        func run(_ script: FakeEngine.Script, _ tracer: InMemoryTracer, _ body: (TestServer) async throws -> Void)
            async throws
        {
            try await TestServer.run(script: script) {
                $0.journal = JournalConfiguration(path: path)
                $0.tracer = tracer
            } body: {
                try await body($0)
            }
        }
        var id = ""
        try await run(.admit, tracer) { server in
            let (connection, head) = try await server.open([("X-Stream-Resume", "1")])
            id = try #require(head["x-generation-id"])
            server.engine.step([await server.engine.request(0).handle], token: 0, text: "a")
            await server.edge.shutDown()
            // The end of the connection is not this test's concern.
            _ = try? await connection.readEvents()
        }
        let second = InMemoryTracer()
        try await run(.complete(["a", "b"]), second) { server in
            _ = try await server.send("GET", "/v1/generations/\(id)/result?wait=60")
            func found() -> FinishedInMemorySpan? { second.finishedSpans.first { $0.operationName == "generation" } }
            while found() == nil { await Task.yield() }
            let span = try #require(found())
            #expect(span.attributes.get("martlet.continued") == SpanAttribute.bool(true))
            #expect(span.attributes.get("gen_ai.response.id") == SpanAttribute.string(id))
            #expect(span.attributes.get("gen_ai.usage.output_tokens") == SpanAttribute.int64(2))
        }
        // The ended generation is only retained.
        let third = InMemoryTracer()
        try await run(.hold, third) { server in
            let (head, _) = try await server.send("GET", "/v1/generations/\(id)/result")
            #expect(head.status == 200)
            let names = third.activeSpans.map(\.operationName) + third.finishedSpans.map(\.operationName)
            #expect(!names.contains("generation"))
        }
    }

    @Test func refusalsAndUnknownRoutesAreTracedToo() async throws {
        try await run(.hold) { server in
            _ = try await server.send("POST", "/v1/chat/completions", body: "{}")
            _ = try await server.send("GET", "/nothing")
            let refused = try #require(await spans("POST /v1/chat/completions").first)
            #expect(refused.attributes.get("http.response.status_code") == SpanAttribute.int64(400))
            #expect(refused.status == nil)
            let unknown = try #require(await spans("GET NotFound").first)
            #expect(unknown.attributes.get("http.response.status_code") == SpanAttribute.int64(404))
            #expect(tracer.activeSpans.isEmpty)
        }
    }
}
