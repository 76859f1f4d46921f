import MartletAPI
import MartletConversation
import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams
import OrderedCollections
import Testing

/// Ollama's requests and responses.
struct OllamaTests {
    private let user: JSONValue = [["role": "user", "content": "hi"]]

    private func chat(_ json: JSONObject) throws -> ChatCompletionRequest {
        let body = json.merging(["messages": user]) { own, _ in own }
        return try #require(
            try OllamaChatRequest(.object(body), defaults: CompletionDefaults(), randomSeed: 7).chat)
    }

    private func generate(_ json: JSONObject) throws -> OllamaGenerateRequest {
        try OllamaGenerateRequest(.object(json), defaults: CompletionDefaults(), randomSeed: 7)
    }

    @Test func optionsHaveTheirMeaning() throws {
        let options = try chat([
            "model": "bird:latest", "keep_alive": "5m",
            "options": [
                "num_predict": 12, "temperature": 0.5, "top_k": 3, "top_p": 0.25, "min_p": 0.125, "seed": 9,
                "stop": ["a", "b"], "repeat_penalty": 1.5, "repeat_last_n": 5, "presence_penalty": 0.5,
                "frequency_penalty": 0.25, "num_ctx": 4_096, "num_gpu": 1,
            ],
        ]).options
        #expect(options.streams && options.model == "bird")
        #expect(options.parameters.maximumTokens == 12 && options.parameters.stops == ["a", "b"])
        let sampling = options.sampling
        #expect(sampling.temperature == 0.5 && sampling.topK == 3 && sampling.topP == 0.25 && sampling.minP == 0.125)
        #expect(sampling.seed == 9 && sampling.repeatPenalty == 1.5 && sampling.repeatLastN == 5)
        #expect(sampling.presencePenalty == 0.5 && sampling.frequencyPenalty == 0.25)
        #expect(
            options.warnings == [
                "\"options.num_ctx\": no effect: the server decides (--ctx-size)",
                "\"options.num_gpu\": no effect: the server decides (--n-gpu-layers)",
                "\"keep_alive\": no effect: the model stays loaded while the server runs",
            ])
        #expect(try chat(["options": ["num_predict": -2]]).options.parameters.maximumTokens == nil)
        #expect(try chat(["stream": false]).options.streams == false)
        #expect(
            try chat(["options": ["temprature": 1]]).options.warnings.first?.contains("options.temperature") == true)
    }

    @Test func thinkAndFormatReachTemplateAndGrammar() throws {
        #expect(try chat([:]).templateArguments == [:])
        #expect(try chat(["think": false]).templateArguments == ["enable_thinking": false])
        #expect(
            try chat(["think": "high"]).templateArguments == ["enable_thinking": true, "reasoning_effort": "high"])
        #expect(try chat(["format": ""]).options.schemaGrammar == nil)
        #expect(try chat(["format": "json"]).options.schemaGrammar != nil)
        #expect(
            try chat(["format": ["type": "object", "properties": ["a": ["type": "integer"]]]]).options.schemaGrammar
                != nil)
    }

    @Test func messagesBecomeAConversation() throws {
        let read = try chat([
            "messages": [
                ["role": "system", "content": "s"], ["role": "user", "content": "u", "images": []],
                [
                    "role": "assistant", "content": "", "thinking": "t",
                    "tool_calls": [["function": ["name": "f", "arguments": ["a": 1]]]],
                ],
                ["role": "tool", "content": "r", "tool_name": "f"],
            ]
        ])
        let messages = read.messages
        #expect(messages.map(\.role) == [.system, .user, .assistant, .tool])
        #expect(messages[2].reasoning == "t" && messages[2].texts.isEmpty)
        #expect(messages[2].toolCalls == [ToolCallPart(id: nil, name: "f", arguments: .object(["a": 1]))])
        #expect(messages[3].toolResults.first?.content == [.text("r")] && messages[3].name == "f")
        let empty = try OllamaChatRequest(["messages": []], defaults: CompletionDefaults(), randomSeed: 0)
        #expect(empty.chat == nil)
    }

    @Test(
        arguments: [
            (["options": ["temperature": "hot"]], "options.temperature"), (["options": [1]], "options"),
            (["options": ["stop": [1]]], "options.stop[0]"), (["format": "yaml"], "format"),
            (["think": "much"], "think"),
            (["keep_alive": "soon"], "keep_alive"), (["stream": 1], "stream"),
            (["messages": "x"], "messages"), (["messages": [1]], "messages[0]"),
            (["messages": [["role": "bird", "content": "x"]]], "messages[0].role"),
            (["messages": [["role": "user", "content": ["x"]]]], "messages[0].content"),
            (["messages": [["role": "user", "content": "x", "images": ["aGk="]]]], "messages[0].images"),
            (
                ["messages": [["role": "assistant", "tool_calls": [["function": ["arguments": [:]]]]]]],
                "messages[0].tool_calls[0].function.name"
            ),
            (["tools": [["type": "function"]]], "tools[0].function"),
        ] as [(JSONObject, String)])
    func aBadChatNamesTheField(json: JSONObject, field: String) {
        let error = #expect(throws: APIError.self) { _ = try chat(json) }
        #expect(error?.status == 400 && error?.error.field == field, "\(error?.message ?? "")")
        #expect(error?.message.contains(field) == true)
    }

    @Test func aPromptIsAChatATextOrAGap() throws {
        guard case .chat(let chat) = try generate(["prompt": "p", "system": "s"]).input else {
            Issue.record("not a chat")
            return
        }
        #expect(chat.messages == [ConversationMessage(.system, "s"), ConversationMessage(.user, "p")])
        #expect(
            try generate(["prompt": "p", "raw": true]).input
                == .text(Prompt(pieces: [.text("p", isTrusted: true)], addsBeginning: true)))
        #expect(try generate(["prompt": "p", "suffix": "s"]).input == .gap(prefix: "p", suffix: "s"))
        #expect(try generate([:]).input == .nothing)
        let filled = OllamaGenerateRequest.filled(["prompt": "p", "suffix": "s", "stream": false], tokens: [1, 2])
        let again = try OllamaGenerateRequest(filled, defaults: CompletionDefaults(), randomSeed: 0)
        #expect(again.input == .text(Prompt(pieces: [.tokens([1, 2])], addsBeginning: false)))
        for name in ["template", "context", "images"] {
            let error = #expect(throws: APIError.self) { try generate(["prompt": "p", name: ["x"]]) }
            #expect(error?.error.field == name && error?.type == "not_supported_error")
        }
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00Z"), (951_782_399, "2000-02-28T23:59:59Z"), (951_782_400, "2000-02-29T00:00:00Z"),
        (1_735_689_599, "2024-12-31T23:59:59Z"), (4_107_542_400, "2100-03-01T00:00:00Z"), (-1, "1969-12-31T23:59:59Z"),
    ]) func timesAreUTC(seconds: Int, text: String) {
        #expect(OllamaTime.text(seconds) == text)
    }

    @Test func embeddingsAreNormalizedUnlessTheRouteIsOlder() throws {
        let vectors = [Embedding(tokenCount: 2, length: 3, values: [3, 4, 9])]
        let new = try OllamaEmbedRequest(["model": "m", "input": "a", "dimensions": 2], isOlder: false)
        let body = try JSONParser.parse(try new.response(vectors, model: "m", duration: .milliseconds(3)))
        #expect(body["embeddings"] == [[0.6, 0.8]] && body["prompt_eval_count"] == 2)
        #expect(body["total_duration"] == 3_000_000)
        let older = try OllamaEmbedRequest(["model": "m", "prompt": "a"], isOlder: true)
        #expect(
            try JSONParser.parse(try older.response(vectors, model: "m", duration: .zero)) == [
                "embedding": [3.0, 4.0, 9.0]
            ])
        for json in [[:], ["input": 1], ["input": [1]], ["input": "a", "dimensions": 0]] as [JSONValue] {
            #expect(throws: APIError.self) { try OllamaEmbedRequest(json, isOlder: false) }
        }
    }
}
