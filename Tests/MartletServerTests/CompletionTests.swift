import MartletJSON
import MartletProtocol
import MartletServer
import MartletTestSupport
import Testing

@Suite struct CompletionTests {
    @Test func aChatStreamsTokenByToken() async throws {
        try await TestServer.run { server async throws in
            let (connection, head) = try await server.stream()
            #expect(head.status == 200)
            #expect(head["content-type"] == "text/event-stream")
            #expect(head["x-accel-buffering"] == "no")
            #expect(head["server"] == "martlet")
            #expect(head["transfer-encoding"] == "chunked")
            let request = await server.engine.request(0)
            #expect(request.prompt.text == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n")
            let role = try #require(try await connection.readEvent())
            #expect(role.contains(#""delta":{"role":"assistant","content":null}"#))
            for text in ["Hel", "lo"] {
                server.engine.step([request.handle], text: text)
                let event = try #require(try await connection.readEvent())
                let chunk = try json(String(event.dropFirst(6)))
                #expect(chunk["choices"]?.arrayValue?[0]["delta"]?["content"]?.stringValue == text)
                #expect(chunk["object"]?.stringValue == "chat.completion.chunk")
                #expect(chunk["id"]?.stringValue?.hasPrefix("chatcmpl-") == true)
            }
            server.engine.finish(request.handle)
            let end = try await connection.readEvents()
            #expect(end.count == 2)
            #expect(end[0].contains(#""finish_reason":"stop""#))
            #expect(end[1] == "data: [DONE]")
        }
    }

