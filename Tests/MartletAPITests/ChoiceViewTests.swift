import MartletAPI
import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams
import OrderedCollections
import Testing

struct ChoiceViewTests {
    private static func text(_ text: String) -> LogEvent { .text(.content, token: 1, bytes: Array(text.utf8)[...]) }

    private static func completion(_ predicted: Int) -> GenerationSummary {
        var timings = Timings()
        timings.promptTokens = 5
        timings.predictedTokens = predicted
        return GenerationSummary(reason: .endOfGeneration, timings: timings)
    }

    /// Two choices of one prompt, interleaved; the second one ends first.
    private static let events: [LogEvent] = [
        .admitted(promptTokens: 5), .started(cachedTokens: 0), text("a"), .choice(1, .started(cachedTokens: 5)),
        .choice(1, text("x")), text("b"), .choice(1, text("y")), .choice(1, .ended(completion(2))), text("c"),
        .ended(completion(3)), .finished(completion(5)),
    ]

    private func chunks(_ view: some StreamView) throws -> [JSONValue] {
        var bytes: [UInt8] = []
        for (number, event) in Self.events.enumerated() { view.encode(event, number: number, into: &bytes) }
        return try String(decoding: bytes, as: UTF8.self).split(separator: "\n\n").compactMap { event in
            event == "data: [DONE]" ? nil : try JSONParser.parse(Array(event.utf8.dropFirst("data: ".utf8.count)))
        }
    }

    /// The output that a client assembles from a stream: texts and reasons by index.
    private func collected(_ chunks: [JSONValue]) -> [[String]] {
        var result = [["", ""], ["", ""]]
        for choice in chunks.flatMap({ $0["choices"]?.arrayValue ?? [] }) {
            guard let index = choice["index"]?.integerValue.map({ Int($0) }) else { continue }
            let text = choice["delta"]?["content"] ?? choice["text"]
            result[index][0] += text?.stringValue ?? ""
            result[index][1] += choice["finish_reason"]?.stringValue ?? ""
        }
        return result
    }

    @Test func streamsInterleaveWithTheirIndex() throws {
        let fields: JSONObject = ["n": 2, "stream_options": ["include_usage": true]]
        let chat = try chunks(ChatCompletionView(head: ViewTests.head, options: .of(fields)))
        let text = try chunks(TextCompletionView(head: ViewTests.head, options: .of(fields)))
        for chunks in [chat, text] {
            #expect(collected(chunks) == [["abc", "stop"], ["xy", "stop"]])
            #expect(chunks.last?["usage"]?["completion_tokens"] == 5)
            #expect(chunks.last?["choices"] == [])
        }
    }

    @Test func theWholeResponseHasAllChoices() throws {
        let options = try CompletionOptions.of(["n": 2])
        for bytes in [
            try ChatCompletionView(head: ViewTests.head, options: options).response(for: Self.events),
            try TextCompletionView(head: ViewTests.head, options: options).response(for: Self.events),
        ] {
            let choices = try JSONParser.parse(bytes)["choices"]?.arrayValue ?? []
            #expect(choices.map { $0["message"]?["content"] ?? $0["text"] } == ["abc", "xy"])
            #expect(choices.map { $0["index"] } == [0, 1])
            #expect(try JSONParser.parse(bytes)["usage"]?["completion_tokens"] == 5)
        }
    }

    @Test func llamaServerResponsesAreAListAndChunksHaveTheirIndex() throws {
        let view = LlamaServerCompletionView(head: ViewTests.head, prompts: ["one", "two"], options: try .of([:]))
        let list = try JSONParser.parse(view.response(for: Self.events)).arrayValue ?? []
        #expect(list.map { $0["content"] } == ["abc", "xy"])
        #expect(list.map { $0["prompt"] } == ["one", "two"])
        #expect(list.map { $0["index"] } == [0, 1])
        let ends = try chunks(view).filter { $0["stop"] == true }
        #expect(ends.map { $0["index"] } == [1, 0])
        #expect(try chunks(view).map { $0["content"]?.stringValue ?? "" }.joined() == "axbyc")
    }

    @Test func oneFailureIsTheFailureOfAll() throws {
        let view = ChatCompletionView(head: ViewTests.head, options: try .of(["n": 2]))
        let events = Self.events.prefix(5) + [.failed(EngineError(.generationFailed, "broken"))]
        #expect(throws: GenerationError.self) { try view.response(for: Array(events)) }
    }
}
