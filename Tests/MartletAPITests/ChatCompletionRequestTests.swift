import MartletAPI
import MartletConversation
import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams
import OrderedCollections
import Testing

struct ChatCompletionRequestTests {
    static let hello: JSONValue = [["role": "user", "content": "Hello"]]

    private func request(_ fields: JSONObject) throws -> ChatCompletionRequest {
        var body: JSONObject = ["messages": Self.hello]
        body.merge(fields) { $1 }
        return try ChatCompletionRequest(.object(body), defaults: CompletionDefaults(), randomSeed: 7)
    }

    private func engineRequest(_ fields: JSONObject) throws -> GenerationRequest {
        try request(fields).options.request(
            handle: GenerationHandle(rawValue: 1),
            prompt: PreparedPrompt(prompt: Prompt(pieces: [], addsBeginning: true)))
    }

    @Test func anEmptyRequestGetsTheDefaultsOfLlamaServer() throws {
        let request = try engineRequest([:])
        #expect(request.parameters.sampling.temperature == 0.8)
        #expect(request.parameters.sampling.topK == 40)
        #expect(request.parameters.sampling.topP == 0.95)
        #expect(request.parameters.sampling.minP == 0.05)
        #expect(request.parameters.sampling.repeatPenalty == 1)
        #expect(request.parameters.sampling.repeatLastN == 64)
        #expect(request.parameters.sampling.seed == 7)
        #expect(request.parameters.maximumTokens == nil)
        #expect(request.parameters.reusesPrompt)
        let options = try self.request([:]).options
        #expect(!options.streams)
        #expect(options.pingInterval == .seconds(30))
    }

    @Test func everyFieldReachesTheEngine() throws {
        let request = try engineRequest([
            "temperature": 0.25, "top_k": 5, "top_p": 0.5, "min_p": 0.125, "repeat_last_n": 10, "repeat_penalty": 1.5,
            "frequency_penalty": 0.5, "presence_penalty": -0.5, "seed": 42, "max_tokens": 17, "t_max_predict_ms": 250,
            "stop": ["a", "", "b", "a"], "ignore_eos": true, "cache_prompt": false, "return_progress": true,
        ])
        var sampling = SamplingParameters()
        sampling.temperature = 0.25
        sampling.topK = 5
        sampling.topP = 0.5
        sampling.minP = 0.125
        sampling.repeatLastN = 10
        sampling.repeatPenalty = 1.5
        sampling.frequencyPenalty = 0.5
        sampling.presencePenalty = -0.5
        sampling.seed = 42
        #expect(request.parameters.sampling == sampling)
        #expect(request.parameters.maximumTokens == 17)
        #expect(request.parameters.maximumTime == .milliseconds(250))
        #expect(request.parameters.stops == ["a", "b"])
        #expect(request.parameters.ignoresEndOfGeneration)
        #expect(!request.parameters.reusesPrompt)
        #expect(request.parameters.reportsProgress)
    }

    @Test func nullCountsAsAbsentEverywhere() throws {
        let names = [
            "temperature", "top_k", "top_p", "min_p", "seed", "max_tokens", "stop", "stream", "stream_options", "tools",
            "response_format", "n", "logprobs", "model", "chat_template_kwargs", "reasoning_format",
            "sse_ping_interval",
        ]
        let fields = JSONObject(uniqueKeysWithValues: names.map { ($0, JSONValue.null) })
        #expect(try engineRequest(fields) == engineRequest([:]))
    }

    @Test func clampedFieldsMoveToTheNearestLimit() throws {
        let request = try engineRequest(["temperature": -1, "top_k": -1, "top_p": 7, "min_p": -0.5])
        #expect(request.parameters.sampling.temperature == 0)
        #expect(request.parameters.sampling.topK == 0)
        #expect(request.parameters.sampling.topP == 1)
        #expect(request.parameters.sampling.minP == 0)
    }

