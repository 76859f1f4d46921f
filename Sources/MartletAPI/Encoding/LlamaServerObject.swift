import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams
import OrderedCollections

/// Writes llama-server's completion object.
///
/// `/completion` responds with it, and OpenAI's routes show it as `__verbose`. So it is no part of one dialect's
/// folder.
struct LlamaServerObject: Sendable {
    /// The members that all chunks share; the model's name and warnings are used.
    private let head: ResponseHead
    /// The texts of the prompts.
    private let prompts: PromptTexts
    /// The number of choices of each prompt.
    private let choiceCount: Int
    private let options: CompletionOptions
    /// The parts of the object that the request asks for.
    private let responseFields: ResponseFields
    private let showsCachedText: Bool
    private let probabilities: ProbabilityWriter

    /// - Parameter prompts: one text per prompt; set before the final object is written.
    init(head: ResponseHead, prompts: PromptTexts, options: CompletionOptions) {
        self.head = head
        self.prompts = prompts
        choiceCount = options.choiceCount
        self.options = options
        responseFields = options.responseFields
        showsCachedText = options.showsCachedText
        probabilities = ProbabilityWriter(stage: options.probabilityStage)
    }

    /// Appends the beginning of a chunk, up to the counts.
    func beginChunk(
        content: ArraySlice<UInt8>, token: Int32?, slot: Int?, index: Int = 0, to bytes: inout [UInt8]
    ) {
        JSONText.appendRaw("{\"index\":", to: &bytes)
        JSONText.appendInteger(index, to: &bytes)
        JSONText.appendRaw(",\"content\":", to: &bytes)
        JSONText.appendString(content, to: &bytes)
        JSONText.appendRaw(",\"tokens\":[", to: &bytes)
        if let token { JSONText.appendInteger(token, to: &bytes) }
        JSONText.appendRaw("],\"stop\":false,\"id_slot\":", to: &bytes)
        JSONText.appendInteger(slot ?? -1, to: &bytes)
    }

    /// Appends the counts of tokens, each after a comma.
    static func writeCounts(predicted: Int, evaluated: Int, to bytes: inout [UInt8]) {
        JSONText.appendRaw(",\"tokens_predicted\":", to: &bytes)
        JSONText.appendInteger(predicted, to: &bytes)
        JSONText.appendRaw(",\"tokens_evaluated\":", to: &bytes)
        JSONText.appendInteger(evaluated, to: &bytes)
    }

    /// Appends the details of a token that the request asks for, each after a comma.
    func writeTokenDetails(_ tokenDetails: TokenDetails, to bytes: inout [UInt8]) {
        if responseFields.timingsPerToken, let tokenTimings = tokenDetails.tokenTimings {
            JSONText.appendRaw(",", to: &bytes)
            Accounting.writeTimings(tokenTimings.timings, to: &bytes)
        }
        writeProbabilities(tokenDetails.probabilities, to: &bytes)
    }

    /// Appends a warning that came while the generation ran, after a comma.
    func writeWarning(_ text: String, to bytes: inout [UInt8]) { head.writeWarnings([text], to: &bytes) }

    /// Appends the probabilities of tokens after a comma, if there are any.
    private func writeProbabilities(_ tokens: [TokenProbabilities], to bytes: inout [UInt8]) {
        guard !tokens.isEmpty else { return }
        JSONText.appendRaw(",\"completion_probabilities\":", to: &bytes)
        probabilities.writeEntries(tokens, to: &bytes)
    }

    /// Appends the final object of a choice.
    /// - Parameter output: the text and tokens; nil in a stream, whose chunks have had them.
    func write(_ completion: GenerationSummary, output: ChoiceOutput? = nil, index: Int = 0, to bytes: inout [UInt8]) {
        // `response_fields` selects members of the parsed object; the usual case needs no parsing.
        guard !responseFields.members.isEmpty else {
            writeAll(completion, output, index, to: &bytes)
            return
        }
        var whole: [UInt8] = []
        writeAll(completion, output, index, to: &whole)
        // Parsing cannot fail: the object was written above.
        guard let object = try? JSONParser.parse(whole) else { return }
        var chosen = JSONObject()
        for path in responseFields.members {
            let names = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            var value: JSONValue? = object
            for name in names { value = value?.objectValue?[name] }
            if let value { chosen[path] = value }
        }
        JSONValue.object(chosen).write(to: &bytes)
    }

    /// Appends the object with all members, in llama-server's order.
    private func writeAll(
        _ completion: GenerationSummary, _ output: ChoiceOutput?, _ index: Int, to bytes: inout [UInt8]
    ) {
        JSONText.appendRaw("{\"index\":", to: &bytes)
        JSONText.appendInteger(index, to: &bytes)
        JSONText.appendRaw(",\"content\":", to: &bytes)
        JSONText.appendString(output?.allText ?? [], to: &bytes)
        JSONText.appendRaw(",\"tokens\":[", to: &bytes)
        // The ids of tokens only if the request asks for them; `tokens` exists in any case.
        for (tokenIndex, token) in (responseFields.tokens ? output?.tokens ?? [] : []).enumerated() {
            if tokenIndex > 0 { JSONText.appendRaw(",", to: &bytes) }
            JSONText.appendInteger(token, to: &bytes)
        }
        JSONText.appendRaw("],\"id_slot\":", to: &bytes)
        JSONText.appendInteger(completion.slot ?? -1, to: &bytes)
        JSONText.appendRaw(",\"stop\":true,\"model\":", to: &bytes)
        JSONText.appendString(head.model, to: &bytes)
        let timings = completion.timings
        Self.writeCounts(predicted: timings.predictedTokens, evaluated: timings.promptTokens, to: &bytes)
        JSONText.appendRaw(",\"generation_settings\":", to: &bytes)
        // Encoded at the end only, so that a stream begins without it.
        options.settings(endTokens: head.endTokens).write(to: &bytes)
        JSONText.appendRaw(",\"prompt\":", to: &bytes)
        let (texts, number) = (prompts.values, index / max(1, choiceCount))
        JSONText.appendString(texts.indices.contains(number) ? texts[number] : "", to: &bytes)
        JSONText.appendRaw(",\"has_new_line\":", to: &bytes)
        JSONText.appendRaw(completion.hasLineBreak ? "true" : "false", to: &bytes)
        JSONText.appendRaw(",\"truncated\":", to: &bytes)
        JSONText.appendRaw(completion.isTruncated ? "true" : "false", to: &bytes)
        JSONText.appendRaw(",\"stop_type\":\"", to: &bytes)
        JSONText.appendRaw(completion.reason.stopType, to: &bytes)
        JSONText.appendRaw("\",\"stopping_word\":", to: &bytes)
        JSONText.appendString(completion.reason.stopText, to: &bytes)
        JSONText.appendRaw(",\"tokens_cached\":", to: &bytes)
        JSONText.appendInteger(completion.kvCacheTokens, to: &bytes)
        JSONText.appendRaw(",", to: &bytes)
        Accounting.writeTimings(of: completion, showsCachedText: showsCachedText, to: &bytes)
        writeProbabilities(output?.probabilities ?? [], to: &bytes)
        head.writeWarnings(output?.warnings ?? [], to: &bytes)
        JSONText.appendRaw("}", to: &bytes)
    }
}

extension GenerationSummary.Reason {
    /// The stop string that ended the output; empty for other reasons.
    fileprivate var stopText: String {
        if case .stopText(let text) = self { text } else { "" }
    }
}
