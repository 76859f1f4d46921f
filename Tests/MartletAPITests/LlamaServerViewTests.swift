import MartletAPI
import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams
import OrderedCollections
import Testing

struct LlamaServerViewTests {
    private static let events: [LogEvent] = {
        var progress = PromptProgress(total: 9, cached: 1, processed: 9, elapsed: .milliseconds(3))
        progress.slot = 2
        var timings = ViewTests.completion.timings
        timings.predictedTokens = 1
        var completion = GenerationSummary(reason: .stopText("END"), timings: ViewTests.completion.timings)
        completion.slot = 2
        completion.kvCacheTokens = 14
        completion.hasLineBreak = true
        return [
            .admitted(promptTokens: 10), .started(cachedTokens: 4), .promptProgress(progress),
            .detailedText(
                .content, token: 7, bytes: Array("a\n".utf8)[...],
                TokenDetails(tokenTimings: TokenTimings(slot: 2, timings: timings))),
            .text(.content, token: 8, bytes: Array("b".utf8)[...]), .finished(completion),
        ]
    }()

    private func view(_ fields: JSONObject) throws -> LlamaServerCompletionView {
        LlamaServerCompletionView(head: ViewTests.head, prompts: ["Once"], options: try .of(fields))
    }

    private func chunks(_ view: LlamaServerCompletionView, _ events: [LogEvent] = events) throws -> [JSONValue] {
        var bytes: [UInt8] = []
        for (number, event) in events.enumerated() { view.encode(event, number: number, into: &bytes) }
        return try String(decoding: bytes, as: UTF8.self).split(separator: "\n\n").map {
            try JSONParser.parse(Array($0.utf8.dropFirst("data: ".utf8.count)))
        }
    }

