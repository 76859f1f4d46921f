import MartletAPI
import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams
import OrderedCollections
import Testing

/// A generation as OpenAI's response.
struct ResponsesViewTests {
    private func view(_ body: JSONObject = [:]) throws -> ResponsesView {
        var head = ViewTests.head
        head.id = "resp_0123456789abcdef0123456789abcdef"
        return ResponsesView(head: head, options: try .of([:]), body: .object(body))
    }

    private func events(_ view: ResponsesView, _ log: [LogEvent]) throws -> [JSONValue] {
        try view.parts(of: log).filter { !$0.hasPrefix(":") }.map { part in
            let lines = part.split(separator: "\n")
            let data = try JSONParser.parse(Array(lines[1].utf8.dropFirst("data: ".utf8.count)))
            #expect(data["type"] == .string(String(lines[0].dropFirst("event: ".count))))
            return data
        }
    }

    private static let output = MessagesViewTests.output

    @Test func numbersHaveNoGapAndEventsTheirOrder() throws {
        let log = MessagesViewTests.whole(
            Array(Self.output[..<11]), MessagesViewTests.end(.endOfGeneration, calls: true))
        let events = try events(view(), log)
        #expect(events.map { $0["sequence_number"] } == events.indices.map { .integer(Int64($0)) })
        let names = events.map { ($0["type"]?.stringValue ?? "").dropFirst("response.".count) }
        let text = [
            "content_part.added", "output_text.delta", "output_text.delta", "output_text.done", "content_part.done",
        ]
        let reasoning = [
            "content_part.added", "reasoning_text.delta", "reasoning_text.delta", "reasoning_text.done",
            "content_part.done",
        ]
        let call = Array(repeating: "function_call_arguments.delta", count: 2) + ["function_call_arguments.done"]
        let added = ["output_item.added"]
        let done = ["output_item.done"]
        let expected: [String] =
            ["created", "in_progress"] + added + reasoning + done + added + text + done + added + call + done
        #expect(names.map { String($0) } == expected + ["completed"])
    }

    @Test func theTextsOfAStreamAreThoseOfTheWholeResponse() throws {
        for end in [
            MessagesViewTests.end(.endOfGeneration), MessagesViewTests.end(.tokenLimit),
            MessagesViewTests.end(.cancelled),
        ] {
            for count in 0...Self.output.count {
                let log = MessagesViewTests.whole(Array(Self.output[..<count]), end)
                let view = try view()
                let whole = try JSONParser.parse(view.response(for: log))
                let events = try events(view, log)
                #expect(events.last?["response"] == whole)
                var texts: [Int64: String] = [:]
                for event in events {
                    guard let delta = event["delta"]?.stringValue, let index = event["output_index"]?.integerValue
                    else { continue }
                    texts[index, default: ""] += delta
                }
                let items = whole["output"]?.arrayValue ?? []
                for (index, item) in items.enumerated() {
                    let text = item["arguments"]?.stringValue ?? item["content"]?.arrayValue?[0]["text"]?.stringValue
                    #expect(texts[Int64(index)] ?? "" == text)
                }
                let done = events.filter { $0["type"] == "response.output_item.done" }.map { $0["item"] }
                #expect(done == items)
            }
        }
    }

