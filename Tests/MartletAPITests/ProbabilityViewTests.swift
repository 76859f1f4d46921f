import MartletAPI
import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams
import Testing

struct ProbabilityViewTests {
    private static func probabilities(_ id: Int32, _ bytes: [UInt8], offset: Int) -> TokenProbabilities {
        var result = TokenProbabilities(textOffset: offset)
        result.append(id: id, value: -0.5, bytes: bytes)
        result.append(id: id, value: -0.5, bytes: bytes)
        result.append(id: 9, value: -1.25, bytes: Array("x\"".utf8))
        return result
    }

    /// A character in two tokens, a token of a delimiter, a token without text, and a token that came with the end.
    private static let events: [LogEvent] = [
        .admitted(promptTokens: 1), .started(cachedTokens: 0),
        .detailedText(
            .delimiter, token: 1, bytes: Array("<t>".utf8)[...], [probabilities(1, Array("<t>".utf8), offset: 0)]),
        .detailedText(.content, token: 2, bytes: [], [probabilities(2, [0xC3], offset: 3)]),
        .detailedText(
            .content, token: 3, bytes: Array("é!".utf8)[...],
            [probabilities(3, [0xA9], offset: 4), probabilities(4, [0x21], offset: 4)]),
        .detailedText(.content, token: nil, bytes: [], [probabilities(5, [], offset: 5)]),
        .finished(GenerationSummary(reason: .endOfGeneration, timings: Timings())),
    ]

    private func choices(_ view: some StreamView, _ events: [LogEvent] = events) throws -> [JSONValue] {
        var bytes: [UInt8] = []
        for (number, event) in events.enumerated() { view.encode(event, number: number, into: &bytes) }
        return try String(decoding: bytes, as: UTF8.self).split(separator: "\n\n").dropLast().compactMap { chunk in
            try JSONParser.parse(Array(chunk.utf8.dropFirst("data: ".utf8.count)))["choices"]?.arrayValue?.first
        }
    }

    private func entries(_ choice: JSONValue?, _ member: String = "content") -> [JSONValue] {
        choice?["logprobs"]?[member]?.arrayValue ?? []
    }

    @Test func aStreamReportsEveryTokenAsTheWholeResponseDoes() throws {
        let head = ViewTests.head
        let chat = try ChatCompletionView(head: head, includesUsage: false)
        let whole = try JSONParser.parse(chat.response(for: Self.events))["choices"]?.arrayValue?.first
        #expect(try choices(chat).flatMap { entries($0) } == entries(whole))
        #expect(entries(whole).map { $0["id"] } == [1, 2, 3, 4, 5])
        let text = try TextCompletionView(head: head, includesUsage: false)
        let wholeText = try JSONParser.parse(text.response(for: Self.events))["choices"]?.arrayValue?.first
        for member in ["content", "tokens", "token_logprobs", "top_logprobs", "text_offset"] {
            #expect(try choices(text).flatMap { entries($0, member) } == entries(wholeText, member))
            #expect(entries(wholeText, member).count == 5)
        }
        #expect(entries(wholeText, "text_offset") == [0, 3, 4, 4, 5])
        #expect(entries(wholeText, "top_logprobs").first == ["<t>": -0.5, "x\"": -1.25])
    }

    @Test func echoedPromptTokensComeBeforeTheCompletions() throws {
        var first = TokenProbabilities(textOffset: 0)
        first.append(id: 7, value: .infinity, bytes: Array("P".utf8))
        let events =
            Self.events.prefix(2) + [
                .promptTokens([
                    first, Self.probabilities(8, [0xC3], offset: 1), Self.probabilities(9, [0xB6], offset: 2),
                ]),
                .promptTokens([Self.probabilities(10, Array(" q".utf8), offset: 2)]),
            ] + Self.events.dropFirst(2)
        let request = try TextCompletionRequest(
            ["prompt": "Pö q", "echo": true, "logprobs": 1], defaults: CompletionDefaults(), randomSeed: 0)
        #expect(request.options.reportsPromptLogprobs)
        let view = TextCompletionView(
            head: ViewTests.head, options: request.options, prompts: ["Pö q"], echoes: request.echoes)
        let whole = try JSONParser.parse(view.response(for: Array(events)))["choices"]?.arrayValue?.first
        let streamed = try choices(view, Array(events))
        #expect(whole?["text"]?.stringValue?.hasPrefix("Pö q") == true)
        #expect(streamed.prefix(2).map { $0["text"] } == ["Pö", " q"])
        for member in ["content", "tokens", "token_logprobs", "top_logprobs", "text_offset"] {
            #expect(streamed.flatMap { entries($0, member) } == entries(whole, member))
            #expect(entries(whole, member).count == 9)
        }
        #expect(entries(whole, "token_logprobs").prefix(2) == [JSONValue.null, -0.5])
        #expect(entries(whole, "top_logprobs").first == JSONValue.null)
    }

    @Test func tokensThatWereNotSampledHaveNoPostSamplingProbability() throws {
        let error = #expect(throws: APIError.self) {
            try TextCompletionRequest(
                ["prompt": "a", "echo": true, "logprobs": 1, "post_sampling_probs": true],
                defaults: CompletionDefaults(), randomSeed: 0)
        }
        #expect(error?.message.contains("post_sampling_probs") == true)
    }

    @Test func anEntryHasExactBytesAndReadableText() throws {
        let view = try ChatCompletionView(head: ViewTests.head, includesUsage: false)
        let whole = try JSONParser.parse(view.response(for: Self.events))["choices"]?.arrayValue?.first
        #expect(
            entries(whole)[1] == [
                "id": 2, "token": "\u{FFFD}", "bytes": [195], "logprob": -0.5,
                "top_logprobs": [
                    ["id": 2, "token": "\u{FFFD}", "bytes": [195], "logprob": -0.5],
                    ["id": 9, "token": "x\"", "bytes": [120, 34], "logprob": -1.25],
                ],
            ])
    }

    @Test func theTextOfAChunkRidesWithItsTokens() throws {
        let deltas = try choices(try ChatCompletionView(head: ViewTests.head, includesUsage: false)).map { $0["delta"] }
        #expect(deltas == [["role": "assistant", "content": .null], [:], [:], ["content": "é!"], [:], [:]])
    }

    @Test func probabilitiesAfterSamplingHaveTheirOwnNames() throws {
        let view = try TextCompletionView(head: ViewTests.head, includesUsage: false, stage: .afterSampling)
        let whole = try JSONParser.parse(view.response(for: Self.events))["choices"]?.arrayValue?.first
        #expect(entries(whole)[0]["prob"] == -0.5)
        #expect(entries(whole)[0]["top_probs"]?.arrayValue?.count == 2)
        #expect(whole?["logprobs"]?["tokens"] == nil)
    }
}
