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

    /// A token with a logprob of its own.
    private static func token(_ text: String, _ value: Float) -> LogEvent {
        var tokens = TokenProbabilities(textOffset: 0)
        tokens.append(id: 1, value: value, bytes: Array(text.utf8))
        return .detailedText(.content, token: 1, bytes: Array(text.utf8)[...], [tokens])
    }

    /// Three candidates of each of two prompts, of which two are returned, the best one first.
    @Test func theBestCandidatesOfEachPromptAreReturned() throws {
        let values: [Float] = [-3, -1, -2, -1, -1, -9]
        var events: [LogEvent] = [.admitted(promptTokens: 5), .started(cachedTokens: 0), Self.token("0", values[0])]
        for index in 1..<6 {
            events += [
                .choice(index, Self.token("\(index)", values[index])), .choice(index, .ended(Self.completion(1))),
            ]
        }
        events += [.ended(Self.completion(1)), .finished(Self.completion(6))]
        for (more, shows) in [([:], false), (["logprobs": 0], true)] as [(JSONObject, Bool)] {
            var body: JSONObject = ["prompt": ["p", "q"], "n": 2, "best_of": 3]
            body.merge(more) { $1 }
            let request = try TextCompletionRequest(.object(body), defaults: CompletionDefaults(), randomSeed: 0)
            #expect(request.options.choiceCount == 3 && request.options.parameters.probabilities?.count == 0)
            let view = TextCompletionView(
                head: ViewTests.head, options: request.options, prompts: ["p", "q"], body: .object(body))
            let response = try JSONParser.parse(view.response(for: events))
            let choices = response["choices"]?.arrayValue ?? []
            #expect(choices.map { $0["text"] } == ["1", "2", "3", "4"])
            #expect(choices.map { $0["index"] } == [0, 1, 2, 3])
            #expect(choices.allSatisfy { ($0["logprobs"] != nil) == shows })
            #expect(response["usage"]?["completion_tokens"] == 6)
        }
    }

    @Test(
        arguments: [
            (["best_of": 2, "n": 3], "at least \"n\""), (["best_of": 2, "stream": true], "\"stream\""),
            (["best_of": 0], "between 1"), (["best_of": 129], "between 1"),
            (["best_of": 2, "post_sampling_probs": true], "post_sampling_probs"),
        ] as [(JSONObject, String)])
    func aBestOfThatBreaksARuleIsRefused(fields: JSONObject, text: String) throws {
        var body: JSONObject = ["prompt": "p"]
        body.merge(fields) { $1 }
        do {
            _ = try TextCompletionRequest(.object(body), defaults: CompletionDefaults(), randomSeed: 0)
            Issue.record("accepted: \(body)")
        } catch {
            #expect(error.field == "best_of" && error.message.contains(text), "\(error.message)")
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
