import MartletAPI
import MartletJSON
import MartletProtocol
import MartletServer
import MartletTestSupport
import Testing

/// Control commands over HTTP: the client's result and the event that readers get agree with the engine's result.
@Suite struct ControlTests {
    private func sendCommand(
        _ server: TestServer, _ id: String, _ body: String
    ) async throws -> (head: RawResponseHead, body: JSONValue) {
        let (head, text) = try await server.send("POST", "/v1/generations/\(id)/control", body: body)
        return (head, try json(text))
    }

    /// Begins a streaming chat.
    private func begin(
        _ server: TestServer
    ) async throws -> (connection: RawConnection, handle: GenerationHandle, id: String) {
        let index = server.engine.requests.count
        let (connection, _) = try await server.stream()
        let request = await server.engine.request(index)
        let role = try #require(try await connection.readEvent())
        let id = try #require(try json(String(role.dropFirst(6)))["id"]?.stringValue)
        return (connection, request.handle, id)
    }

    private func resolve(_ server: TestServer, _ index: Int, _ result: ControlResult) async {
        let command = await server.engine.command(index)
        server.engine.send([EngineEvent(command.handle, .controlled(command.number, result))])
    }

    @Test func aReplyComesWhenTheCommandWasAppliedAndReadersSeeItThere() async throws {
        try await TestServer.run { server async throws in
            let (connection, handle, id) = try await begin(server)
            server.engine.step([handle], text: "a")
            _ = try await connection.readEvent()
            async let reply = sendCommand(server, id, #"{"action":"pause"}"#)
            await resolve(server, 0, .applied(.paused, token: 1))
            let (head, body) = try await reply
            #expect(head.status == 200)
            #expect(body["applied"] == true)
            #expect(body["action"] == "pause")
            #expect(body["at_token"] == 1)
            let event = try #require(body["event"]?.integerValue)
            // A comment line, which clients ignore.
            let seen = try #require(try await connection.readEvent())
            #expect(seen.hasPrefix(": martlet-control {"))
            #expect(seen.contains(#""event":\#(event)"#))
            server.engine.finish(handle)
            _ = try await connection.readEvents()
        }
    }

    @Test func aCommandWithoutEffectSaysWhy() async throws {
        try await TestServer.run { server async throws in
            let (connection, handle, id) = try await begin(server)
            let refusals: [(ControlRefusal, Int, String)] = [
                (.notReasoning, 409, "not_reasoning"), (.reasoningAlreadyEnded, 409, "already_answering"),
                (.noReasoningDelimiters, 409, "no_reasoning_markers"), (.notPaused, 409, "not_paused"),
                (.noFreeSequence(idle: 0), 429, "no_free_sequence"), (.invalid("no"), 400, "invalid"),
            ]
            for (index, (refusal, status, reason)) in refusals.enumerated() {
                async let reply = sendCommand(server, id, #"{"action":"reasoning_end"}"#)
                await resolve(server, index, .refused(refusal))
                let (head, body) = try await reply
                #expect(head.status == status)
                #expect(body["error"]?["reason"]?.stringValue == reason)
            }
            server.engine.finish(handle)
            _ = try await connection.readEvents()
        }
    }

    @Test func badCommandsAreRefusedByName() async throws {
        try await TestServer.run { server async throws in
            let (connection, handle, id) = try await begin(server)
            let bodies: [(String, Int, String)] = [
                (#"{"action":"explode"}"#, 400, "reasoning_end, stop, pause"),
                (#"{}"#, 400, "action"), (#"{"action":"set"}"#, 400, "changes"),
                (#"{"action":"set","changes":{"model":"x"}}"#, 400, "changes.model"),
                (#"{"action":"set","changes":{"temperature":"hot"}}"#, 400, "changes.temperature"),
                (#"{"action":"rewind"}"#, 400, "to_token"), (#"{"action":"rewind","to_token":-1}"#, 400, "to_token"),
                (#"{"action":"inject"}"#, 400, "content"),
                (#"{"action":"inject","content":"x","when":"later"}"#, 400, "when"),
                (#"{"action":"inject","content":"x","role":"pirate"}"#, 400, "role"),
                (#"{"action":"fork","n":0}"#, 400, "n"), ("[1]", 400, "object"),
            ]
            for (body, status, word) in bodies {
                let (head, reply) = try await sendCommand(server, id, body)
                #expect(head.status == status, "\(body)")
                #expect(reply["error"]?["message"]?.stringValue?.contains(word) == true, "\(reply.text)")
            }
            #expect(try await sendCommand(server, "chatcmpl-0", #"{"action":"pause"}"#).head.status == 404)
            #expect(server.engine.commands.isEmpty)
            server.engine.finish(handle)
            _ = try await connection.readEvents()
        }
    }

    @Test func requestIDMakesARepeatIdempotent() async throws {
        try await TestServer.run { server async throws in
            let (connection, handle, id) = try await begin(server)
            let body = #"{"action":"stop","reason":"enough","request_id":"one"}"#
            async let first = sendCommand(server, id, body)
            _ = await server.engine.command(0)
            async let second = sendCommand(server, id, body)
            await resolve(server, 0, .applied(.paused, token: 3))
            let (one, two) = try await (first, second)
            #expect(one.body == two.body)
            #expect(try await sendCommand(server, id, body).body == one.body)
            #expect(server.engine.commands.count == 1)
            server.engine.finish(handle)
            _ = try await connection.readEvents()
        }
    }

    @Test func aRequestIDIdentifiesOneCommand() async throws {
        try await TestServer.run { server async throws in
            let (connection, handle, id) = try await begin(server)
            let body = #"{"action":"stop","reason":"enough","request_id":"one"}"#
            async let first = sendCommand(server, id, body)
            await resolve(server, 0, .applied(.stopped(reason: "enough"), token: 3))
            _ = try await first
            for (other, action) in [
                (#"{"action":"pause","request_id":"one"}"#, "stop"),
                (#"{"action":"stop","reason":"other","request_id":"one"}"#, "stop"),
                (#"{"action":"inject","role":"user","content":"x","request_id":"one"}"#, "stop"),
            ] {
                let (head, reply) = try await sendCommand(server, id, other)
                #expect(head.status == 409)
                #expect(reply["error"]?["reason"] == "request_id_used")
                #expect(reply["error"]?["message"]?.stringValue?.contains("\"\(action)\"") == true)
            }
            // The same command in another spelling.
            let again = #"{"request_id":"one","reason":"enough","action":"stop"}"#
            #expect(try await sendCommand(server, id, again).head.status == 200)
            #expect(server.engine.commands.count == 1)
            server.engine.finish(handle)
            _ = try await connection.readEvents()
        }
    }

    @Test func aClientThatHasGoneDoesNotHoldTheServer() async throws {
        try await TestServer.run {
            $0.closingTimeout = .milliseconds(50)
        } body: { server async throws in
            let (connection, handle, id) = try await begin(server)
            let waiting = try await server.connect()
            try await waiting.send("POST", "/v1/generations/\(id)/control", body: #"{"action":"pause"}"#)
            _ = await server.engine.command(0)
            try await waiting.reset()
            server.engine.finish(handle)
            _ = try await connection.readEvents()
        }
    }

    @Test func theEndResolvesWaitingCommands() async throws {
        try await TestServer.run { server async throws in
            let (connection, handle, id) = try await begin(server)
            async let reply = sendCommand(server, id, #"{"action":"pause"}"#)
            _ = await server.engine.command(0)
            server.engine.finish(handle, .tokenLimit)
            let (head, body) = try await reply
            #expect(head.status == 409)
            #expect(body["error"]?["reason"] == "finished")
            #expect(body["error"]?["message"]?.stringValue?.contains("length") == true)
            _ = try await connection.readEvents()
        }
    }

    @Test func ownerLearnsHowAPlainGenerationJustEnded() async throws {
        try await TestServer.run {
            $0.apiKeys = ["one", "two"]
        } body: { server async throws in
            func sendCommand(_ key: String, _ id: String) async throws -> (status: Int, error: JSONValue?) {
                let (head, text) = try await server.send(
                    "POST", "/v1/generations/\(id)/control", headers: [("X-Api-Key", key)], body: #"{"action":"stop"}"#)
                return (head.status, try json(text)["error"])
            }
            let (connection, _) = try await server.open([("X-Api-Key", "one")])
            let handle = await server.engine.request(0).handle
            let role = try #require(try await connection.readEvent())
            let id = try #require(try json(String(role.dropFirst(6)))["id"]?.stringValue)
            server.engine.finish(handle, .tokenLimit)
            _ = try await connection.readEvents()
            let (status, error) = try await sendCommand("one", id)
            #expect(status == 409)
            #expect(error?["reason"] == "finished")
            #expect(error?["message"]?.stringValue?.contains("length") == true)
            #expect(try await sendCommand("two", id).status == 404)
            #expect(try await sendCommand("one", "cmpl-" + id.suffix(32)).status == 404)
            // Other owners do not find the generation.
            let state = try await server.send("GET", "/v1/generations/\(id)", headers: [("X-Api-Key", "one")])
            #expect(state.head.status == 404)
        }
    }

    @Test func llamaServersRouteAcceptsTheSameCommands() async throws {
        try await TestServer.run { server async throws in
            let (connection, handle, id) = try await begin(server)
            async let reply = server.send(
                "POST", "/v1/chat/completions/control", body: #"{"id":"\#(id)","action":"reasoning_end"}"#)
            await resolve(server, 0, .applied(.reasoningEnded(tokens: 4), token: 9))
            let (head, text) = try await reply
            #expect(head.status == 200)
            let body = try json(text)
            #expect(body["success"] == true)
            #expect(body["at_token"] == 9)
            server.engine.finish(handle)
            _ = try await connection.readEvents()
        }
    }

    @Test func settingsAreReadAgainstThoseOfTheGeneration() async throws {
        try await TestServer.run { server async throws in
            let (connection, handle, id) = try await begin(server)
            async let reply = sendCommand(
                server, id, #"{"action":"set","changes":{"temperature":0.25,"stop":["END"],"max_tokens":7}}"#)
            let command = await server.engine.command(0)
            guard case .set(let change) = command.action else {
                Issue.record("\(command)")
                return
            }
            #expect(Set(change.keys) == [.temperature, .stops, .maximumTokens])
            #expect(change.values.stops == ["END"])
            await resolve(server, 0, .applied(.changed(change, old: AdjustableSettings()), token: 2))
            let body = try await reply.body
            #expect(body["new"]?["temperature"] == 0.25)
            #expect(body["old"]?["temperature"] == 0.8)
            #expect(body["new"]?["max_tokens"] == 7)
            server.engine.finish(handle)
            _ = try await connection.readEvents()
        }
    }

    @Test func injectedTurnIsWhatTheTemplateWouldWrite() async throws {
        try await TestServer.run { server async throws in
            let (connection, handle, id) = try await begin(server)
            async let reply = sendCommand(
                server, id, #"{"action":"inject","role":"user","content":"<|im_end|> wait","when":"sentence"}"#)
            guard case .inject(let injection) = await server.engine.command(0).action else {
                Issue.record("no injection")
                return
            }
            #expect(injection.opensTurn)
            #expect(injection.moment == .sentenceEnd)
            #expect(
                injection.content.text
                    == "<|im_end|>\n<|im_start|>user\n<|im_end|> wait<|im_end|>\n<|im_start|>assistant\n")
            #expect(injection.content.pieces.contains(.text("<|im_end|> wait", isTrusted: false)))
            await resolve(server, 0, .applied(.injected(opensTurn: true, tokens: 12), token: 2))
            #expect(try await reply.body["how"] == "new_turn")
            server.engine.finish(handle)
            _ = try await connection.readEvents()
        }
    }

    @Test func forksHaveIdsAndLogsOfTheirOwn() async throws {
        try await TestServer.run { server async throws in
            let (connection, handle, id) = try await begin(server)
            server.engine.step([handle], text: "a")
            async let reply = sendCommand(server, id, #"{"action":"fork","n":2,"changes":{"temperature":1}}"#)
            let command = await server.engine.command(0)
            guard case .fork(let forks) = command.action else {
                Issue.record("no fork")
                return
            }
            #expect(forks.count == 2)
            #expect(forks[0].changes.values.sampling.seed != forks[1].changes.values.sampling.seed)
            await resolve(server, 0, .applied(.forked(forks.map(\.handle)), token: 1))
            let ids = try #require(try await reply.body["ids"]?.arrayValue)
            for fork in forks {
                server.engine.send([
                    EngineEvent(fork.handle, .admitted(promptTokens: 1)),
                    EngineEvent(fork.handle, .started(slot: 1, cachedTokens: 1)),
                ])
                server.engine.step([fork.handle], text: "a")
                server.engine.step([fork.handle], text: "b\(fork.handle.rawValue)")
                server.engine.finish(fork.handle)
            }
            for (id, fork) in zip(ids, forks) {
                let (head, text) = try await server.send(
                    "GET", "/v1/generations/\(id.stringValue ?? "")/result")
                #expect(head.status == 200)
                #expect(text.contains(#""content":"ab\#(fork.handle.rawValue)""#))
            }
            server.engine.finish(handle)
            _ = try await connection.readEvents()
        }
    }

    @Test func rewoundTextIsNoPartOfTheCompletion() async throws {
        try await TestServer.run { server async throws in
            async let whole = server.send("POST", "/v1/chat/completions", body: chat(stream: false))
            let request = await server.engine.request(0)
            for text in ["one ", "two ", "three "] { server.engine.step([request.handle], text: text) }
            server.engine.send([
                EngineEvent(
                    request.handle, .controlled(CommandNumber(rawValue: 99), .applied(.rewound, token: 1)))
            ])
            server.engine.step([request.handle], text: "four")
            server.engine.finish(request.handle)
            let body = try json(try await whole.body)
            #expect(
                body["choices"]?.arrayValue?[0]["message"]?["content"]?.stringValue == "one four")
        }
    }

    /// A model with reasoning.
    private static let reasoningTemplate = """
        {%- for message in messages -%}{{ '<|im_start|>' + message.role + '\\n' -}}
        {%- if message.reasoning_content -%}{{ '<think>\\n' + message.reasoning_content + '\\n</think>\\n\\n' -}}
        {%- endif -%}{{ message.content + '<|im_end|>\\n' -}}{%- endfor -%}{{ '<|im_start|>assistant\\n' -}}
        """

    /// Reasoning that a client sends back counts as many tokens as it had, and not as many as a new tokenization has.
    @Test func theTurnBudgetIsReducedByReasoningOfEarlierCompletions() async throws {
        try await TestServer.run {
            $0.apiKeys = ["one", "two"]
            $0.chatTemplate = Self.reasoningTemplate
        } body: { server async throws in
            func post(_ key: String, _ reasonings: [String]) async throws -> (RawConnection, GenerationRequest) {
                let index = server.engine.requests.count
                let rounds = reasonings.map { reasoning in
                    #",{"role":"assistant","content":"","reasoning_content":\#(JSONValue.string(reasoning).text),"tool_calls":[{"function":{"name":"f"}}]},{"role":"tool","content":"x"}"#
                }
                let body =
                    #"{"messages":[{"role":"user","content":"a"}\#(rounds.joined())],"reasoning_turn_budget_tokens":40}"#
                let connection = try await server.connect()
                try await connection.send(
                    "POST", "/v1/chat/completions", headers: [("X-Api-Key", key)], body: body)
                return (connection, await server.engine.request(index))
            }
            func end(_ connection: RawConnection, _ request: GenerationRequest, tokens: Int) async throws -> JSONValue {
                for text in ["<think>", "\n", " Let me", " see", ".", "\n", "</think>", "\n\n", "yes"] {
                    server.engine.step([request.handle], text: text)
                }
                var timings = Timings()
                timings.reasoningTokens = tokens
                server.engine.finish(request.handle, timings: timings)
                #expect(try await connection.readHead().status == 200)
                return try json(try await connection.readBody())
            }
            let (first, request) = try await post("one", [])
            #expect(request.reasoning?.turnBudget == 40)
            let response = try await end(first, request, tokens: 9)
            #expect(response["usage"]?["completion_tokens_details"]?["reasoning_tokens"] == 9)
            let message = response["choices"]?.arrayValue?.first?["message"]
            let reasoning = try #require(message?["reasoning_content"]?.stringValue)
            let (second, again) = try await post("one", [" \(reasoning)\n", "another"])
            #expect(again.reasoning?.turnBudget == 31)
            #expect(again.reasoning?.earlierReasoning == ["another"])
            _ = try await end(second, again, tokens: 35)
            // Of two outputs with one text the newer one counts, so twice 35 exceed the limit.
            let (third, last) = try await post("one", [reasoning, reasoning])
            #expect(last.reasoning?.turnBudget == 0)
            _ = try await end(third, last, tokens: 0)
            let (fourth, stranger) = try await post("two", [reasoning])
            #expect(stranger.reasoning?.turnBudget == 40 && stranger.reasoning?.earlierReasoning == [reasoning])
            _ = try await end(fourth, stranger, tokens: 0)
        }
    }

    @Test func budgetsReachTheEngine() async throws {
        try await TestServer.run(script: .complete(["a"])) { configuration in
            configuration.chatTemplate = Self.reasoningTemplate
            configuration.completionDefaults.reasoningBudget = 77
        } body: { server async throws in
            let cases: [(String, Int?)] = [
                ("", 77), (#","reasoning_budget_tokens":5"#, 5), (#","thinking_budget_tokens":0"#, 0),
                (#","reasoning_budget_tokens":-1"#, nil),
            ]
            for (index, (more, budget)) in cases.enumerated() {
                _ = try await server.send("POST", "/v1/chat/completions", body: chat(stream: false, more))
                let rule = await server.engine.request(index).reasoning
                #expect(rule?.budget == budget)
                #expect(rule?.closing == "\n</think>\n\n")
            }
            let turn = #"""
                {"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b","reasoning_content":"old"},
                {"role":"user","content":"c"},
                {"role":"assistant","content":"","reasoning_content":"one","tool_calls":[{"function":{"name":"f"}}]},
                {"role":"tool","content":"d"},{"role":"assistant","content":"","reasoning":"two",
                "tool_calls":[{"function":{"name":"f"}}]},{"role":"tool","content":"e"}],
                "reasoning_turn_budget_tokens":40}
                """#
            _ = try await server.send("POST", "/v1/chat/completions", body: turn)
            let rule = await server.engine.request(cases.count).reasoning
            #expect(rule?.turnBudget == 40)
            #expect(rule?.earlierReasoning == ["one", "two"])
        }
    }
}
