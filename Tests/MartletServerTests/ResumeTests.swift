import MartletJSON
import MartletProtocol
import MartletServer
import MartletTestSupport
import Testing

/// Resumable generations, whatever their clients do.
@Suite struct ResumeTests {
    private static let label = ("X-Conversation-Id", "c1")
    private static let resume = ("X-Stream-Resume", "1")

    // MARK: Continuing

    @Test(arguments: DisconnectTests.Leaving.allCases, [true, false])
    func aClosedConnectionStopsNothing(leaving: DisconnectTests.Leaving, streams: Bool) async throws {
        try await TestServer.run { server async throws in
            let connection = try await server.connect()
            try await connection.send(
                "POST", "/v1/chat/completions", headers: [Self.label], body: chat(stream: streams))
            let handle = await server.engine.request(0).handle
            server.engine.step([handle], text: "a")
            try await leaving.disconnect(connection)
            // The server's own state is awaited, as it is certain.
            if streams, leaving == .halfClose { await connection.waitForClose() }
            server.engine.step([handle], text: "b")
            server.engine.finish(handle)
            let listed = try json(try await server.send("GET", "/v1/generations?label=c1").body)
            let id = try #require(listed["data"]?.arrayValue?.first?["id"]?.stringValue)
            let (head, body) = try await server.send("GET", "/v1/generations/\(id)/result")
            #expect(head.status == 200)
            #expect(try json(body)["choices"]?.arrayValue?.first?["message"]?["content"] == "ab")
            #expect(server.engine.cancelled.isEmpty)
        }
    }

    @Test func aQueuedGenerationCanBeReadAtOnce() async throws {
        try await TestServer.run(
            script: FakeEngine.Script { _ in [.admitted(promptTokens: 1)] }
        ) { server async throws in
            let (first, head) = try await server.open([Self.label])
            #expect(head["x-conversation-id"] == "c1")
            let id = try #require(head["x-generation-id"])
            let state = try json(try await server.send("GET", "/v1/generations/\(id)").body)
            #expect(state["state"] == "queued")
            #expect(state["queue_position"] == 0)
            #expect(state["label"] == "c1")
            try await first.reset()
            let second = try await server.connect()
            try await second.send("GET", "/v1/stream?conv_id=c1")
            #expect(try await second.readHead().status == 200)
            let handle = await server.engine.request(0).handle
            server.engine.step([handle], text: "a")
            server.engine.finish(handle)
            #expect(try content(of: try await second.readEvents()) == "a")
        }
    }

    @Test func whileTheModelLoadsToo() async throws {
        let loading = EngineState.loading(LoadProgress(stage: .textModel, fraction: 0.5))
        try await TestServer.run(state: loading, script: .complete(["a"])) { server async throws in
            let (first, head) = try await server.open([Self.label])
            #expect(head.status == 200)
            try await first.reset()
            let second = try await server.connect()
            try await second.send("GET", "/v1/stream/c1")
            #expect(try await second.readHead().status == 200)
            server.engine.change(to: .ready(.fake))
            #expect(try content(of: try await second.readEvents()) == "a")
        }
    }

    @Test func aStopWhileTheModelLoadsIsAStop() async throws {
        let loading = EngineState.loading(LoadProgress(stage: .textModel, fraction: 0.5))
        try await TestServer.run(state: loading, script: .complete(["a"])) { server async throws in
            let (first, _) = try await server.open([Self.label])
            #expect(try await server.send("DELETE", "/v1/stream?conv_id=c1").head.status == 204)
            #expect(try await first.readEvents().last == "data: [DONE]")
            server.engine.change(to: .ready(.fake))
            #expect(try await server.send("GET", "/health").head.status == 200)
            #expect(server.engine.requests.isEmpty)
        }
    }

