import MartletJSON
import MartletProtocol
import MartletStreams
import OrderedCollections

/// Writes the objects of llama-server's own form.
struct LlamaServerObject: Sendable {
    private let head: ResponseHead
    /// Of each choice.
    private let prompts: [String]
    /// `generation_settings`, written once.
    private let settings: [UInt8]
    private let responseFields: ResponseFields
    private let probabilities: ProbabilityWriter

    init(head: ResponseHead, prompts: [String], options: CompletionOptions) {
        self.head = head
        self.prompts = prompts
        settings = options.settings(endTokens: head.endTokens).bytes
        responseFields = options.responseFields
        probabilities = ProbabilityWriter(stage: options.probabilityStage)
    }

    /// Appends a chunk without the counts and what comes behind them.
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

    /// Appends the counts, each behind a comma.
    static func writeCounts(predicted: Int, evaluated: Int, to bytes: inout [UInt8]) {
        JSONText.appendRaw(",\"tokens_predicted\":", to: &bytes)
        JSONText.appendInteger(predicted, to: &bytes)
        JSONText.appendRaw(",\"tokens_evaluated\":", to: &bytes)
        JSONText.appendInteger(evaluated, to: &bytes)
    }

    /// Appends what was asked for with every token, each behind a comma.
    func writeTokenDetails(_ tokenDetails: TokenDetails, to bytes: inout [UInt8]) {
        if responseFields.timingsPerToken, let tokenTimings = tokenDetails.tokenTimings {
            JSONText.appendRaw(",", to: &bytes)
            Accounting.writeTimings(tokenTimings.timings, to: &bytes)
        }
        writeProbabilities(tokenDetails.probabilities, to: &bytes)
    }

    /// Appends a warning of the request, behind a comma.
    func writeWarning(_ text: String, to bytes: inout [UInt8]) { head.writeWarnings([text], to: &bytes) }

    private func writeProbabilities(_ tokens: [TokenProbabilities], to bytes: inout [UInt8]) {
        guard !tokens.isEmpty else { return }
        JSONText.appendRaw(",\"completion_probabilities\":", to: &bytes)
        probabilities.writeEntries(tokens, to: &bytes)
    }

    /// Appends the object that ends an answer.
    /// - Parameter output: what it says; `nil` in a stream, which has said it.
    func write(_ completion: GenerationSummary, output: ChoiceOutput? = nil, index: Int = 0, to bytes: inout [UInt8]) {
        guard !responseFields.members.isEmpty else {
            writeAll(completion, output, index, to: &bytes)
            return
        }
        var whole: [UInt8] = []
        writeAll(completion, output, index, to: &whole)
        // It was written a line above.
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

    private func writeAll(
        _ completion: GenerationSummary, _ output: ChoiceOutput?, _ index: Int, to bytes: inout [UInt8]
    ) {
        JSONText.appendRaw("{\"index\":", to: &bytes)
        JSONText.appendInteger(index, to: &bytes)
        JSONText.appendRaw(",\"content\":", to: &bytes)
        JSONText.appendString(output?.allText ?? [], to: &bytes)
        JSONText.appendRaw(",\"tokens\":[", to: &bytes)
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
        bytes.append(contentsOf: settings)
        JSONText.appendRaw(",\"prompt\":", to: &bytes)
        JSONText.appendString(prompts.indices.contains(index) ? prompts[index] : "", to: &bytes)
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
        Accounting.writeTimings(timings, to: &bytes)
        writeProbabilities(output?.probabilities ?? [], to: &bytes)
        head.writeWarnings(output?.warnings ?? [], to: &bytes)
        JSONText.appendRaw("}", to: &bytes)
    }
}

extension GenerationSummary.Reason {
    /// The stop text that ended it, or "".
    fileprivate var stopText: String {
        if case .stopText(let text) = self { text } else { "" }
    }
}
