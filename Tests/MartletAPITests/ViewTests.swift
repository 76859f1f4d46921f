import MartletAPI
import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams
import Testing

struct ViewTests {
    static let head = ResponseHead(
        id: "chatcmpl-1", created: 1_700_000_000, model: "fledgling", fingerprint: "b1-martlet")
    static let completion: GenerationSummary = {
        var timings = Timings()
        timings.promptTokens = 10
        timings.cachedTokens = 4
        timings.predictedTokens = 5
        timings.promptTime = .milliseconds(12)
        timings.predictedTime = .milliseconds(8)
        return GenerationSummary(reason: .endOfGeneration, timings: timings)
    }()
    static let events: [LogEvent] = [
        .admitted(promptTokens: 10), .started(cachedTokens: 4),
        .promptProgress(PromptProgress(total: 10, cached: 4, processed: 10, elapsed: .milliseconds(12))),
        .text(.delimiter, token: 1, bytes: Array("<think>".utf8)[...]),
        .text(.reasoning, token: 2, bytes: Array("hm".utf8)[...]),
        .text(.content, token: 3, bytes: Array("say \"hé\"\n".utf8)[...]),
        .text(.content, token: 4, bytes: []), .finished(completion),
    ]

    private func data(_ view: some StreamView, _ events: [LogEvent] = events) throws -> [String] {
        var bytes: [UInt8] = []
        for (number, event) in events.enumerated() { view.encode(event, number: number, into: &bytes) }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n\n").map {
            String($0.dropFirst("data: ".count))
        }
    }

    @Test func aChatStreamHasRoleProgressReasoningContentEndAndDone() throws {
        let data = try data(try ChatCompletionView(head: Self.head, includesUsage: false))
        #expect(data.count == 6)
        #expect(data.last == "[DONE]")
        let chunks = try data.dropLast().map { try JSONParser.parse(Array($0.utf8)) }
        let deltas = chunks.map { $0["choices"]?.arrayValue?.first?["delta"] }
        #expect(
            deltas == [
                ["role": "assistant", "content": .null], ["role": "assistant", "content": .null],
                ["reasoning_content": "hm", "reasoning": "hm"],
                ["content": "say \"hé\"\n"],
                [:],
            ])
        for chunk in chunks {
            #expect(chunk["id"] == "chatcmpl-1")
            #expect(chunk["object"] == "chat.completion.chunk")
            #expect(chunk["model"] == "fledgling")
            #expect(chunk["created"] == 1_700_000_000)
        }
        #expect(chunks[1]["prompt_progress"] == ["total": 10, "cache": 4, "processed": 10, "time_ms": 12])
        #expect(chunks[4]["choices"]?.arrayValue?.first?["finish_reason"] == "stop")
        #expect(chunks[4]["timings"]?["prompt_n"] == 6)
        #expect(chunks[4]["timings"]?["predicted_per_second"] == .number(500))
        #expect(chunks[4]["usage"] == nil)
    }

    @Test func usageComesInItsOwnChunkWithoutChoices() throws {
        let data = try data(try ChatCompletionView(head: Self.head, includesUsage: true))
        let chunk = try JSONParser.parse(Array(data[data.count - 2].utf8))
        #expect(chunk["choices"] == [])
        #expect(
            chunk["usage"] == [
                "completion_tokens": 5, "prompt_tokens": 10, "total_tokens": 15,
                "prompt_tokens_details": ["cached_tokens": 4],
            ])
        #expect(chunk["timings"] != nil)
    }

    @Test func aFailureIsAnErrorObjectAndThenTheEnd() throws {
        let error = EngineError(.contextExceeded, "too long", promptTokens: 9, contextSize: 8)
        for data in [
            try data(try ChatCompletionView(head: Self.head, includesUsage: true), [.failed(error)]),
            try data(try TextCompletionView(head: Self.head, includesUsage: true), [.failed(error)]),
        ] {
            #expect(data.count == 2)
            #expect(data.last == "[DONE]")
            #expect(
                try JSONParser.parse(Array(data[0].utf8)) == [
                    "error": [
                        "code": 400, "message": "too long", "type": "exceed_context_size_error", "n_prompt_tokens": 9,
                        "n_ctx": 8,
                    ]
                ])
        }
    }

    @Test func streamingEqualsNotStreaming() throws {
        let view = try ChatCompletionView(head: Self.head, includesUsage: false)
        let whole = try JSONParser.parse(view.response(for: Self.events))
        let message = whole["choices"]?.arrayValue?.first?["message"]
        #expect(
            message == [
                "role": "assistant", "content": "say \"hé\"\n", "reasoning_content": "hm", "reasoning": "hm",
            ])
        var content = ""
        var reasoning = ""
        for chunk in try data(view).dropLast() {
            let delta = try JSONParser.parse(Array(chunk.utf8))["choices"]?.arrayValue?.first?["delta"]
            content += delta?["content"]?.stringValue ?? ""
            reasoning += delta?["reasoning_content"]?.stringValue ?? ""
        }
        #expect(message?["content"]?.stringValue == content)
        #expect(message?["reasoning_content"]?.stringValue == reasoning)
        #expect(whole["object"] == "chat.completion")
        #expect(whole["usage"]?["total_tokens"] == 15)
    }

    @Test func aTextCompletionStreamsAndFolds() throws {
        let view = try TextCompletionView(head: Self.head, includesUsage: true)
        let data = try data(view, Self.events.filter { if case .text(.reasoning, _, _) = $0 { false } else { true } })
        let chunks = try data.dropLast().map { try JSONParser.parse(Array($0.utf8)) }
        #expect(
            chunks.compactMap { $0["choices"]?.arrayValue?.first?["text"]?.stringValue }.joined()
                == "<think>say \"hé\"\n")
        #expect(chunks.last?["usage"]?["completion_tokens"] == 5)
        let whole = try JSONParser.parse(view.response(for: Self.events))
        #expect(whole["object"] == "text_completion")
        #expect(whole["choices"]?.arrayValue?.first?["finish_reason"] == "stop")
    }

    @Test func aFailedGenerationHasNoResponseObject() throws {
        let view = try ChatCompletionView(head: Self.head, includesUsage: false)
        let error = #expect(throws: GenerationError.self) {
            try view.response(for: [.admitted(promptTokens: 1), .failed(EngineError(.engineLost, "gone"))])
        }
        #expect(error.map { APIError($0).status } == 500)
    }

    @Test func limitsEndWithLength() throws {
        for reason in [GenerationSummary.Reason.tokenLimit, .timeLimit, .contextFull] {
            let end = LogEvent.finished(GenerationSummary(reason: reason, timings: Timings()))
            let data = try data(try ChatCompletionView(head: Self.head, includesUsage: false), [end])
            #expect(data[0].contains("\"finish_reason\":\"length\""))
        }
    }
}
