import MartletConversation
import MartletGenerations
import MartletGrammar
import MartletJSON
import MartletProtocol
import MartletSchema
import Testing

struct CompletionOptionsTests {
    private let handle = GenerationHandle(rawValue: 40)
    private let prompt = PreparedPrompt(
        prompt: Prompt(pieces: [.text("Hi", isTrusted: false)], addsBeginning: true),
        adapters: [AdapterScale(index: 0, scale: 0.5)])

    private func options(_ parameters: GenerationParameters = GenerationParameters()) -> CompletionOptions {
        CompletionOptions(
            parameters: parameters, reasoningFormat: .auto, schemaCompiler: SchemaCompiler(mode: .relaxed),
            grammarLimits: .standard)
    }

    @Test func aRequestHasTheParametersOfItsOptions() {
        var parameters = GenerationParameters(maximumTokens: 5, stops: ["x"])
        parameters.minimumIndent = 3
        let request = options(parameters).request(handle: handle, prompt: prompt)
        #expect(request.parameters == parameters)
        #expect(request.handle == handle && request.prompt == prompt.prompt)
        #expect(request.sharedPrefillParent == nil)
    }

    @Test func laterChoicesShareThePrefillAndHaveOtherSeeds() {
        var parameters = GenerationParameters()
        parameters.sampling.seed = .max
        parameters.slot = 1
        let request = options(parameters).request(
            handle: GenerationHandle(rawValue: 42), prompt: prompt, choice: 2)
        #expect(request.sharedPrefillParent == handle)
        #expect(request.parameters.sampling.seed == 1)
        #expect(request.parameters.slot == nil)
    }

    @Test func biasesOfUnknownTokensAreLeftOut() {
        var parameters = GenerationParameters()
        parameters.sampling.logitBiases = [LogitBias(.token(5), bias: 1), LogitBias(.token(900), bias: 1)]
        let options = options(parameters)
        #expect(options.unknownTokens(vocabularySize: 256) == [900])
        var prompt = prompt
        prompt.unknownTokens = [900]
        let request = options.request(handle: handle, prompt: prompt)
        #expect(request.parameters.sampling.logitBiases == [LogitBias(.token(5), bias: 1)])
    }

    @Test func adaptersOfTheRequestReplaceThoseOfTheServer() {
        var options = options()
        #expect(options.request(handle: handle, prompt: prompt).adapters == prompt.adapters)
        options.adapters = []
        #expect(options.request(handle: handle, prompt: prompt).adapters.isEmpty)
    }

    @Test func priorReasoningBeginsBehindTheUsersLastMessage() {
        let chat = ChatCompletionRequest(
            messages: [
                ConversationMessage(.user, "a"),
                ConversationMessage(.assistant, parts: [.reasoning(ReasoningPart("old"))]),
                ConversationMessage(.user, "b"),
                ConversationMessage(.assistant, parts: [.reasoning(ReasoningPart("new"))]),
                ConversationMessage(.tool, "c"),
            ],
            options: options())
        #expect(chat.priorReasoning == ["new"])
    }
}