    @Test func aStreamHasLogprobsBesideItsText() async throws {
        try await TestServer.run { server async throws in
            let body = #"{"messages":[{"role":"user","content":"hi"}],"stream":true,"logprobs":true,"top_logprobs":1}"#
            let (connection, _) = try await server.stream(body)
            let request = await server.engine.request(0)
            #expect(request.parameters.probabilities == ProbabilityRequest(count: 1))
            _ = try await connection.readEvent()
            var probabilities = TokenProbabilities(textOffset: 0)
            for id: Int32 in [7, 8] { probabilities.append(id: id, value: -0.25, bytes: Array("a".utf8)) }
            var event = EngineEvent(request.handle, .token(id: 7, text: Array("a".utf8)[...]))
            event.probabilities = [probabilities]
            server.engine.send([event])
            let chunk = try json(String(try #require(try await connection.readEvent()).dropFirst(6)))
            let choice = chunk["choices"]?.arrayValue?[0]
            #expect(choice?["delta"]?["content"] == "a")
            let entry = choice?["logprobs"]?["content"]?.arrayValue?[0]
            #expect(entry?["id"] == 7)
            #expect(entry?["logprob"] == -0.25)
            #expect(entry?["top_logprobs"]?.arrayValue?.count == 1)
            server.engine.finish(request.handle)
            _ = try await connection.readEvents()
        }
    }

    @Test func aWholeResponseHasTheTextOfTheStream() async throws {
        try await TestServer.run(script: .complete(["a", "b", "ü"])) { server async throws in
            let (connection, _) = try await server.stream()
            let streamed = try content(of: try await connection.readEvents())
            let (head, body) = try await server.send("POST", "/chat/completions", body: chat(stream: false))
            #expect(head.status == 200)
            let whole = try json(body)
            #expect(whole["choices"]?.arrayValue?[0]["message"]?["content"]?.stringValue == streamed)
            #expect(streamed == "abü")
            #expect(whole["usage"]?["completion_tokens"] == 3)
        }
    }

    @Test func aTextCompletionContinuesThePromptUnchanged() async throws {
        try await TestServer.run(script: .complete(["x"])) { server async throws in
            let (_, body) = try await server.send("POST", "/v1/completions", body: #"{"prompt":"once"}"#)
            let response = try json(body)
            #expect(response["choices"]?.arrayValue?[0]["text"] == "x")
            #expect(response["id"]?.stringValue?.hasPrefix("cmpl-") == true)
            #expect(await server.engine.request(0).prompt.text == "once")
        }
    }

    @Test(arguments: ["", #","tools":[{"type":"function","function":{"name":"f"}}]"#])
    func outputThatIsNotParsedStaysUnchanged(option: String) async throws {
        let tokens = ["<think>", "\n", "I think.", "\n", "</think>", "\n\n", #"<tool_call>{"name":"f"}"#]
        try await TestServer.run(script: .complete(tokens)) {
            $0.chatTemplate = reasoningTemplate
            $0.skipsChatParsing = true
        } body: { server async throws in
            let body = chat(stream: false, option)
            let response = try json(try await server.send("POST", "/v1/chat/completions", body: body).body)
            let message = response["choices"]?.arrayValue?[0]["message"]
            #expect(message?["content"]?.stringValue == tokens.joined())
            #expect(message?["reasoning_content"] == nil && message?["tool_calls"] == nil)
            let forced = chat(stream: false, option + #","tool_choice":"required""#)
            if !option.isEmpty {
                let refused = try await server.send("POST", "/v1/chat/completions", body: forced)
                #expect(refused.head.status == 400 && refused.body.contains("--skip-chat-parsing"))
            }
        }
    }

    @Test(
        arguments: [
            ("", "I think.", "Yes."), (#","reasoning_format":"none""#, nil, "<think>\nI think.\n</think>\n\nYes."),
            (#","reasoning_format":"deepseek-legacy""#, "I think.", "Yes."),
        ] as [(String, String?, String)])
    func reasoningIsSeparatedFromTheContent(option: String, reasoning: String?, content: String) async throws {
        let tokens = ["<think>", "\n", "I thi", "nk.", "\n", "</think>", "\n\n", "Yes", "."]
        try await TestServer.run(script: .complete(tokens)) {
            $0.chatTemplate = reasoningTemplate
        } body: {
            server async throws in
            let body = chat(stream: false, option)
            let response = try json(try await server.send("POST", "/v1/chat/completions", body: body).body)
            let message = response["choices"]?.arrayValue?[0]["message"]
            #expect(message?["reasoning_content"]?.stringValue == reasoning)
            #expect(message?["content"]?.stringValue == content)
            #expect(response["usage"]?["completion_tokens"] == 9)
            #expect(server.engine.requests[0].visibleDelimiters == ["<think>", "</think>"])
        }
    }

    @Test func legacyReasoningStaysInTheContentOfAStream() async throws {
        let tokens = ["<think>", "\n", "I think.", "\n", "</think>", "\n\n", "Yes."]
        try await TestServer.run(script: .complete(tokens)) {
            $0.chatTemplate = reasoningTemplate
        } body: {
            server async throws in
            let (connection, _) = try await server.stream(chat(stream: true, #","reasoning_format":"deepseek-legacy""#))
            let events = try await connection.readEvents()
            #expect(try content(of: events) == tokens.joined())
            #expect(!events.contains { $0.contains("reasoning_content") })
        }
    }

    @Test func aConnectionIsKeptAliveAfterAStream() async throws {
        try await TestServer.run(script: .complete(["a", "b"])) { server async throws in
            let connection = try await server.connect()
            for _ in 0..<3 {
                try await connection.send("POST", "/v1/chat/completions", body: chat(stream: true))
                #expect(try await connection.readHead().status == 200)
                #expect(try await connection.readEvents().last == "data: [DONE]")
                try await connection.send("GET", "/health")
                #expect(try await connection.readHead().status == 200)
                #expect(try await connection.readBody() == #"{"status":"ok"}"#)
            }
            #expect(server.engine.cancelled.isEmpty)
        }
    }

    @Test func everyByteOfALongStreamArrivesInOrder() async throws {
        let tokens = (0..<5_000).map { "word\($0) " }
        try await TestServer.run(script: .complete(tokens)) { server async throws in
            for _ in 0..<3 {
                let (connection, _) = try await server.stream()
                let events = try await connection.readEvents()
                #expect(try content(of: events) == tokens.joined())
                #expect(events.last == "data: [DONE]")
            }
        }
    }

    @Test func aSlowReaderDoesNotDelayOthers() async throws {
        try await TestServer.run { server async throws in
            let (slow, _) = try await server.stream(receiveBufferBytes: 4_096)
            let (fast, _) = try await server.stream()
            _ = try await fast.readEvent()
            try await slow.stopReading()
            let handles = [await server.engine.request(0).handle, await server.engine.request(1).handle]
            let text = String(repeating: "x", count: 100_000)
            // More than all buffers between the two ends.
            for _ in 0..<60 {
                server.engine.step(handles, text: text)
                #expect(try await fast.readEvent()?.utf8.count ?? 0 > 100_000)
            }
            for handle in handles { server.engine.finish(handle) }
            #expect(try await fast.readEvents().last == "data: [DONE]")
            try await slow.startReading()
            let events = try await slow.readEvents()
            #expect(events.count { $0.utf8.count > 100_000 } == 60)
            #expect(events.last == "data: [DONE]")
        }
    }

    @Test(arguments: [false, true]) func aRefusalIsAPlainErrorHoweverLateItComes(isBackground: Bool) async throws {
        try await TestServer.run(script: .hold) { configuration in
            configuration.admissionTimeout = .zero
        } body: { server async throws in
            let connection = try await server.connect()
            try await connection.send(
                "POST", "/v1/chat/completions", body: chat(stream: true, isBackground ? #","background":true"# : ""))
            let handle = await server.engine.request(0).handle
            // Only waiting in vain could show that the head waits, so another request is served in between.
            #expect(try await server.send("GET", "/health").head.status == 200)
            server.engine.fail(
                handle, EngineError(.contextExceeded, "too long", promptTokens: 60_000, contextSize: 16_384))
            let head = try await connection.readHead()
            #expect(head.status == 400)
            #expect(head["content-type"] == "application/json; charset=utf-8")
            #expect(try json(try await connection.readBody())["error"]?["type"] == "exceed_context_size_error")
        }
    }

    /// One of several prompts is too long, after the others were admitted.
    @Test func aRefusalOfOnePromptIsThatOfAll() async throws {
        try await TestServer.run(script: .hold) { server async throws in
            let connection = try await server.connect()
            try await connection.send("POST", "/v1/completions", body: #"{"prompt":["a","b","c"],"stream":true}"#)
            let handles = await [
                server.engine.request(0).handle, server.engine.request(1).handle, server.engine.request(2).handle,
            ]
            server.engine.send([
                EngineEvent(handles[0], .admitted(promptTokens: 1)),
                EngineEvent(handles[0], .started(slot: 0, cachedTokens: 0)),
                EngineEvent(handles[0], .token(id: 1, text: ArraySlice("x".utf8))),
                EngineEvent(handles[2], .admitted(promptTokens: 1)),
            ])
            server.engine.fail(handles[1], EngineError(.contextExceeded, "too long"))
            #expect(try await connection.readHead().status == 400)
        }
    }

    @Test func headersAreSentAtOnceWhileTheEngineIsStartedAgain() async throws {
        try await TestServer.run(script: .hold) { configuration in
            configuration.admissionTimeout = .zero
        } body: { server async throws in
            server.engine.change(to: .restarting(EngineError(.engineLost, "it died")))
            let (connection, head) = try await server.stream()
            #expect(head.status == 200)
            let handle = await server.engine.request(0).handle
            server.engine.fail(handle, EngineError(.overloaded, "too much to do"))
            let events = try await connection.readEvents()
            #expect(events.count == 2)
            #expect(events[0].contains(#""type":"overloaded_error""#))
        }
    }

    @Test func aRequestMayAskForPings() async throws {
        try await TestServer.run { server async throws in
            let (connection, _) = try await server.stream(chat(stream: true, #","sse_ping_interval":1"#))
            _ = try await connection.readEvent()
            #expect(try await connection.readEvent() == ":")
            server.engine.finish(await server.engine.request(0).handle)
            #expect(try await connection.readEvents().last == "data: [DONE]")
        }
    }

    @Test func thirtyTwoStreamsAtOnceEachGetTheirOwnText() async throws {
        try await TestServer.run { server async throws in
            var connections: [RawConnection] = []
            for index in 0..<32 {
                connections.append(try await server.stream(chat(stream: true, content: "stream \(index)")).connection)
            }
            for step in 0..<50 {
                server.engine.send(
                    server.engine.requests.map { request in
                        let text = "\(request.handle.rawValue)/\(step) "
                        return EngineEvent(request.handle, .token(id: 1, text: ArraySlice(text.utf8)))
                    })
            }
            for request in server.engine.requests { server.engine.finish(request.handle) }
            for (index, connection) in connections.enumerated() {
                let handle = server.engine.requests[index].handle.rawValue
                let expected = (0..<50).map { "\(handle)/\($0) " }.joined()
                #expect(try content(of: try await connection.readEvents()) == expected)
            }
        }
    }
}

/// A template with reasoning.
private let reasoningTemplate = """
    {%- for message in messages -%}
    <|im_start|>{{ message.role }}
    {% if message.reasoning_content %}<think>
    {{ message.reasoning_content }}
    </think>

    {% endif %}{{ message.content }}<|im_end|>
    {% endfor -%}
    {%- if add_generation_prompt -%}<|im_start|>assistant
    {% endif -%}
    """