    @Test func aStreamHasProgressTokensAndTheWholeObjectWithoutContent() throws {
        let chunks = try chunks(view(["stream": true]))
        #expect(chunks.count == 4)
        #expect(
            chunks[0] == [
                "index": 0, "content": "", "tokens": [], "stop": false, "id_slot": 2, "tokens_predicted": 0,
                "tokens_evaluated": 9,
                "prompt_progress": ["total": 9, "cache": 1, "processed": 9, "time_ms": 3],
            ])
        #expect(
            chunks[1] == [
                "index": 0, "content": "a\n", "tokens": [7], "stop": false, "id_slot": 2, "tokens_predicted": 1,
                "tokens_evaluated": 10,
            ])
        #expect(chunks[3]["stop"] == true)
        #expect(chunks[3]["content"] == "")
        #expect(chunks[3]["tokens"] == [])
    }

    @Test func theWholeObjectHasEveryMember() throws {
        let fields: JSONObject = ["return_tokens": true, "n_predict": 5, "seed": 3, "stop": ["END"]]
        let object = try JSONParser.parse(view(fields).response(for: Self.events))
        #expect(
            object.objectValue.map { Array($0.keys) } == [
                "index", "content", "tokens", "id_slot", "stop", "model", "tokens_predicted", "tokens_evaluated",
                "generation_settings", "prompt", "has_new_line", "truncated", "stop_type", "stopping_word",
                "tokens_cached", "timings",
            ])
        #expect(object["content"] == "a\nb")
        #expect(object["tokens"] == [7, 8])
        #expect(object["id_slot"] == 2)
        #expect(object["prompt"] == "Once")
        #expect(object["has_new_line"] == true)
        #expect(object["truncated"] == false)
        #expect(object["stop_type"] == "word")
        #expect(object["stopping_word"] == "END")
        #expect(object["tokens_cached"] == 14)
        #expect(object["tokens_evaluated"] == 10)
        #expect(object["generation_settings"]?["n_predict"] == 5)
        #expect(object["generation_settings"]?["seed"] == 3)
        #expect(object["generation_settings"]?["stop"] == ["END"])
        #expect(object["timings"]?["predicted_n"] == 5)
    }

    @Test func onlyRequestedMembersAreReported() throws {
        let fields: JSONObject = ["response_fields": ["content", "generation_settings/n_predict", "no/such", "stop"]]
        let object = try JSONParser.parse(view(fields).response(for: Self.events))
        #expect(object == ["content": "a\nb", "generation_settings/n_predict": -1, "stop": true])
        #expect(
            try chunks(view(fields)).last == ["content": "", "generation_settings/n_predict": -1, "stop": true])
    }

    @Test func tokensAreReportedOnlyWhereRequested() throws {
        #expect(try JSONParser.parse(view([:]).response(for: Self.events))["tokens"] == [])
    }

    @Test func timingsComeWithEveryTokenWhereRequested() throws {
        let chunks = try chunks(view(["timings_per_token": true]))
        let progress = try #require(chunks[0]["timings"])
        #expect(progress["cache_n"] == 1)
        #expect(progress["prompt_n"] == 8)
        #expect(progress["prompt_ms"]?.doubleValue == 3)
        #expect(progress["predicted_n"] == 0)
        #expect(progress["predicted_ms"]?.doubleValue == 0)
        #expect(chunks[1]["timings"]?["predicted_n"] == 1)
        let chat = ChatCompletionView(head: ViewTests.head, options: try .of(["timings_per_token": true]))
        var bytes: [UInt8] = []
        chat.encode(Self.events[3], number: 0, into: &bytes)
        let chunk = try JSONParser.parse(Array(bytes.dropFirst("data: ".utf8.count)))
        #expect(chunk["timings"]?["predicted_n"] == 1)
        #expect(chunk["choices"]?.arrayValue?.first?["logprobs"] == nil)
    }

    @Test func verboseResponsesHaveTheLlamaServerObjectToo() throws {
        let options = try CompletionOptions.of(["verbose": true])
        let head = ViewTests.head
        for bytes in [
            try ChatCompletionView(head: head, options: options, prompt: "Once").response(for: Self.events),
            try TextCompletionView(head: head, options: options, prompts: ["Once"]).response(for: Self.events),
        ] {
            let native = try JSONParser.parse(bytes)["__verbose"]
            #expect(native?["content"] == "a\nb")
            #expect(native?["prompt"] == "Once")
        }
    }

    @Test func verboseStreamsHaveItInTheLastChunk() throws {
        let options = try CompletionOptions.of(["verbose": true, "stream_options": ["include_usage": true]])
        let view = ChatCompletionView(head: ViewTests.head, options: options, prompt: "Once")
        var bytes: [UInt8] = []
        view.encode(try #require(Self.events.last), number: 0, into: &bytes)
        let chunks = try String(decoding: bytes, as: UTF8.self).split(separator: "\n\n").dropLast().map {
            try JSONParser.parse(Array($0.utf8.dropFirst("data: ".utf8.count)))
        }
        #expect(chunks.count == 2)
        #expect(chunks[0]["__verbose"]?["prompt"] == "Once")
        #expect(chunks[0]["timings"] == nil)
        #expect(chunks[1]["__verbose"] == nil)
        #expect(chunks[1]["timings"] != nil)
    }

    @Test func ratesFollowFromTheReportedTimes() throws {
        var completion = GenerationSummary(reason: .endOfGeneration, timings: Timings())
        completion.timings.promptTokens = 3
        completion.timings.promptTime = .nanoseconds(1_234_567)
        completion.timings.predictedTokens = 16
        completion.timings.predictedTime = .nanoseconds(7_654_321)
        let object = try JSONParser.parse(view([:]).response(for: [.finished(completion)]))
        let timings = try #require(object["timings"])
        func value(_ name: String) throws -> Double { try #require(timings[name]?.doubleValue) }
        #expect(try value("prompt_ms") == 1.235)
        #expect(try value("predicted_ms") == 7.654)
        // The time of the first token is part of the prompt's.
        #expect(try value("predicted_per_second") == 15 * 1_000 / value("predicted_ms"))
        #expect(try value("predicted_per_token_ms") == value("predicted_ms") / 15)
        #expect(try value("prompt_per_second") == 3 * 1_000 / value("prompt_ms"))
    }

    @Test func warningsOfAStreamAreAChunk() throws {
        let chunks = try chunks(view([:]), [.warning("Left out.")])
        #expect(chunks.count == 1)
        #expect(chunks[0]["content"] == "")
        #expect(chunks[0]["stop"] == false)
        #expect(chunks[0]["warnings"] == ["Left out."])
    }

    @Test func anErrorEndsTheStreamWithoutDone() throws {
        let chunks = try chunks(view([:]), [.failed(EngineError(.generationFailed, "broken"))])
        #expect(chunks.count == 1)
        #expect(chunks[0]["error"]?["message"] == "broken")
    }

    @Test func anEchoComesBeforeTheCompletion() throws {
        let view = TextCompletionView(head: ViewTests.head, options: try .of([:]), prompts: ["Once "], echoes: true)
        let whole = try JSONParser.parse(view.response(for: Self.events))
        #expect(whole["choices"]?.arrayValue?.first?["text"] == "Once a\nb")
        var bytes: [UInt8] = []
        for (number, event) in Self.events.enumerated() { view.encode(event, number: number, into: &bytes) }
        let texts = try String(decoding: bytes, as: UTF8.self).split(separator: "\n\n").dropLast().map { event in
            try JSONParser.parse(Array(event.utf8.dropFirst("data: ".utf8.count)))["choices"]?.arrayValue?.first?[
                "text"]
        }
        #expect(texts.compactMap(\.self?.stringValue).joined() == "Once a\nb")
    }
}
