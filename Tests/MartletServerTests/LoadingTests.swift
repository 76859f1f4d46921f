import MartletProtocol
import MartletTestSupport
import Testing

@Suite struct LoadingTests {
    private static let loading = EngineState.loading(LoadProgress(stage: .textModel, fraction: 0.5))
    private static let loadingBody = #"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#

    @Test(arguments: ["/health", "/v1/health", "/v1/models", "/props", "/slots"])
    func routesThatNeedTheModelSayThatItLoads(path: String) async throws {
        try await TestServer.run(state: Self.loading) { server async throws in
            let (head, body) = try await server.send("GET", path)
            #expect(head.status == 503)
            #expect(body == Self.loadingBody)
            #expect(head["retry-after"] == "1")
            server.engine.change(to: .ready(.fake))
            #expect(try await server.send("GET", path).head.status == 200)
        }
    }

    @Test func generationsWaitAndStartWhenTheModelIsReady() async throws {
        try await TestServer.run(state: Self.loading, script: .complete(["a"])) { server async throws in
            let (stream, head) = try await server.stream()
            #expect(head.status == 200)
            let whole = try await server.connect()
            try await whole.send("POST", "/v1/chat/completions", body: chat(stream: false))
            server.engine.change(to: Self.loading)
            server.engine.change(to: .ready(.fake))
            #expect(try content(of: try await stream.readEvents()) == "a")
            #expect(try await whole.readHead().status == 200)
        }
    }

    @Test func aWaitingStreamIsPinged() async throws {
        try await TestServer.run(state: Self.loading) { server async throws in
            let (stream, _) = try await server.stream(chat(stream: true, #","sse_ping_interval":1"#))
            #expect(try await stream.readEvent() == ":")
        }
    }

    @Test func errorsAreReportedAsSoonAsTheyAreKnown() async throws {
        try await TestServer.run(state: Self.loading) { server async throws in
            let message = #"{"messages":[{"role":"tool","content":"x"}],"stream":true}"#
            let (stream, _) = try await server.stream(message)
            server.engine.change(to: .ready(.fake))
            let events = try await stream.readEvents()
            #expect(events.first?.contains("a conversation cannot begin with a tool") == true)
            #expect(events.first?.contains(#""code":400"#) == true)
            #expect(server.engine.requests.isEmpty)
        }
    }

    @Test func aFailedLoadFailsWaitingAndLaterRequests() async throws {
        try await TestServer.run(state: Self.loading) { server async throws in
            let (stream, _) = try await server.stream()
            server.engine.change(to: .failed(EngineError(.loadFailed, "no such file")))
            let events = try await stream.readEvents()
            #expect(events.first?.contains("no such file") == true)
            let (head, body) = try await server.send("POST", "/v1/chat/completions", body: chat(stream: true))
            #expect(head.status == 500)
            #expect(body.contains("no such file"))
            #expect(try await server.send("GET", "/health").head.status == 500)
        }
    }

    @Test func aRestartingEngineStillAcceptsRequests() async throws {
        try await TestServer.run(script: .hold) { server async throws in
            server.engine.change(to: .restarting(EngineError(.engineLost, "it died")))
            server.engine.change(to: Self.loading)
            #expect(try await server.send("GET", "/health").head.status == 503)
            let (stream, head) = try await server.stream()
            #expect(head.status == 200)
            server.engine.change(to: .ready(.fake))
            server.engine.finish(await server.engine.request(0).handle)
            #expect(try await stream.readEvents().last == "data: [DONE]")
        }
    }
}
