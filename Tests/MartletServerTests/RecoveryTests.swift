import Foundation
import MartletJSON
import MartletProtocol
import MartletServer
import MartletStreams
import MartletTestSupport
import OrderedCollections
import Testing

/// Consecutive servers that share a state folder.
@Suite(.timeLimit(.minutes(15))) struct RecoveryTests {
    let state = StateFolder()
    let tokens = ["Once", " upon", " a", " time"]

    func run(
        _ script: FakeEngine.Script, configure: (inout ServerConfiguration) -> Void = { _ in },
        _ body: (TestServer) async throws -> Void
    ) async throws {
        try await TestServer.run(script: script) { configuration in
            configuration.journal = JournalConfiguration(path: state.path)
            configuration.journal?.isRequired = true
            configure(&configuration)
        } body: {
            try await body($0)
        }
    }

    func begin(
        _ server: TestServer, _ headers: [(String, String)] = [("X-Stream-Resume", "1")]
    ) async throws -> (connection: RawConnection, id: String) {
        let connection = try await server.connect()
        try await connection.send("POST", "/v1/chat/completions", headers: headers, body: chat(stream: true))
        let head = try await connection.readHead()
        #expect(head.status == 200)
        return (connection, try #require(head["x-generation-id"]))
    }

    func token(_ index: Int) -> EngineEvent.Kind {
        .token(id: Int32(index), text: ArraySlice(tokens[index].utf8))
    }

    @Test func anEndedGenerationIsReplayedByteForByte() async throws {
        var id = ""
        var first = ""
        try await run(.complete(tokens)) { server in
            let (connection, name) = try await begin(server, [("X-Conversation-Id", "talk")])
            id = name
            _ = try await connection.readBody()
            first = try await server.send("GET", "/v1/generations/\(id)/events").body
            #expect(
                try content(
                    of: first.components(separatedBy: "\n\n").map { event in
                        event.split(separator: "\n").last.map { String($0) } ?? ""
                    }) == tokens.joined())
        }
        try await run(.hold) { server in
            #expect(try await server.send("GET", "/v1/generations/\(id)/events").body == first)
            let status = try json(try await server.send("GET", "/v1/generations/\(id)").body)
            #expect(status["state"]?.stringValue == "finished")
            #expect(status["label"]?.stringValue == "talk")
            #expect(try await server.send("GET", "/v1/stream?conv_id=talk").head.status == 200)
            #expect(server.engine.requests.isEmpty)
        }
    }

    @Test func anUnfinishedGenerationContinuesInTheSameStream() async throws {
        var id = ""
        var seen: [String] = []
        // Long enough for all events to reach the readers, however busy the machine is.
        try await run(.admit) {
            $0.closingTimeout = .seconds(20)
        } _: { server in
            let (connection, name) = try await begin(server)
            id = name
            let handle = await server.engine.request(0).handle
            server.engine.send([EngineEvent(handle, token(0)), EngineEvent(handle, token(1))])
            let events = try await server.connect()
            try await events.send("GET", "/v1/generations/\(id)/events")
            _ = try await events.readHead()
            await server.edge.shutDown()
            seen = try await events.readEvents()
            _ = try await connection.readEvents()
        }
        let last = try #require(seen.last?.split(separator: "\n").first { $0.hasPrefix("id: ") }?.dropFirst(4))
        try await run(.complete(tokens)) { server in
            let request = await server.engine.request(0)
            #expect(request.continuation == [0, 1])
            let rest = try await server.connect()
            try await rest.send(
                "GET", "/v1/generations/\(id)/events", headers: [("Last-Event-ID", String(last))])
            _ = try await rest.readHead()
            let events = seen + (try await rest.readEvents())
            let data = events.compactMap { event in
                event.split(separator: "\n").first { $0.hasPrefix("data: ") }.map { String($0) }
            }
            #expect(try content(of: data) == tokens.joined())
            #expect(data.count { $0 == "data: [DONE]" } == 1)
            let whole = try await server.send("GET", "/v1/generations/\(id)/events").body
            #expect(whole.components(separatedBy: "data: [DONE]").count == 2)
        }
        try await run(.hold) { server in
            #expect(server.engine.requests.isEmpty)
            let result = try json(try await server.send("GET", "/v1/generations/\(id)/result").body)
            let message = result["choices"]?.arrayValue?.first?["message"]
            #expect(message?["content"]?.stringValue == tokens.joined())
        }
    }

    @Test func everyChoiceContinuesWhereItStopped() async throws {
        let body = #"{"prompt":["first","second"],"n":2,"stream":true}"#
        var (id, seen) = ("", [String]())
        try await run(.admit) {
            $0.closingTimeout = .seconds(20)
        } _: { server in
            let (connection, head) = try await server.open([("X-Stream-Resume", "1")], body, path: "/completion")
            id = try #require(head["x-generation-id"])
            try await connection.reset()
            let reader = try await server.connect()
            try await reader.send("GET", "/v1/generations/\(id)/events")
            _ = try await reader.readHead()
            await server.engine.wait { $0.requests.count == 4 }
            let handles = server.engine.requests.map(\.handle)
            server.engine.step([handles[0], handles[1]], token: 0, text: tokens[0])
            server.engine.step([handles[0]], token: 1, text: tokens[1])
            server.engine.finish(handles[3])
            await server.edge.shutDown()
            seen = try await reader.readEvents()
        }
        let last = try #require(seen.last.flatMap { ResumeTests.identifier(of: $0) })
        /// The events of a client without the hand-over.
        func chunks(_ events: [String]) -> [String] {
            events.filter { !$0.contains("event: handover\n") }.compactMap { event in
                event.split(separator: "\n").first { $0.hasPrefix("data: ") }.map { String($0) }
            }
        }
        try await run(.complete(tokens)) { server in
            await server.engine.wait { $0.requests.count == 3 }
            #expect(server.engine.requests.map(\.continuation) == [[0, 1], [0], []])
            let reader = try await server.connect()
            try await reader.send("GET", "/v1/generations/\(id)/events", headers: [("Last-Event-ID", last)])
            _ = try await reader.readHead()
            let joined = chunks(seen) + chunks(try await reader.readEvents())
            let whole = try await server.send("GET", "/v1/generations/\(id)/events").body
            #expect(joined == chunks(whole.components(separatedBy: "\n\n")))
        }
        try await run(.hold) { server in
            #expect(server.engine.requests.isEmpty)
            let result = try json(try await server.send("GET", "/v1/generations/\(id)/result").body)
            let choices = try #require(result.arrayValue)
            let text = tokens.joined()
            #expect(choices.map { $0["content"]?.stringValue } == [text, text, text, ""])
            #expect(choices.map { $0["prompt"]?.stringValue } == ["first", "first", "second", "second"])
        }
    }

    @Test func anEndThatWasDecidedHereStaysWhatItWas() async throws {
        var id = ""
        var result = ""
        try await run(.admit) {
            $0.orphanTimeout = .milliseconds(20)
        } _: { server in
            let (connection, name) = try await begin(server)
            id = name
            try await connection.reset()
            let handle = await server.engine.request(0).handle
            await server.engine.waitForCancel(of: handle)
            result = try await server.send("GET", "/v1/generations/\(id)/result").body
            #expect(result.contains("--orphan-timeout"))
        }
        try await run(.hold) { server in
            #expect(server.engine.requests.isEmpty)
            let again = try await server.send("GET", "/v1/generations/\(id)/result").body
            #expect(again == result)
        }
    }

    // MARK: Calls

    static let callTemplate = """
        {%- if tools -%}{{ tools | tojson }}{%- endif -%}
        {%- for message in messages -%}
        {{ '<|im_start|>' + message.role + '\\n' + (message.content or '') }}
        {%- for call in message.tool_calls or [] -%}
        {{ '\\n<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' }}
        {{- call.function.arguments | tojson }}{{ '}\\n</tool_call>' }}
        {%- endfor -%}
        {{ '<|im_end|>\\n' }}
        {%- endfor -%}
        {%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}
        """
    /// Every piece except the first ends at a point where its kind is not decided yet.
    private static let calling = [
        "Let me see.", "\n<tool_", "call>\n{\"na", "me\": \"now\", \"argu", "ments\": {\"zone\"", ": \"O",
        "slo\"}}\n</tool", "_call>",
    ]

    private func runCalling(_ script: FakeEngine.Script, _ body: (TestServer) async throws -> Void) async throws {
        try await run(
            script,
            configure: {
                $0.chatTemplate = Self.callTemplate
                $0.closingTimeout = .seconds(20)
            }, body)
    }

    private static let callBody = chat(
        stream: true,
        #","tools":[{"type":"function","function":{"name":"now","parameters":{"type":"object","properties":{"zone":{"type":"string"}}}}}]"#
    )

    /// The content of chunks without members that differ between responses.
    private static func deltas(_ events: [String]) throws -> [JSONValue] {
        try events.compactMap { event in
            let data = event.split(separator: "\n").first { $0.hasPrefix("data: {") }
            let delta = try data.map { try json(String($0.dropFirst(6))) }?["choices"]?.arrayValue?.first
            guard var call = delta?["delta"]?["tool_calls"]?.arrayValue?.first?.objectValue else { return delta }
            call["id"] = nil
            return .object(call)
        }
    }

    @Test(arguments: 1..<calling.count) func aCallContinuesWhereItWasCutOff(count: Int) async throws {
        let resume = [("X-Stream-Resume", "1")]
        var expected: [JSONValue] = []
        var (id, seen) = ("", [String]())
        try await runCalling(.complete(Self.calling)) { server in
            let (connection, _) = try await server.open(resume, Self.callBody)
            expected = try Self.deltas(try await connection.readEvents())
        }
        #expect(expected.last?["finish_reason"] == "tool_calls")
        try await runCalling(.admit) { server in
            let (connection, head) = try await server.open(resume, Self.callBody)
            id = try #require(head["x-generation-id"])
            try await connection.reset()
            let reader = try await server.connect()
            try await reader.send("GET", "/v1/generations/\(id)/events")
            _ = try await reader.readHead()
            let handle = await server.engine.request(0).handle
            for (index, text) in Self.calling.prefix(count).enumerated() {
                server.engine.step([handle], token: Int32(index), text: text)
            }
            await server.edge.shutDown()
            seen = try await reader.readEvents()
        }
        let last = try #require(seen.last.flatMap { ResumeTests.identifier(of: $0) })
        try await runCalling(.complete(Self.calling)) { server in
            #expect(await server.engine.request(0).continuation == (0..<count).map { Int32($0) })
            let reader = try await server.connect()
            try await reader.send("GET", "/v1/generations/\(id)/events", headers: [("Last-Event-ID", last)])
            _ = try await reader.readHead()
            // Only this reader gets the hand-over event.
            let events = seen.filter { !$0.contains("event: handover\n") } + (try await reader.readEvents())
            #expect(try Self.deltas(events) == expected)
            let result = try json(try await server.send("GET", "/v1/generations/\(id)/result").body)
            let choice = result["choices"]?.arrayValue?.first
            let function = choice?["message"]?["tool_calls"]?.arrayValue?.first?["function"]
            #expect(function?["name"] == "now")
            #expect(try json(function?["arguments"]?.stringValue ?? "") == ["zone": "Oslo"])
            #expect(choice?["finish_reason"] == "tool_calls")
        }
    }

    @Test func aGenerationThatWaitedForTheModelIsStartedByTheNextServer() async throws {
        var id = ""
        try await TestServer.run(state: .loading(LoadProgress(stage: .textModel, fraction: 0))) { configuration in
            configuration.journal = JournalConfiguration(path: state.path)
        } body: { server in
            let (connection, name) = try await begin(server)
            id = name
            try await connection.reset()
        }
        try await run(.complete(tokens)) { server in
            let request = await server.engine.request(0)
            #expect(request.continuation.isEmpty)
            #expect(request.prompt.text.contains("hi"))
            let body = try await server.send("GET", "/v1/generations/\(id)/events").body
            #expect(body.contains("[DONE]"))
        }
    }

    @Test func anotherModelDoesNotContinueForeignTokens() async throws {
        var id = ""
        try await run(.admit) { server in id = try await begin(server).id }
        var other = ModelInformation.fake
        other.vocabularySize += 1
        try await TestServer.run(state: .ready(other), script: .complete(tokens)) { configuration in
            configuration.journal = JournalConfiguration(path: state.path)
        } body: { server in
            let body = try await server.send("GET", "/v1/generations/\(id)/events").body
            #expect(body.contains("another model"))
            #expect(server.engine.requests.isEmpty)
        }
    }

    @Test func plainGenerationsAreNotJournaled() async throws {
        try await run(.complete(tokens)) { server in
            for streams in [true, false] {
                let response = try await server.send("POST", "/v1/chat/completions", body: chat(stream: streams))
                #expect(response.head.status == 200)
            }
        }
        #expect(state.files.isEmpty)
    }

    @Test func expiredGenerationsAreRemoved() async throws {
        try await run(.complete(tokens)) { server in _ = try await begin(server).connection.readBody() }
        #expect(state.files.count == 1)
        try await run(.hold) {
            $0.retainTime = .zero
        } _: { server in
            let list = try json(try await server.send("GET", "/v1/generations").body)
            #expect(list["data"]?.arrayValue?.isEmpty == true)
        }
        #expect(state.files.isEmpty)
    }

    @Test func deletedGenerationsAreNotOnDiskAnyMore() async throws {
        try await run(.admit) { server in
            let (connection, id) = try await begin(server)
            #expect(try await server.send("DELETE", "/v1/generations/\(id)").head.status == 200)
            _ = try await connection.readEvents()
            let (other, _) = try await begin(server, [("X-Conversation-Id", "talk")])
            #expect(try await server.send("DELETE", "/v1/stream?conv_id=talk").head.status == 204)
            _ = try await other.readEvents()
        }
        #expect(state.files.isEmpty)
    }

    @Test func aDamagedJournalIsSetAsideAndItsBeginningGoesOn() async throws {
        var id = ""
        try await run(.admit) { server in
            id = try await begin(server).id
            let handle = await server.engine.request(0).handle
            server.engine.send([EngineEvent(handle, token(0))])
        }
        let path = state.path + "/streams/" + (try #require(state.files.first))
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.seekToEnd()
        try file.write(contentsOf: Data("torn".utf8))
        try file.close()
        let stranger = state.path + "/streams/" + LogHead.makeID() + ".journal"
        try Data("no journal".utf8).write(to: URL(filePath: stranger))
        try await run(.complete(tokens)) { server in
            #expect(await server.engine.request(0).continuation == [0])
            let body = try await server.send("GET", "/v1/generations/\(id)/events").body
            #expect(body.contains("[DONE]"))
        }
        #expect(state.aside.count == 2)
        #expect(state.files.count == 1)
    }

    @Test func twoServersDoNotShareAFolder() async throws {
        try await run(.hold) { _ in
            await #expect(throws: JournalError.self) { try await run(.hold) { _ in } }
            // A server without a required journal serves without it.
            try await TestServer.run(script: .complete(tokens)) { configuration in
                configuration.journal = JournalConfiguration(path: state.path)
            } body: { server in
                _ = try await begin(server).connection.readBody()
            }
            #expect(state.files.isEmpty)
        }
    }

    @Test func metricsReportTheStateOfJournals() async throws {
        try await run(.complete(tokens)) { server in
            _ = try await begin(server).connection.readBody()
            let text = try await server.send("GET", "/metrics").body
            #expect(text.contains("martlet_journal_lost_total 0"))
            #expect(text.contains("martlet_journal_troubled 0"))
        }
    }
}
