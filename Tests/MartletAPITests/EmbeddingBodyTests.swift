import MartletAPI
import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams
import Testing

struct EmbeddingBodyTests {
    private func body(_ json: JSONValue, isOpenAI: Bool = true) throws -> EmbeddingRequest {
        try EmbeddingRequest(json, isOpenAI: isOpenAI)
    }

    private let embeddings = [
        Embedding(tokenCount: 3, length: 2, values: [3, -4]), Embedding(tokenCount: 1, length: 2, values: [0, 0]),
    ]

    @Test func inputsAreTextsTokensOrAMixture() throws {
        #expect(try body(["input": "a"]).inputs == [Prompt(pieces: [.text("a", isTrusted: true)], addsBeginning: true)])
        #expect(try body(["input": ["a", "b"]]).inputs.count == 2)
        #expect(try body(["input": [1, 2]]).inputs == [Prompt(pieces: [.tokens([1, 2])], addsBeginning: false)])
        #expect(try body(["input": [[1, 2], "b", ["c", 3]]]).inputs.map(\.pieces.count) == [1, 1, 2])
        #expect(try body(["content": "a"]).isOpenAI == false)
        #expect(try body(["input": "a", "content": "b"]).isOpenAI)
    }

    @Test(
        arguments: [
            (["content": [["type": "text", "text": "hello "], ["type": "text", "text": "world"]]], ["hello world"]),
            (["input": ["content": [["type": "text", "text": "hello"]]]], ["hello"]),
            (["content": ["content": [["type": "text", "text": "hello"]]]], ["hello"]),
            (
                ["input": ["a", ["prompt_string": "b"], ["content": [["type": "text", "text": "c"]]], ["d", "e"]]],
                ["a", "b", "c", "de"]
            ),
            (["input": ["a", ""]], ["a", ""]),
        ] as [(JSONValue, [String])])
    func typedPartsAreTheirText(json: JSONValue, texts: [String]) throws {
        let read = try body(json).inputs.map { input in
            input.pieces.map { if case .text(let text, true) = $0 { text } else { "?" } }.joined()
        }
        #expect(read == texts)
        #expect(try body(json).inputs.allSatisfy(\.addsBeginning))
    }

    @Test(
        arguments: [
            ([:], "input"), (["input": []], "empty"),
            (["input": ["content": "a"]], "a list of parts"), (["input": ["content": [["type": "smell"]]]], "smell"),
            (["content": [["type": "image_url", "image_url": ["url": "x"]]]], "image_url"),
            (["input": ["a", ["content": [["type": "input_audio"]]]]], "input[1].content[0].type"),
            (["input": 3], "a string"), (["input": [true]], "a string"), (["input": [-1]], "token id"),
            (["input": "a", "encoding_format": "hex"], "base64"), (["input": "a", "embd_normalize": -2], "-1 <="),
            (["input": "a", "dimensions": 0], "1 <="),
            (["input": [["prompt_string": "a", "multimodal_data": ["x"]]]], "media"),
        ] as [(JSONValue, String)])
    func aBadBodyIsRefused(json: JSONValue, part: String) {
        let error = #expect(throws: APIError.self) { try body(json) }
        #expect(error?.status == 400)
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
    }

    @Test func openAIsFormatHasOneNormalizedVectorEach() throws {
        let bytes = try body(["input": ["a", "b"]]).response(embeddings, pooling: .mean, model: "m")
        #expect(
            try JSONParser.parse(bytes) == [
                "model": "m", "object": "list", "usage": ["prompt_tokens": 4, "total_tokens": 4],
                "data": [
                    ["embedding": [0.6, -0.8], "index": 0, "object": "embedding"],
                    ["embedding": [0.0, 0.0], "index": 1, "object": "embedding"],
                ],
            ])
    }

    @Test func base64HasTheFloatsBytes() throws {
        let bytes = try body(["input": "a", "encoding_format": "base64", "embd_normalize": -1])
            .response([embeddings[0]], pooling: .mean, model: "m")
        // 3.0 is 00 00 40 40, -4.0 is 00 00 80 c0.
        let data = try JSONParser.parse(bytes)["data"]?.arrayValue?.first
        #expect(data?["embedding"] == "AABAQAAAgMA=")
        #expect(data?["encoding_format"] == "base64")
    }

    @Test func theLlamaServerFormatHasAListOfVectors() throws {
        let request = try body(["input": "a", "embd_normalize": 1], isOpenAI: false)
        #expect(
            try JSONParser.parse(request.response([embeddings[0]], pooling: .last, model: "m")) == [
                ["index": 0, "embedding": [[.number(Double("0.42857143") ?? 0), .number(Double("-0.5714286") ?? 0)]]]
            ])
        let unpooled = Embedding(tokenCount: 2, length: 1, values: [3, 4])
        #expect(
            try JSONParser.parse(request.response([unpooled], pooling: .none, model: "m")) == [
                ["index": 0, "embedding": [[3.0], [4.0]]]
            ])
    }

    @Test func openAIsFormatHasNoVectorsOfSingleTokens() throws {
        #expect(throws: APIError.self) { try body(["input": "a"]).check(.none) }
        try body(["input": "a"], isOpenAI: false).check(.none)
        try body(["input": "a"]).check(.mean)
    }

    @Test func fewerDimensionsAreTheFirstOnes() throws {
        let request = try body(["input": "a", "dimensions": 1])
        let data = try JSONParser.parse(request.response([embeddings[0]], pooling: .mean, model: "m"))["data"]
        #expect(data?.arrayValue?.first?["embedding"] == [1.0])
        #expect(throws: APIError.self) {
            try body(["input": "a", "dimensions": 3]).response(embeddings, pooling: .mean, model: "m")
        }
    }

    @Test(
        arguments: [
            (-1, [3, -4]), (0, [24_570, -32_760]), (1, [3 / 7, -4 / 7]), (2, [0.6, -0.8]),
            (3, [3 / 4.497_941, -4 / 4.497_941]),
        ] as [(Int, [Float])])
    func aNormMakesTheLengthOne(number: Int, expected: [Float]) {
        let result = EmbeddingNormalization(number).apply(to: [3, -4])
        for (value, wanted) in zip(result, expected) { #expect(abs(value - wanted) <= abs(wanted) * 1e-6) }
    }
}
