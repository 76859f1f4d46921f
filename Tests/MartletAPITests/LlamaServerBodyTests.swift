import MartletAPI
import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams
import Testing

struct LlamaServerBodyTests {
    @Test func tokenizeReadsTextAndMixedLists() throws {
        let request = try TokenizeRequest(["content": ["a", 5, "b"], "add_special": true, "parse_special": false])
        #expect(
            request.prompt
                == Prompt(
                    pieces: [.text("a", isTrusted: false), .tokens([5]), .text("b", isTrusted: false)],
                    addsBeginning: true))
    }

    @Test func piecesThatAreNoUTF8AreListsOfBytes() throws {
        let request = try TokenizeRequest(["content": "é", "with_pieces": true])
        let body = request.response([TokenPiece(id: 1, bytes: [0xC3]), TokenPiece(id: 2, bytes: Array("é".utf8))])
        #expect(try JSONParser.parse(body) == ["tokens": [["id": 1, "piece": [195]], ["id": 2, "piece": "é"]]])
    }

    @Test func detokenizeNamesTheBadToken() {
        let error = #expect(throws: APIError.self) { try DetokenizeRequest(["tokens": [1, "x"]]) }
        #expect(error?.field == "tokens[1]")
    }

    @Test func anErrorBodyHasLlamaServersShape() throws {
        let error = APIError.field("top_k", "Value must be an integer, but got \"x\"")
        #expect(
            try JSONParser.parse(error.body()) == [
                "error": [
                    "code": 400, "message": "Field 'top_k': Value must be an integer, but got \"x\"",
                    "type": "invalid_request_error", "param": "top_k",
                ]
            ])
    }

    @Test func theModelListServesOpenAIAndOllamaClients() {
        var information = ModelInformation()
        information.vocabularySize = 2048
        let body = ServerBodies.models(name: "m", aliases: ["n"], created: 5, model: information)
        #expect(body["object"] == "list")
        #expect(body["data"]?.arrayValue?.first?["id"] == "m")
        #expect(body["data"]?.arrayValue?.first?["meta"]?["n_vocab"] == 2048)
        #expect(body["models"]?.arrayValue?.first?["name"] == "m")
    }

    @Test func slotsShowNoTexts() {
        var status = EngineStatus()
        status.slots = [SlotStatus(index: 0), SlotStatus(index: 1)]
        status.slots[1].phase = .generating
        status.slots[1].predictedTokens = 3
        let body = ServerBodies.slots(status, contextLength: 64)
        #expect(body.arrayValue?.first == ["id": 0, "n_ctx": 64, "speculative": false, "is_processing": false])
        #expect(body.arrayValue?.last?["next_token"]?.arrayValue?.first?["n_decoded"] == 3)
    }

    @Test func anIdleSlotReportsItsLastTask() {
        var status = EngineStatus()
        var slot = SlotStatus(index: 0)
        slot.handle = GenerationHandle(rawValue: 7)
        slot.promptTokens = 5
        slot.predictedTokens = 3
        slot.hasLineBreak = true
        status.slots = [slot]
        let speculative = ServerBodies.slots(status, contextLength: 64, speculates: true).arrayValue?.first
        #expect(speculative?.objectValue?["speculative"] == true)
        let shown = ServerBodies.slots(status, contextLength: 64).arrayValue?.first
        #expect(shown?["is_processing"] == false && shown?["id_task"] == 7 && shown?["n_prompt_tokens"] == 5)
        #expect(
            shown?["next_token"]
                == [["has_next_token": false, "has_new_line": true, "n_remain": -1, "n_decoded": 3]])
        status.slots[0].remainingTokens = 9
        let limited = ServerBodies.slots(status, contextLength: 64).arrayValue?.first?["next_token"]?.arrayValue
        #expect(limited?.first?["n_remain"] == 9)
    }

    @Test func floatsAreReportedAsTheyWereSent() {
        let body = ServerBodies.properties(
            model: ModelInformation(), name: "m", chatTemplate: "", capabilities: [:], defaults: CompletionDefaults(),
            endpoints: (slots: true, metrics: true, properties: false, history: false), build: "b1")
        #expect(body["default_generation_settings"]?["params"]?["top_p"] == .number(0.95))
    }
}
