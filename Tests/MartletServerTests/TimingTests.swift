import MartletJSON
import MartletProtocol
import MartletServer
import MartletTestSupport
import Testing

/// The phases of a generation, visible to its owner.
@Suite struct TimingTests {
    private static func timing(
        _ id: String, of server: TestServer, headers: [(String, String)] = []
    ) async throws -> JSONValue {
        let (head, body) = try await server.send("GET", "/v1/generations/\(id)/timing", headers: headers)
        #expect(head.status == 200)
        return try json(body)
    }

    private static let steps = [
        "total", "load", "tokenize", "queue", "prompt", "first_token", "decode", "sampling", "grammar", "readers",
    ]

    @Test func eachStepIsKnownWhenItIsDone() async throws {
        try await TestServer.run(
            script: .hold, configure: { $0.admissionTimeout = .milliseconds(1) }
        ) { server async throws in
            // Otherwise the response's head waits for the admission.
            server.engine.change(to: .restarting(EngineError(.engineLost, "it died")))
            let (connection, head) = try await server.open([("X-Stream-Resume", "1")])
            let id = try #require(head["x-generation-id"])
            let handle = await server.engine.request(0).handle
            /// The phases that have a time.
            func known() async throws -> Set<String> {
                let times = try await Self.timing(id, of: server)["milliseconds"]
                return Set(Self.steps.filter { times?[$0]?.doubleValue ?? -1 >= 0 })
            }
            #expect(try await known() == ["total", "load", "readers"])
            server.engine.send([EngineEvent(handle, .admitted(promptTokens: 30))])
            #expect(try await known() == ["total", "load", "readers", "tokenize"])
            server.engine.send([EngineEvent(handle, .started(slot: 0, cachedTokens: 10))])
            #expect(try await known() == ["total", "load", "readers", "tokenize", "queue"])
            let begun = try await Self.timing(id, of: server)
            #expect(begun["state"] == "running")
            #expect(begun["tokens"] == ["prompt": 30, "cached": 10, "read": 20, "generated": 0])
            server.engine.step([handle], text: "a")
            #expect(
                try await known() == ["total", "load", "readers", "tokenize", "queue", "prompt", "first_token"])
            var timings = Timings()
            timings.promptTokens = 30
            timings.cachedTokens = 10
            timings.predictedTokens = 2
            timings.promptTime = .milliseconds(40)
            timings.predictedTime = .milliseconds(10)
            timings.samplingTime = .microseconds(1_500)
            timings.grammarTime = .microseconds(250)
            server.engine.finish(handle, timings: timings)
            let bytes = try await connection.readBody().utf8.count
            #expect(try await known() == Set(Self.steps))
            let ended = try await Self.timing(id, of: server)
            #expect(ended["state"] == "finished")
            #expect(ended["object"] == "generation.timing")
            #expect(ended["tokens"] == ["prompt": 30, "cached": 10, "read": 20, "generated": 2])
            #expect(ended["milliseconds"]?["sampling"] == 1.5)
            #expect(ended["milliseconds"]?["grammar"] == 0.25)
            #expect(ended["tokens_per_second"]?["prompt"]?.doubleValue == 500)
            #expect(ended["tokens_per_second"]?["decode"]?.doubleValue == 100)
            #expect(ended["bytes_to_readers"]?.integerValue == Int64(bytes))
            // Times do not change after the end.
            #expect(try await Self.timing(id, of: server)["milliseconds"]?["total"] == ended["milliseconds"]?["total"])
        }
    }

    @Test func timeForTheModelIsNoTimeInTheQueue() async throws {
        let loading = EngineState.loading(LoadProgress(stage: .textModel, fraction: 0.5))
        try await TestServer.run(state: loading, script: .complete(["a"])) { server async throws in
            let (connection, head) = try await server.open([("X-Stream-Resume", "1")])
            let id = try #require(head["x-generation-id"])
            let waiting = try await Self.timing(id, of: server)
            #expect(waiting["state"] == "queued")
            #expect(waiting["milliseconds"]?["load"] == nil)
            server.engine.change(to: .ready(.fake))
            _ = try await connection.readEvents()
            let times = try await Self.timing(id, of: server)["milliseconds"]
            #expect(times?["load"]?.doubleValue ?? 0 > 0)
            #expect(times?["queue"]?.doubleValue ?? -1 >= 0)
        }
    }

    @Test func onlyItsOwnerGetsTheTiming() async throws {
        try await TestServer.run(script: .complete(["a"]), configure: { $0.apiKeys = ["one", "two"] }) {
            server async throws in
            let keys = ["one", "two"].map { ("Authorization", "Bearer \($0)") }
            let (connection, head) = try await server.open([keys[0], ("X-Stream-Resume", "1")])
            _ = try await connection.readEvents()
            let id = try #require(head["x-generation-id"])
            _ = try await Self.timing(id, of: server, headers: [keys[0]])
            let foreign = try await server.send("GET", "/v1/generations/\(id)/timing", headers: [keys[1]])
            let unknown = try await server.send(
                "GET", "/v1/generations/\(String(repeating: "0", count: 32))/timing", headers: [keys[1]])
            #expect(foreign.head.status == 404 && unknown.head.status == 404)
            #expect(foreign.body == unknown.body)
        }
    }
}
