import MartletAPI
import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams
import OrderedCollections
import Testing

struct TextCompletionRequestTests {
    private func prompts(_ value: JSONValue) throws -> [Prompt] {
        try TextCompletionRequest(["prompt": value], defaults: CompletionDefaults(), randomSeed: 0).prompts
    }

    private func prompt(_ value: JSONValue) throws -> Prompt {
        let prompts = try prompts(value)
        #expect(prompts.count == 1)
        return prompts[0]
    }

    @Test func aPromptIsTextTokensOrAMixture() throws {
        #expect(try prompt("Once") == Prompt(pieces: [.text("Once", isTrusted: true)], addsBeginning: true))
        #expect(try prompt(["Once"]).pieces == [.text("Once", isTrusted: true)])
        #expect(try prompt([1, 2]).pieces == [.tokens([1, 2])])
        #expect(try prompt([[1, 2]]).pieces == [.tokens([1, 2])])
        #expect(try prompt([1, "a", 2, 3]).pieces == [.tokens([1]), .text("a", isTrusted: true), .tokens([2, 3])])
        #expect(try prompt(["prompt_string": "Once"]) == prompt("Once"))
        #expect(try prompt(["prompt_string": [1, "a"], "multimodal_data": .null]) == prompt([1, "a"]))
    }

    @Test(
        arguments: [
            ["prompt_string": "a", "multimodal_data": ["x"]], ["prompt_string": "a", "multimodal_data": []],
            ["prompt_string": "a", "multimodal_data": "x"], ["multimodal_data": ["x"]],
            [["prompt_string": "a", "multimodal_data": ["x"]]],
        ] as [JSONValue])
    func mediaAreRefusedByName(value: JSONValue) {
        let error = #expect(throws: APIError.self) { try prompt(value) }
        #expect(error?.kind == .notSupported)
        #expect(error?.field?.hasSuffix("multimodal_data") == true)
    }

    @Test func zeroLogprobsAreThoseOfTheSampledTokens() throws {
        func probabilities(_ fields: JSONObject) throws -> ProbabilityRequest? {
            let body = JSONValue.object(fields.merging(["prompt": "x"]) { $1 })
            let handle = GenerationHandle(rawValue: 1)
            return try TextCompletionRequest(body, defaults: CompletionDefaults(), randomSeed: 0).options
                .request(handle: handle, prompt: PreparedPrompt(prompt: Prompt(pieces: [], addsBeginning: true)))
                .parameters.probabilities
        }
        #expect(try probabilities(["logprobs": 0]) == ProbabilityRequest(count: 0))
        #expect(try probabilities([:]) == nil)
        // llama-server's format.
        let native = try LlamaServerCompletionRequest(
            ["prompt": "x", "logprobs": 0], defaults: CompletionDefaults(), randomSeed: 0)
        #expect(!native.options.reportsProbabilities)
    }

    @Test(
        arguments: [
            (.null, "missing"), (["prompt_string": 1], "a string"), ([:], "prompt_string"),
            (["prompt_string": ["prompt_string": "a"]], "an object"), ([], "empty"), (true, "a boolean"),
            ([1, -2], "token id"), ([1, 1.5], "token id"),
            ([1, 4_294_967_296], "token id"), ([1, [:]], "token id"),
        ] as [(JSONValue, String)])
    func aBadPromptIsRefused(value: JSONValue, part: String) {
        let error = #expect(throws: APIError.self) { try prompt(value) }
        #expect(error?.kind == .invalidRequest)
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
    }

    @Test func aListOfTextsOrListsIsSeveralPrompts() throws {
        #expect(
            try prompts(["a", "b"]).map(\.pieces) == [[.text("a", isTrusted: true)], [.text("b", isTrusted: true)]])
        #expect(try prompts([[1], ["a", 2]]).map(\.pieces.count) == [1, 2])
        #expect(try prompts([[1], ["a", 2]]).map(\.addsBeginning) == [false, true])
    }

    @Test func choicesOfARequestHaveALimit() throws {
        let prompts = JSONValue.array(Array(repeating: "a", count: 512))
        for (count, isAccepted) in [(2, true), (3, false)] {
            let json: JSONValue = ["prompt": prompts, "n": .integer(Int64(count))]
            let request = Result {
                try TextCompletionRequest(json, defaults: CompletionDefaults(), randomSeed: 0)
            }
            let wasAccepted = (try? request.get()) != nil
            #expect(wasAccepted == isAccepted)
        }
    }
}