    @Test func statesAreOpenAIs() throws {
        func last(_ end: LogEvent) throws -> JSONValue {
            try #require(try events(view(), MessagesViewTests.whole([MessagesViewTests.text(.content, "a")], end)).last)
        }
        let complete = try last(MessagesViewTests.end(.stopText("x")))
        #expect(complete["type"] == "response.completed" && complete["response"]?["status"] == "completed")
        #expect(
            complete["response"]?["usage"] == [
                "input_tokens": 10, "input_tokens_details": ["cached_tokens": 4], "output_tokens": 5,
                "output_tokens_details": ["reasoning_tokens": 0], "total_tokens": 15,
            ])
        let cut = try last(MessagesViewTests.end(.contextFull))
        #expect(cut["type"] == "response.incomplete")
        #expect(cut["response"]?["incomplete_details"]?["reason"] == "max_output_tokens")
        #expect(cut["response"]?["output"]?.arrayValue?[0]["status"] == "incomplete")
        #expect(try last(MessagesViewTests.end(.cancelled))["response"]?["status"] == "cancelled")
        let failed = try last(.failed(EngineError(.engineLost, "lost")))
        #expect(failed["type"] == "response.failed")
        #expect(failed["response"]?["error"] == ["code": "server_error", "message": "lost"])
        #expect(throws: GenerationError.self) {
            try view().response(for: [.failed(EngineError(.engineLost, "lost"))])
        }
        let queued = try JSONParser.parse(#require(view().object(for: [], isQueued: true)))
        #expect(queued["status"] == "queued" && queued["output"] == [])
    }

    @Test func theResponseRepeatsTheRequest() throws {
        let fields: JSONObject = [
            "instructions": "I", "metadata": ["a": "b"], "temperature": 0.5, "previous_response_id": "resp_1",
        ]
        let whole = try JSONParser.parse(#require(view(fields).object(for: [], isQueued: false)))
        #expect(whole["object"] == "response" && whole["instructions"] == "I" && whole["metadata"] == ["a": "b"])
        #expect(whole["temperature"] == 0.5 && whole["previous_response_id"] == "resp_1" && whole["store"] == true)
        #expect(whole["tools"] == [] && whole["tool_choice"] == "auto" && whole["truncation"] == "disabled")
    }

    @Test func customToolsAndMembersOfNamespacesAreMappedBack() throws {
        let body: JSONObject = [
            "tools": [
                ["type": "custom", "name": "code"], ["type": "namespace", "name": "git", "tools": [["name": "log"]]],
            ], "include": ["reasoning.encrypted_content"],
        ]
        let log = MessagesViewTests.whole(
            [
                MessagesViewTests.text(.reasoning, "Hm."), .call(0, name: "code"),
                MessagesViewTests.arguments(0, "{\"input\": \"print"), MessagesViewTests.arguments(0, "(1)\"}"),
                .call(1, name: "git__log"), MessagesViewTests.arguments(1, "{}"),
            ], MessagesViewTests.end(.endOfGeneration, calls: true))
        let view = try view(body)
        let items = try JSONParser.parse(view.response(for: log))["output"]?.arrayValue ?? []
        #expect(items.map { $0["type"] } == ["reasoning", "custom_tool_call", "function_call"])
        #expect(items[1]["input"] == "print(1)" && items[2]["name"] == "log" && items[2]["namespace"] == "git")
        #expect(items[0]["encrypted_content"]?.stringValue?.hasPrefix("martlet1.") == true)
        let names = try events(view, log).compactMap { $0["type"]?.stringValue }
        #expect(names.filter { $0.contains("custom_tool_call_input") }.count == 2)
        #expect(names.filter { $0.contains("function_call_arguments") }.count == 2)
        let input = try events(view, log).first { $0["type"] == "response.custom_tool_call_input.done" }?["input"]
        #expect(input == "print(1)")
    }

    @Test(arguments: [
        ("", ""), ("{", ""), ("{\"in", ""), ("{\"input\":", ""), ("{\"input\": \"pri", "pri"),
        ("{\"input\": \"print\"", "print"), ("print(", "print("), ("{\"other\": 1}", "{\"other\": 1}"),
    ]) func theInputOfACutCustomToolHasNoJSON(arguments: String, expected: String) throws {
        let log = MessagesViewTests.whole(
            [.call(0, name: "code"), MessagesViewTests.arguments(0, arguments)],
            MessagesViewTests.end(.tokenLimit, calls: true))
        let view = try view(["tools": [["type": "custom", "name": "code"]]])
        let item = try JSONParser.parse(view.response(for: log))["output"]?.arrayValue?.first
        #expect(item?["type"] == "custom_tool_call" && item?["input"] == .string(expected))
    }

    @Test func theResponseHasTheSamplingThatWasUsed() throws {
        func response(_ body: JSONObject) throws -> JSONValue {
            let view = ResponsesView(head: ViewTests.head, options: try .of(body), body: .object(body))
            return try JSONParser.parse(
                view.response(for: MessagesViewTests.whole([], MessagesViewTests.end(.tokenLimit))))
        }
        let unset = try response([:])
        #expect(unset["temperature"] == 0.8 && unset["top_p"] == 0.95)
        let set = try response(["temperature": 0.3, "top_p": 1])
        #expect(set["temperature"] == 0.3 && set["top_p"] == 1)
    }

    /// llama-server's fields of chats: progress is an event of its own, timings are members.
    @Test func progressAndTimingsAreReportedOnRequest() throws {
        var timings = Timings()
        (timings.promptTokens, timings.predictedTokens) = (7, 1)
        let details = TokenDetails(tokenTimings: TokenTimings(slot: 0, timings: timings))
        let progress = PromptProgress(total: 7, cached: 2, processed: 5, elapsed: .milliseconds(3))
        let text = LogEvent.detailedText(.content, token: 1, bytes: Array("Hi".utf8)[...], details)
        var log = MessagesViewTests.whole([text], MessagesViewTests.end(.endOfGeneration))
        let start = try #require(log.firstIndex { if case .started = $0 { true } else { false } })
        log.insert(.promptProgress(progress), at: start + 1)
        let body: JSONObject = ["timings_per_token": true, "return_progress": true]
        let view = ResponsesView(head: ViewTests.head, options: try .of(body), body: .object(body))
        let events = try events(view, log)
        #expect(events.map { $0["sequence_number"] } == events.indices.map { .integer(Int64($0)) })
        let reports = events.filter { $0["prompt_progress"] != nil }
        let report = try #require(reports.first)
        #expect(reports.count == 1 && report["type"] == "response.in_progress")
        #expect(report["prompt_progress"]?["processed"] == 5 && report["response"]?["status"] == "in_progress")
        let delta = try #require(events.first { $0["type"] == "response.output_text.delta" })
        #expect(delta["timings"]?["prompt_n"] == 7 && delta["timings"]?["predicted_n"] == 1)
        #expect(events.last?["timings"]?["predicted_per_second"] != nil)
        // Without the fields no event has a member that OpenAI's does not have.
        let plain = try self.events(self.view(), log.filter { if case .promptProgress = $0 { false } else { true } })
        #expect(plain.allSatisfy { $0["timings"] == nil && $0["prompt_progress"] == nil })
    }
}