    @Test func aBackgroundCompletionIsFetchedLater() async throws {
        try await TestServer.run { server async throws in
            let (head, body) = try await server.send(
                "POST", "/v1/chat/completions", body: chat(stream: false, #","background":true"#))
            #expect(head.status == 202)
            let id = try #require(try json(body)["id"]?.stringValue)
            #expect(head["location"] == "/v1/generations/\(id)")
            #expect(try await server.send("GET", "/v1/generations/\(id)/result").head.status == 202)
            let handle = await server.engine.request(0).handle
            let waiting = try await server.connect()
            try await waiting.send("GET", "/v1/generations/\(id)/result?wait=60")
            server.engine.step([handle], text: "a")
            server.engine.finish(handle)
            #expect(try await waiting.readHead().status == 200)
            #expect(try await waiting.readBody().contains(#""content":"a""#))
        }
    }

    @Test func alwaysMakesEveryStreamResumableAndNothingElse() async throws {
        try await TestServer.run(configure: { $0.resumesAlways = true }) { server async throws in
            let (stream, head) = try await server.open([])
            #expect(head["x-generation-id"] != nil)
            try await stream.reset()
            let whole = try await server.connect()
            try await whole.send("POST", "/v1/chat/completions", body: chat(stream: false))
            let handle = await server.engine.request(1).handle
            try await whole.reset()
            await server.engine.waitForCancel(of: handle)
            #expect(server.engine.cancelled == [handle])
        }
    }

    @Test func plainGenerationsCannotBeFetched() async throws {
        try await TestServer.run(script: .complete(["a"])) { server async throws in
            let (stream, head) = try await server.open([])
            #expect(head["x-generation-id"] == nil)
            let event = try #require(try await stream.readEvent())
            let id = try #require(try json(String(event.dropFirst(6)))["id"]?.stringValue)
            #expect(try await server.send("GET", "/v1/generations/\(id)").head.status == 404)
            #expect(try await server.send("GET", "/v1/generations").body == #"{"object":"list","data":[]}"#)
        }
    }

    // MARK: Stopping

    @Test(arguments: ["/v1/stream?conv_id=c1", "/v1/stream/c1", "id"])
    func stoppingReturnsWhenItHasStoppedAndTheTailStays(target: String) async throws {
        try await TestServer.run { server async throws in
            let (reader, head) = try await server.open([Self.label])
            let handle = await server.engine.request(0).handle
            server.engine.step([handle], text: "a")
            let id = try #require(head["x-generation-id"])
            let isByID = target == "id"
            let path = isByID ? "/v1/generations/\(id)" : target
            // The engine is slow; the response must wait for it.
            server.engine.setEndsOnCancel(false)
            let stop = try await server.connect()
            try await stop.send("DELETE", path)
            await server.engine.waitForCancel(of: handle)
            server.engine.step([handle], text: "b")
            server.engine.finish(handle, .cancelled)
            #expect(try await stop.readHead().status == (isByID ? 200 : 204))
            #expect(try content(of: try await reader.readEvents()) == "ab")
            let state = try json(try await server.send("GET", "/v1/generations/\(id)").body)
            #expect(state["state"] == "cancelled")
            let (again, tail) = try await server.send("GET", "/v1/stream?conv_id=c1")
            #expect(again.status == 200)
            #expect(tail.hasSuffix("data: [DONE]\n\n"))
            #expect(try await server.send("DELETE", path).head.status == (isByID ? 200 : 204))
        }
    }

    @Test func aNewerGenerationOfTheLabelEndsTheOlderAndIsNeverMixedWithIt() async throws {
        try await TestServer.run { server async throws in
            let (old, _) = try await server.open([Self.label])
            let first = await server.engine.request(0).handle
            server.engine.step([first], text: "old")
            let (new, _) = try await server.open([Self.label])
            let second = await server.engine.request(1).handle
            let resumed = try await server.connect()
            try await resumed.send("GET", "/v1/stream?conv_id=c1")
            _ = try await resumed.readHead()
            server.engine.step([first, second], text: "new")
            server.engine.finish(second)
            #expect(try content(of: try await old.readEvents()) == "old")
            #expect(try content(of: try await new.readEvents()) == "new")
            #expect(try content(of: try await resumed.readEvents()) == "new")
            #expect(server.engine.cancelled == [first])
        }
    }

    @Test(arguments: [
        (#"{"messages":[],"stream":true}"#, 400),
        (#"{"messages":[{"role":"tool","content":"x"}],"stream":true}"#, 400),
        (#"{"messages":[{"role":"user","content":"x"}],"stream":true,"model":"other"}"#, 404),
        (#"{"messages":[{"role":"user","content":"refuse"}],"stream":true}"#, 400),
        (#"{"messages":[{"role":"user","content":"x"}],"stream":false}"#, 200),
    ])
    func invalidRequestsAndPlainResponsesDisturbNothing(body: String, status: Int) async throws {
        let script = FakeEngine.Script { request in
            let isRefused = request.prompt.text.contains("refuse")
            let isWhole = request.prompt.text.contains("x<")
            if isRefused { return [.failed(EngineError(.contextExceeded, "too long"))] }
            return isWhole ? FakeEngine.Script.complete(["w"]).events(request) : FakeEngine.Script.admit.events(request)
        }
        try await TestServer.run(script: script) {
            $0.refusesOtherModelNames = true
        } body: { server async throws in
            let (good, _) = try await server.open([Self.label])
            let handle = await server.engine.request(0).handle
            let response = try await server.send("POST", "/v1/chat/completions", headers: [Self.label], body: body)
            #expect(response.head.status == status)
            let reader = try await server.connect()
            try await reader.send("GET", "/v1/stream?conv_id=c1")
            _ = try await reader.readHead()
            server.engine.step([handle], text: "a")
            server.engine.finish(handle)
            #expect(try content(of: try await reader.readEvents()) == "a")
            #expect(try content(of: try await good.readEvents()) == "a")
            #expect(server.engine.cancelled.isEmpty)
        }
    }

    // MARK: Readers

    @Test func aStalledReaderIsDetachedAndTheGenerationContinues() async throws {
        try await TestServer.run(configure: { $0.limits.stallTimeout = .milliseconds(200) }) { server async throws in
            let (stuck, head) = try await server.open([Self.resume], receiveBufferBytes: 4_096)
            let id = try #require(head["x-generation-id"])
            try await stuck.stopReading()
            let other = try await server.connect()
            try await other.send("GET", "/v1/generations/\(id)/events")
            _ = try await other.readHead()
            let handle = await server.engine.request(0).handle
            let text = String(repeating: "x", count: 100_000)
            for _ in 0..<200 { server.engine.step([handle], text: text) }
            try await stuck.startReading()
            await stuck.waitForClose()
            server.engine.finish(handle)
            var count = 0
            while let part = try await other.readBodyPart() { count += part.count }
            #expect(count > 20_000_000)
            #expect(server.engine.cancelled.isEmpty)
        }
    }

    @Test func anEventSourceReattachesByItself() async throws {
        try await TestServer.run { server async throws in
            let (first, head) = try await server.open([Self.resume])
            let id = try #require(head["x-generation-id"])
            try await first.reset()
            let handle = await server.engine.request(0).handle
            var texts: [String] = []
            var last: String?
            for index in 0..<5 {
                let source = try await server.connect()
                try await source.send(
                    "GET", "/v1/generations/\(id)/events", headers: last.map { [("Last-Event-ID", $0)] } ?? [])
                _ = try await source.readHead()
                server.engine.step([handle], text: "\(index)")
                while true {
                    let event = try #require(try await source.readEvent())
                    last = Self.identifier(of: event)
                    texts.append(try content(of: Self.data(of: [event])))
                    if texts.last?.isEmpty == false { break }
                }
                try await source.reset()
            }
            #expect(texts.joined() == "01234")
            server.engine.finish(handle)
            let source = try await server.connect()
            let seen = [("Last-Event-ID", last ?? "")]
            try await source.send("GET", "/v1/generations/\(id)/events", headers: seen)
            _ = try await source.readHead()
            let rest = try await source.readEvents()
            #expect(rest.count == 2)
            // It reconnects after the end and gets a 204, which makes it stop.
            let final = try #require(Self.identifier(of: rest[1]))
            let end = [("Last-Event-ID", final)]
            #expect(try await server.send("GET", "/v1/generations/\(id)/events", headers: end).head.status == 204)
        }
    }

    /// The value of the `id:` line.
    static func identifier(of event: String) -> String? {
        event.split(separator: "\n").first { $0.hasPrefix("id: ") }.map { String($0.dropFirst(4)) }
    }

    /// Events without their `id:` lines.
    static func data(of events: [String]) -> [String] {
        events.map { event in
            event.split(separator: "\n").filter { !$0.hasPrefix("id: ") }.joined(separator: "\n")
        }
    }

    // MARK: Owners

    @Test func noOwnerSeesGenerationsOfAnother() async throws {
        let owners = (0..<64).map { "key-\($0)" }
        let script = FakeEngine.Script { request in
            let text = request.prompt.text
            let canary = text.firstRange(of: "canary-").map { String(text[$0.lowerBound...].prefix(9)) } ?? ""
            return FakeEngine.Script.complete([canary]).events(request)
        }
        try await TestServer.run(script: script, configure: { $0.apiKeys = APIKeys(owners) }) {
            server async throws in
            func key(_ index: Int) -> (String, String) { ("Authorization", "Bearer \(owners[index])") }
            func canary(_ index: Int) -> String { "canary-\(index < 10 ? "0" : "")\(index)" }
            var ids: [String] = []
            for index in owners.indices {
                let (connection, head) = try await server.open(
                    [key(index), ("X-Conversation-Id", "shared")], chat(stream: true, content: canary(index)))
                ids.append(try #require(head["x-generation-id"]))
                _ = try await connection.readEvents()
                try await connection.close()
            }
            let unknown = try await server.send(
                "GET", "/v1/generations/\(String(repeating: "0", count: 32))", headers: [key(0)])
            #expect(unknown.head.status == 404)
            for index in owners.indices {
                let own = try await server.send("GET", "/v1/stream?conv_id=shared", headers: [key(index)])
                #expect(own.body.contains(canary(index)))
                #expect(own.body.ranges(of: "canary-").count == 1)
                let list = try await server.send("GET", "/v1/generations", headers: [key(index)])
                #expect(try json(list.body)["data"]?.arrayValue?.map { $0["id"]?.stringValue } == [ids[index]])
                let other = (index + 1) % owners.count
                for (method, path) in [
                    ("GET", ""), ("GET", "/events"), ("GET", "/result"), ("DELETE", ""),
                ] {
                    let foreign = try await server.send(
                        method, "/v1/generations/\(ids[other])\(path)", headers: [key(index)])
                    #expect(foreign.head.status == 404)
                    #expect(foreign.body == unknown.body)
                }
                let lookup = try await server.send(
                    "POST", "/v1/streams/lookup", headers: [key(index)], body: #"{"conversation_ids":["shared"]}"#)
                #expect(try json(lookup.body).arrayValue?.count == 1)
            }
        }
    }

    // MARK: Bad input

    @Test func badInputIsRefusedByNameRuleAndValue() async throws {
        try await TestServer.run(script: .complete(["a"])) { server async throws in
            let (stream, head) = try await server.open([Self.label])
            let id = try #require(head["x-generation-id"])
            let whole = try await stream.readBody()
            let length = whole.utf8.count
            let many = (0...1_000).map { "\"\($0)\"" }.joined(separator: ",")
            let cases: [(method: String, path: String, headers: [(String, String)], body: String?, Int, String)] = [
                ("GET", "/v1/stream", [], nil, 400, "Missing conversation id"),
                ("GET", "/v1/stream?conv_id=unknown", [], nil, 404, "not found or expired"),
                ("GET", "/v1/stream?conv_id=c1&from=x", [], nil, 400, "'from'"),
                ("GET", "/v1/stream?conv_id=c1&from=-1", [], nil, 400, "'from'"),
                ("GET", "/v1/stream?conv_id=c1&from=99999999999999999999", [], nil, 400, "'from'"),
                ("GET", "/v1/stream?conv_id=c1&from=\(length + 1)", [], nil, 416, "\(length)"),
                ("GET", "/v1/stream/c%zz", [], nil, 400, "percent"),
                ("GET", "/v1/stream/c%01", [], nil, 400, "Control characters"),
                ("DELETE", "/v1/stream", [], nil, 400, "Missing conversation id"),
                ("GET", "/v1/stream/\(String(repeating: "x", count: 257))", [], nil, 400, "257"),
                ("GET", "/v1/generations/\(id)x", [], nil, 404, "not found or expired"),
                ("GET", "/v1/generations/cmpl-\(id.suffix(32))", [], nil, 404, "not found or expired"),
                ("GET", "/v1/generations/\(id)/events?starting_after=99", [], nil, 400, "0 <= value <= 3"),
                ("GET", "/v1/generations/\(id)/events?from_event=4", [], nil, 400, "0 <= value <= 3"),
                ("GET", "/v1/generations/\(id)/events?from_event=x", [], nil, 400, "from_event"),
                ("GET", "/v1/generations/\(id)/events?from_event=1&starting_after=1", [], nil, 400, "Only one"),
                ("GET", "/v1/generations/\(id)/events", [("Last-Event-ID", "3.9")], nil, 400, "Last-Event-ID"),
                ("GET", "/v1/generations/\(id)/events", [("Last-Event-ID", "-1")], nil, 400, "Last-Event-ID"),
                ("GET", "/v1/generations/\(id)/result?wait=x", [], nil, 400, "wait"),
                ("POST", "/v1/streams/lookup", [], "{}", 400, "conversation_ids"),
                ("POST", "/v1/streams/lookup", [], #"{"conversation_ids":[1]}"#, 400, "conversation_ids[0]"),
                ("POST", "/v1/streams/lookup", [], "{\"conversation_ids\":[\(many)]}", 400, "1001"),
                (
                    "POST", "/v1/chat/completions", [("X-Conversation-Id", String(repeating: "x", count: 257))],
                    chat(stream: true), 400, "257"
                ),
                ("POST", "/v1/chat/completions", [("X-Stream-Resume", "maybe")], chat(stream: true), 400, "maybe"),
                (
                    "POST", "/v1/chat/completions", [], chat(stream: true, #","background":"yes""#), 400,
                    "background"
                ),
                ("PUT", "/v1/generations/\(id)", [], nil, 405, "DELETE"),
            ]
            for (method, path, headers, body, status, part) in cases {
                let response = try await server.send(method, path, headers: headers, body: body)
                #expect(response.head.status == status, "\(method) \(path.prefix(80)): \(response.body)")
                #expect(response.body.contains(part), "\(method) \(path.prefix(80)): \(response.body)")
                #expect(try json(response.body)["error"]?["type"] != nil)
            }
            let exact = try await server.send("GET", "/v1/stream?conv_id=c1&from=\(length)")
            #expect(exact.head.status == 200)
            #expect(exact.body.isEmpty)
            #expect(try await server.send("DELETE", "/v1/stream?conv_id=unknown").head.status == 204)
        }
    }

    @Test func lookUpReportsOwnGenerationsAndSkipsUnknownOnes() async throws {
        try await TestServer.run(script: .complete(["a"])) { server async throws in
            let (stream, _) = try await server.open([("X-Conversation-Id", "c1::model")])
            let length = try await stream.readBody().utf8.count
            let (_, body) = try await server.send(
                "POST", "/v1/streams/lookup", body: #"{"conversation_ids":["c1","c1::model","nothing"]}"#)
            let entries = try #require(try json(body).arrayValue)
            #expect(entries.count == 1)
            #expect(entries[0]["conversation_id"] == "c1::model")
            #expect(entries[0]["is_done"] == true)
            #expect(entries[0]["total_bytes"]?.integerValue == Int64(length))
            #expect(entries[0]["completed_at"]?.integerValue ?? 0 > 0)
        }
    }
}
