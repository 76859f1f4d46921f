import MartletAPI
import MartletJSON
import MartletProtocol
import MartletStreams
import Testing

struct InfillBodyTests {
    @Test func textsAndFilesAreRead() throws {
        let request = try InfillRequest([
            "input_prefix": "def f(", "input_suffix": [1, "x"], "prompt": "a",
            "input_extra": [["text": "t"], ["filename": "f.py", "text": "u"]], "n_predict": 3,
        ])
        #expect(request.prefix == [.text("def f(", isTrusted: false)])
        #expect(request.suffix == [.tokens([1]), .text("x", isTrusted: false)])
        #expect(request.beginning == "a")
        #expect(request.files.map(\.name) == ["tmp", "f.py"] && request.files.map(\.text) == ["t", "u"])
        #expect(request.completion([7, 8]) == ["prompt": [7, 8], "n_predict": 3])
    }

    @Test(
        arguments: [
            (["input_suffix": "b"], "input_prefix"), (["input_prefix": "a"], "input_suffix"),
            (["input_prefix": 1, "input_suffix": "b"], "input_prefix"),
            (["input_prefix": "a", "input_suffix": [true]], "input_suffix[0]"),
            (["input_prefix": "a", "input_suffix": "b", "prompt": [1]], "prompt"),
            (["input_prefix": "a", "input_suffix": "b", "input_extra": "x"], "input_extra"),
            (["input_prefix": "a", "input_suffix": "b", "input_extra": ["x"]], "input_extra[0]"),
            (["input_prefix": "a", "input_suffix": "b", "input_extra": [["filename": "x"]]], "input_extra[0].text"),
            (
                ["input_prefix": "a", "input_suffix": "b", "input_extra": [["text": "x", "filename": 3]]],
                "input_extra[0].filename"
            ),
        ] as [(JSONValue, String)])
    func aBadBodyIsRefused(json: JSONValue, field: String) {
        let error = #expect(throws: APIError.self) { try InfillRequest(json) }
        #expect(error?.status == 400 && error?.error.field == field, "\(error?.message ?? "")")
    }

    @Test func aModelWithoutTokensIsNamed() {
        var tokens = InfillTokens()
        tokens.prefix = 1
        #expect(InfillRequest.refusal(tokens)?.message.contains("no token for suffix, middle") == true)
        #expect(InfillRequest.refusal(tokens, field: "suffix")?.error.field == "suffix")
        (tokens.suffix, tokens.middle) = (2, 3)
        #expect(InfillRequest.refusal(tokens) == nil)
    }
}
