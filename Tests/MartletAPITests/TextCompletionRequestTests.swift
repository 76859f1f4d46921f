import MartletAPI
import MartletJSON
import MartletProtocol
import Testing

struct TextCompletionRequestTests {
    private func prompt(_ value: JSONValue) throws -> Prompt {
        try TextCompletionRequest(["prompt": value], defaults: CompletionDefaults(), randomSeed: 0).prompt
    }

    @Test func aPromptIsTextTokensOrAMixture() throws {
        #expect(try prompt("Once") == Prompt(pieces: [.text("Once", isTrusted: true)], addsBeginning: true))
        #expect(try prompt(["Once"]).pieces == [.text("Once", isTrusted: true)])
        #expect(try prompt([1, 2]).pieces == [.tokens([1, 2])])
        #expect(try prompt([[1, 2]]).pieces == [.tokens([1, 2])])
        #expect(try prompt([1, "a", 2, 3]).pieces == [.tokens([1]), .text("a", isTrusted: true), .tokens([2, 3])])
    }

    @Test(
        arguments: [
            (.null, "missing"), ([], "empty"), (true, "a boolean"), ([1, -2], "token id"), ([1, 1.5], "token id"),
            ([1, 4_294_967_296], "token id"), ([1, [:]], "token id"),
        ] as [(JSONValue, String)])
    func aBadPromptIsRefused(value: JSONValue, part: String) {
        let error = #expect(throws: APIError.self) { try prompt(value) }
        #expect(error?.kind == .invalidRequest)
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [["a", "b"], [[1], [2]]] as [JSONValue])
    func severalPromptsAreNotSupported(value: JSONValue) {
        #expect(throws: APIError.self) { try prompt(value) }
    }
}