    @Test func theLengthLimitHasThreeNamesAndMinusOneIsNone() throws {
        #expect(
            try engineRequest(["n_predict": 1, "max_completion_tokens": 2, "max_tokens": 3]).parameters.maximumTokens
                == 1)
        #expect(try engineRequest(["max_completion_tokens": 2, "max_tokens": 3]).parameters.maximumTokens == 2)
        #expect(try engineRequest(["max_tokens": -1]).parameters.maximumTokens == nil)
        #expect(try engineRequest(["max_tokens": 0]).parameters.maximumTokens == 0)
    }

    @Test(
        arguments: [
            (.integer(.max), UInt64(Int64.max)), (.number(0x1p63), 1 << 63), (.number(0x1.8p63), 3 << 62),
            (.integer(4_294_967_294), 4_294_967_294), (.number(5), 5),
        ] as [(JSONValue, UInt64)])
    func seedsHave64BitsWithOrWithoutASign(value: JSONValue, expected: UInt64) throws {
        #expect(try engineRequest(["seed": value]).parameters.sampling.seed == expected)
    }

    @Test func seedsAreReadFromTheirText() throws {
        for (text, expected) in [
            ("9223372036854775808", 1 << 63), ("9223372036854775809", (1 << 63) + 1),
            ("18446744073709551614", .max - 1), ("18446744073709551615", UInt64.max),
        ] {
            let fields: JSONObject = ["seed": try JSONParser.parse(Array(text.utf8))]
            #expect(try engineRequest(fields).parameters.sampling.seed == expected)
            #expect(try request(fields).options.settings()["seed"]?.text == text)
        }
    }

    @Test func negativeSeedsAreRandom() throws {
        #expect(try engineRequest(["seed": .integer(.min)]).parameters.sampling.seed == 7)
        #expect(try engineRequest(["seed": -1]).parameters.sampling.seed == 7)
        #expect(try engineRequest(["seed": 4_294_967_295]).parameters.sampling.seed == 7)
        #expect(try engineRequest(["seed": 0]).parameters.sampling.seed == 0)
    }

    @Test(
        arguments: [
            (["temperature": "hot"], "temperature", "a number"), (["temperature": 1e300], "temperature", "finite"),
            (["top_k": 1.5], "top_k", "an integer"), (["top_k": 3_000_000_000], "top_k", "3000000000"),
            (["max_tokens": -2], "max_tokens", "-2"), (["repeat_penalty": 0], "repeat_penalty", "more than 0"),
            (["repeat_last_n": -1], "repeat_last_n", "0 <= value"), (["stream": "yes"], "stream", "a boolean"),
            (["stream_options": 1], "stream_options", "an object"),
            (["stream_options": ["include_usage": 1]], "stream_options.include_usage", "a boolean"),
            (["stop": 1], "stop", "a string"), (["stop": ["a", 1]], "stop[1]", "a string"),
            (["model": 1], "model", "a string"),
            (["seed": "x"], "seed", "an integer"), (["seed": 1.5], "seed", "an integer"),
            (["seed": 1e20], "seed", "18446744073709551615"), (["seed": -1e20], "seed", "-9223372036854775808"),
            (["seed": .largeInteger("18446744073709551616")], "seed", "but got 18446744073709551616"),
            (["seed": .largeInteger("-9223372036854775809")], "seed", "but got -9223372036854775809"),
            (["seed": .number(0x1p64)], "seed", "<= 18446744073709551615"),
            (["top_k": .largeInteger("9223372036854775808")], "top_k", "but got 9223372036854775808"),
            (["max_tokens": .largeInteger("-9223372036854775809")], "max_tokens", "but got -9223372036854775809"),
            (["id_slot": .largeInteger("18446744073709551615")], "id_slot", "but got 18446744073709551615"),
            (["top_k": 1e20], "top_k", "<= 2147483647"),
            (["sse_ping_interval": -2], "sse_ping_interval", "-2"),
            (["reasoning_format": "odd"], "reasoning_format", "deepseek"),
            (["chat_template_kwargs": ["enable_thinking": "yes"]], "chat_template_kwargs.enable_thinking", "a boolean"),
            (["messages": "hi"], "messages", "an array"), (["messages": []], "messages", "empty"),
            (["messages": .null], "messages", "missing"), (["messages": [1]], "messages[0]", "an object"),
            (["messages": [["role": "robot", "content": "x"]]], "messages[0].role", "robot"),
            (["messages": [["content": "x"]]], "messages[0].role", "nothing"),
            (["messages": [["role": "user"]]], "messages[0].content", "needs content"),
            (["messages": [["role": "assistant"]]], "messages[0].content", "tool_calls"),
            (["messages": [["role": "user", "content": 1]]], "messages[0].content", "an integer"),
            (["messages": [["role": "user", "content": [["type": "smell"]]]]], "messages[0].content[0].type", "smell"),
            (
                ["messages": [["role": "user", "content": [["type": "text"]]]]], "messages[0].content[0].text",
                "required"
            ),
        ] as [(JSONObject, String, String)])
    func aBadFieldIsRefusedByNameRuleAndValue(fields: JSONObject, name: String, part: String) throws {
        let error = #expect(throws: APIError.self) { try request(fields) }
        #expect(error?.status == 400)
        #expect(error?.kind == .invalidRequest)
        #expect(error?.field == name)
        #expect(error?.message.contains(name) == true)
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
    }

    @Test(
        arguments: [
            ["tools": [["type": "code_interpreter"]]],
            ["messages": [["role": "user", "content": [["type": "image_url", "image_url": ["url": "x"]]]]]],
        ] as [JSONObject])
    func fieldsThatWouldChangeTheCompletionAreRefused(fields: JSONObject) throws {
        let error = #expect(throws: APIError.self) { try request(fields) }
        #expect(error?.kind == .notSupported)
        #expect(error?.status == 400)
    }

    @Test func fieldsThatAskForNothingAreAccepted() throws {
        #expect(
            try engineRequest([
                "n": 1, "tools": [], "tool_choice": "auto", "response_format": ["type": "text"], "logprobs": false,
                "top_logprobs": 0, "logit_bias": [:], "mirostat": 0, "typical_p": 1.0, "user": "me",
                "metadata": ["a": "b"],
                "store": false, "an_unknown_field": 1,
            ]) == engineRequest([:]))
    }

    @Test func reasoningSwitchesArePassedToTheTemplate() throws {
        let arguments = try request([
            "chat_template_kwargs": ["enable_thinking": true, "x": [1]], "enable_thinking": false,
            "reasoning_effort": "high",
        ]).templateArguments
        #expect(arguments == ["enable_thinking": false, "x": [1], "reasoning_effort": "high"])
        #expect(try request(["reasoning_effort": "none"]).templateArguments == ["enable_thinking": false])
    }

    @Test func theReasoningAliasBecomesReasoningContent() throws {
        let messages: JSONValue = [["role": "assistant", "content": "7", "reasoning": "Seven."]]
        #expect(
            try request(["messages": messages]).messages == [
                ConversationMessage(
                    .assistant, parts: [.reasoning(ReasoningPart("Seven.")), .text("7")], isPlain: true)
            ])
    }

    @Test func aBodyThatIsNoObjectIsRefused() {
        #expect(throws: APIError.self) {
            try ChatCompletionRequest([1], defaults: CompletionDefaults(), randomSeed: 0)
        }
    }
}
