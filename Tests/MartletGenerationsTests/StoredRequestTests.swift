import MartletGenerations
import MartletJSON
import Testing

struct StoredRequestTests {
    @Test(arguments: [CompletionKind.chat, .text, .native]) func aStoredRequestSurvivesItsBytes(kind: CompletionKind) {
        let request = StoredRequest(
            kind: kind, body: ["prompt": "x", "n": 2], promptTexts: ["x", ""], seed: .max, build: "martlet 1",
            hasShortCallIDs: true, endTokens: [2, -1])
        #expect(StoredRequest(request.bytes) == request)
    }

    @Test func bytesOfAnotherFormAreNotARequest() {
        for text in ["", "{}", #"{"kind":"song","build":"b","body":{},"seed":"1","prompts":[]}"#, "[1]"] {
            #expect(StoredRequest(Array(text.utf8)) == nil)
        }
    }

    @Test func membersOfLaterBuildsAreOptional() {
        let bytes = Array(#"{"kind":"chat","build":"b","body":{},"seed":"1","prompts":[]}"#.utf8)
        let request = StoredRequest(bytes)
        #expect(request?.hasShortCallIDs == false)
        #expect(request?.endTokens == [])
    }
}
