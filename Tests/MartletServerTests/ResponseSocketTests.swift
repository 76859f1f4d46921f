import MartletAPI
import MartletJSON
import MartletProtocol
import MartletServer
import MartletTestSupport
import Testing

/// Responses over a WebSocket: events, history of the connection, lanes, errors, and the end.
@Suite(.timeLimit(.minutes(15))) struct ResponseSocketTests {
    private struct Client {
        let connection: RawConnection

        init(_ server: TestServer, path: String = "/v1/responses", headers: [(String, String)] = []) async throws {
            connection = try await server.connect()
            #expect(try await connection.upgrade(path, headers: headers).status == 101)
        }

        func send(_ message: String) async throws { try await connection.sendMessage(message) }

        func create(_ more: String = #","input":"Hi""#) async throws {
            try await send(#"{"type":"response.create","model":"m"\#(more)}"#)
        }

        func read() async throws -> JSONValue { try json(await connection.readMessage()) }

        /// All events up to the last one of a response, or an error.
        func events() async throws -> [JSONValue] {
            var events: [JSONValue] = []
            while true {
                let event = try await read()
                events.append(event)
                let type = event["type"]?.stringValue ?? ""
                if type == "error"
                    || event["response"]?["status"].map({ $0 != "in_progress" && $0 != "queued" }) == true
                {
                    return events
                }
            }
        }

        /// The object of the next response that ends.
        func response() async throws -> JSONValue { try await events().last?["response"] ?? .null }
    }

    private func text(_ value: JSONValue?) -> String { String(decoding: (value ?? .null).bytes, as: UTF8.self) }

    private static func types(_ events: [JSONValue]) -> [String] { events.map { $0["type"]?.stringValue ?? "" } }

    @Test func theEventsAreThoseOfTheStream() async throws {
        try await TestServer.run(script: .complete(["Hé", "llo"])) { server async throws in
            let client = try await Client(server, headers: [("OpenAI-Beta", "responses_websockets=2026-02-06")])
            for _ in 0..<2 {
                try await client.create()
                let events = try await client.events()
                let (_, text) = try await server.send(
                    "POST", "/v1/responses", body: #"{"model":"m","input":"Hi","stream":true}"#)
                let stream = try text.split(separator: "\n").filter { $0.hasPrefix("data: ") }
                    .map { try json(String($0.dropFirst(6))) }
                #expect(Self.types(events) == Self.types(stream))
                #expect(events.map { $0["sequence_number"]?.integerValue } == events.indices.map { Int64($0) })
                #expect(events.last?["response"]?["status"] == "completed")
                #expect(events.map { $0["delta"] } == stream.map { $0["delta"] })
            }
        }
    }

    @Test func aConnectionContinuesWhatItDoesNotStore() async throws {
        try await TestServer.run(script: .complete(["One"])) { server async throws in
            let client = try await Client(server, path: "/responses")
            try await client.create(#","input":"First","store":false"#)
            let id = try #require(try await client.response()["id"]?.stringValue)
            try await client.create(#","input":"Second","store":false,"previous_response_id":"\#(id)""#)
            let second = try await client.response()
            #expect(second["status"] == "completed" && second["previous_response_id"] == .string(id))
            let prompt = await server.engine.request(1).prompt.text
            #expect(prompt.contains("First") && prompt.contains("One") && prompt.contains("Second"))
            // Nowhere else.
            #expect(try await server.send("GET", "/v1/responses/\(id)").head.status == 404)
            let other = try await Client(server)
            try await other.create(#","input":"Second","previous_response_id":"\#(id)","stream_id":"a""#)
            let refusal = try await other.read()
            #expect(refusal["type"] == "error" && refusal["status"] == 400 && refusal["stream_id"] == "a")
            #expect(refusal["error"]?["code"] == "previous_response_not_found")
            // The connection is usable, and a stored response is known everywhere.
            try await other.create()
            let stored = try #require(try await other.response()["id"]?.stringValue)
            #expect(try await server.send("GET", "/v1/responses/\(stored)").head.status == 200)
            try await client.create(#","input":"Third","previous_response_id":"\#(stored)""#)
            #expect(try await client.response()["status"] == "completed")
        }
    }

    @Test func aWarmUpComputesThePromptAndIsContinued() async throws {
        let script = FakeEngine.Script { request in
            let isWarmUp = request.parameters.maximumTokens == 0
            let text = isWarmUp ? [] : [EngineEvent.Kind.token(id: 1, text: ArraySlice("Hello".utf8))]
            let end = GenerationSummary(reason: isWarmUp ? .tokenLimit : .endOfGeneration, timings: Timings())
            return FakeEngine.Script.admit.events(request) + text + [.finished(end, text: [])]
        }
        try await TestServer.run(script: script) { server async throws in
            let client = try await Client(server)
            try await client.create(#","input":[{"role":"user","content":"Hi"}],"store":false,"generate":false"#)
            let warmUp = try await client.response()
            #expect(warmUp["status"] == "completed" && warmUp["output"] == [])
            let id = warmUp["id"]?.stringValue ?? ""
            try await client.create(#","input":[],"store":false,"previous_response_id":"\#(id)""#)
            let response = try await client.response()
            #expect(response["status"] == "completed" && response["output"]?.arrayValue?.count == 1)
            let (first, second) = (await server.engine.request(0), await server.engine.request(1))
            #expect(first.prompt.text == second.prompt.text)
        }
    }

    @Test func aLaneIsSequentialAndLanesAreNot() async throws {
        try await TestServer.run { server async throws in
            let client = try await Client(server)
            try await client.create()
            let first = await server.engine.request(0).handle
            try await client.create(#","input":"Second""#)
            try await client.create(#","input":"Side","stream_id":"b""#)
            // The third message runs at once, and the second one waits for the first.
            let side = await server.engine.request(1)
            #expect(side.prompt.text.contains("Side"))
            server.engine.finish(side.handle)
            var ended: [String] = []
            while ended.isEmpty {
                let event = try await client.read()
                if event["type"] == "response.completed" { ended.append(event["stream_id"]?.stringValue ?? "") }
            }
            #expect(ended == ["b"])
            server.engine.step([first], text: "x")
            server.engine.finish(first)
            let second = await server.engine.request(2)
            #expect(second.prompt.text.contains("Second"))
            server.engine.finish(second.handle)
            var ends = 0
            while ends < 2 {
                let event = try await client.read()
                #expect(event["stream_id"] == nil)
                if event["type"] == "response.completed" { ends += 1 }
            }
        }
    }

    @Test func inputForARunningResponseBecomesItsSuccessor() async throws {
        try await TestServer.run { server async throws in
            let client = try await Client(server)
            try await client.create(#","input":"First","store":false,"stream_id":"a","instructions":"Be short""#)
            let created = try await client.read()
            let id = try #require(created["response"]?["id"]?.stringValue)
            _ = try await client.read()
            for input in [#""Second""#, #"[{"role":"user","content":"Third"}]"#] {
                try await client.send(#"{"type":"response.steer","previous_response_id":"\#(id)","input":\#(input)}"#)
                let accepted = try await client.read()
                #expect(accepted["type"] == "response.steer.accepted" && accepted["stream_id"] == "a")
                #expect(accepted["steer"]?["previous_response_id"] == .string(id))
                #expect(accepted["steer"]?["id"]?.stringValue?.hasPrefix("steer_") == true)
            }
            let first = await server.engine.request(0).handle
            server.engine.step([first], text: "Answer")
            server.engine.finish(first)
            #expect(try await client.response()["status"] == "completed")
            // The successor has the settings and the history of the response before, and the input in its order.
            let second = await server.engine.request(1)
            for text in ["Be short", "First", "Answer", "Second", "Third"] {
                #expect(second.prompt.text.contains(text), "\(text)")
            }
            let next = try await client.read()
            #expect(next["type"] == "response.created" && next["stream_id"] == "a")
            #expect(next["response"]?["previous_response_id"] == .string(id))
            server.engine.finish(second.handle)
            #expect(try await client.response()["status"] == "completed")
            try await client.send(#"{"type":"response.steer","previous_response_id":"\#(id)","input":"Late"}"#)
            let late = try await client.read()
            #expect(late["type"] == "response.steer.failed" && late["steer"]?["input"] == "Late")
            #expect(late["error"]?["code"] == "response_already_completed")
        }
    }

    @Test func inputWaitsForTheOutputsOfCalls() async throws {
        let call = "\n<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>"
        try await TestServer.run {
            $0.chatTemplate = RecoveryTests.callTemplate
        } body: { server async throws in
            let client = try await Client(server)
            try await client.create(
                #","input":"First","tools":[{"type":"function","name":"f","parameters":{"type":"object"}}]"#)
            let id = try #require(try await client.read()["response"]?["id"]?.stringValue)
            _ = try await client.read()
            try await client.send(#"{"type":"response.steer","previous_response_id":"\#(id)","input":"Wait"}"#)
            let accepted = try await client.read()
            #expect(accepted["type"] == "response.steer.accepted" && accepted["stream_id"] == nil)
            let first = await server.engine.request(0).handle
            server.engine.step([first], text: call)
            server.engine.finish(first)
            let output = try #require(try await client.response()["output"]?.arrayValue?.first)
            #expect(output["type"] == "function_call")
            let pending = try await client.read()
            #expect(pending["type"] == "response.steer.pending" && pending["steer"] == accepted["steer"])
            let stub: JSONValue = [
                "type": "function_call_output", "call_id": output["call_id"] ?? .null, "name": "f",
            ]
            #expect(pending["reason"] == "waiting_for_required_input" && pending["required_input"] == [stub])
            // A refused request leaves the input where it is.
            try await client.create(#","input":5,"previous_response_id":"\#(id)""#)
            #expect(try await client.read()["type"] == "error")
            let result = #"{"type":"function_call_output","call_id":\#(text(output["call_id"])),"output":"7 degrees"}"#
            try await client.create(#","input":[\#(result)],"previous_response_id":"\#(id)""#)
            let second = await server.engine.request(1)
            let prompt = second.prompt.text
            let places = ["First", "7 degrees", "Wait"].map { prompt.firstRange(of: $0)?.lowerBound }
            #expect(places.allSatisfy { $0 != nil } && places.compactMap { $0 } == places.compactMap { $0 }.sorted())
            server.engine.finish(second.handle)
            #expect(try await client.response()["status"] == "completed")
        }
    }

    @Test func inputThatNothingContinuesReturns() async throws {
        try await TestServer.run { server async throws in
            let client = try await Client(server)
            try await client.create()
            let id = try #require(try await client.read()["response"]?["id"]?.stringValue)
            _ = try await client.read()
            for (message, code) in [
                (#""previous_response_id":"resp_0","input":"a""#, "response_not_found"),
                (#""previous_response_id":"\#(id)","input":"""#, "invalid_input"),
                (#""previous_response_id":"\#(id)""#, "invalid_input"),
                (#""previous_response_id":"\#(id)","input":[]"#, "invalid_input"),
                (#""previous_response_id":"\#(id)","input":"a","stream_id":"s""#, "invalid_input"),
                (#""previous_response_id":"\#(id)","input":[{"role":"assistant","content":"a"}]"#, "invalid_input"),
                (#""previous_response_id":"\#(id)","input":[{"role":"user","content":5}]"#, "invalid_input"),
                (#""previous_response_id":"\#(id)","input":[{"role":"user","content":"a","id":"m"}]"#, "invalid_input"),
            ] {
                try await client.send(#"{"type":"response.steer",\#(message)}"#)
                let failed = try await client.read()
                #expect(failed["type"] == "response.steer.failed", "\(message)")
                #expect(failed["error"]?["code"] == .string(code) && failed["steer"]?["id"] == nil, "\(message)")
            }
            try await client.send(#"{"type":"response.steer","input":"a"}"#)
            #expect(try await client.read()["type"] == "error")
            try await client.send(#"{"type":"response.steer","previous_response_id":"\#(id)","input":"More"}"#)
            let accepted = try await client.read()
            try await client.send(#"{"type":"response.cancel"}"#)
            #expect(try await client.response()["status"] == "cancelled")
            let failed = try await client.read()
            #expect(failed["type"] == "response.steer.failed" && failed["error"]?["code"] == "response_not_active")
            #expect(failed["steer"]?["id"] == accepted["steer"]?["id"] && failed["steer"]?["input"] == "More")
            #expect(failed["sequence_number"] == 9)
        }
    }

    @Test func aRunningResponseIsCancelled() async throws {
        try await TestServer.run { server async throws in
            let client = try await Client(server)
            try await client.send(#"{"type":"response.cancel"}"#)
            #expect(try await client.read()["error"]?["code"] == "response_cancel_not_active")
            try await client.create()
            while try await client.read()["type"] != "response.in_progress" {}
            try await client.send(#"{"type":"response.cancel"}"#)
            #expect(try await client.response()["status"] == "cancelled")
            try await client.create()
            server.engine.finish(await server.engine.request(1).handle)
            #expect(try await client.response()["status"] == "completed")
        }
    }

    @Test(arguments: [
        ("{", "is not valid JSON"), ("[]", "must be a JSON object"), ("{}", "'type'"),
        (#"{"type":"session.update"}"#, "'type'"), (#"{"type":"response.create","background":true}"#, "'background'"),
        (#"{"type":"response.create","stream":false}"#, "'stream'"), (#"{"type":"response.create"}"#, "'input'"),
        (#"{"type":"response.create","input":"a","stream_id":""}"#, "'stream_id'"),
        (#"{"type":"response.create","input":"a","tools":5}"#, "'tools'"),
        (#"{"type":"response.create","input":"a","generate":5}"#, "'generate'"),
        (#"{"type":"response.create","input":[{"type":"item_reference","id":"msg_5"}]}"#, "'input[0].id'"),
    ])
    func aRefusedMessageIsAnEventAndTheConnectionStays(message: String, text: String) async throws {
        try await TestServer.run(script: .complete(["a"])) { server async throws in
            let client = try await Client(server)
            try await client.send(message)
            let error = try await client.read()
            #expect(error["type"] == "error" && error["status"] == 400)
            #expect(error["error"]?["message"]?.stringValue?.contains(text) == true, "\(error.text)")
            try await client.create()
            #expect(try await client.response()["status"] == "completed")
        }
    }

    @Test func aRefusalOfTheEngineIsAnErrorEvent() async throws {
        try await TestServer.run(script: .refuse(EngineError(.overloaded, "full"))) { server async throws in
            let client = try await Client(server)
            try await client.create()
            let error = try await client.read()
            #expect(error["type"] == "error" && error["status"] == 503)
        }
    }

    @Test func theEndOfTheConnectionEndsItsPlainGenerations() async throws {
        try await TestServer.run { server async throws in
            let client = try await Client(server)
            try await client.create()
            let handle = await server.engine.request(0).handle
            try await client.connection.close()
            await server.engine.waitForCancel(of: handle)
            let resumable = try await Client(server, headers: [("X-Stream-Resume", "1")])
            try await resumable.create()
            let other = await server.engine.request(1).handle
            let begun = try await resumable.read()
            try await resumable.connection.close()
            server.engine.finish(other)
            let id = begun["response"]?["id"]?.stringValue ?? ""
            let (head, body) = try await server.send("GET", "/v1/responses/\(id)?stream=true")
            #expect(head.status == 200 && body.contains("event: response.completed"))
        }
    }

    @Test func aRequestWithoutAnUpgradeIsToldSo() async throws {
        try await TestServer.run { server async throws in
            let (head, body) = try await server.send("GET", "/v1/responses")
            #expect(head.status == 426 && head["upgrade"] == "websocket")
            #expect(try json(body)["error"]?["message"]?.stringValue?.contains("WebSocket") == true)
        }
    }
}
