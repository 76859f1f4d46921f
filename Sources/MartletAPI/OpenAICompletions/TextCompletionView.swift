package import MartletGenerations
package import MartletJSON
package import MartletProtocol
package import MartletStreams

/// A generation as OpenAI's text completion: chunks of a stream, or one object.
package typealias TextCompletionView = OpenAIView<TextChoice>

extension TextCompletionView {
    /// - Parameters:
    ///   - prompts: the texts of the prompts; at least one. Each has `options.choiceCount` choices, in order.
    ///   - echoes: whether the prompt precedes the output.
    ///   - body: the request, which may ask for the best of several candidates.
    package init(
        head: ResponseHead, options: CompletionOptions, prompts: [String] = [""], echoes: Bool = false,
        body: JSONValue = [:]
    ) {
        let bestOf = (try? FieldReader(body)).flatMap { try? BestOf($0) }
        let count = bestOf?.returned ?? options.choiceCount
        self.init(
            head: head, options: options, prompt: prompts[0], choiceCount: max(1, prompts.count) * count
        ) { index in
            TextChoice(
                head: head, options: options, prompt: prompts[index / count], echoes: echoes, index: index,
                showsProbabilities: bestOf?.showsProbabilities ?? true)
        }
        if let bestOf { select = { bestOf.select($0) } }
    }
}

/// One choice of a text completion.
package struct TextChoice: OpenAIChoice {
    package static let object: StaticString = "text_completion"
    package static let addsUsageToLastChunk = true

    private let head: ResponseHead
    private let options: CompletionOptions
    /// The prompt before the output; empty if the log has the prompt's tokens.
    private let echo: String
    package let suffix: [UInt8]
    private let probabilities: ProbabilityWriter
    /// The number of the choice.
    private let index: Int

    private let showsProbabilities: Bool

    init(
        head: ResponseHead, options: CompletionOptions, prompt: String, echoes: Bool, index: Int,
        showsProbabilities: Bool
    ) {
        self.index = index
        self.showsProbabilities = showsProbabilities
        probabilities = ProbabilityWriter(stage: options.probabilityStage)
        self.head = head
        self.options = options
        echo = echoes && !options.reportsPromptLogprobs ? prompt : ""
        var suffix = Array("],".utf8)
        head.write(object: "text_completion", to: &suffix)
        self.suffix = suffix
    }

    package func encode(_ event: LogEvent, into bytes: inout [UInt8]) {
        switch event {
        case .text(_, _, let text):
            guard !text.isEmpty else { return }
            encodeText(text, TokenDetails(), into: &bytes)
        case .detailedText(_, _, let text, let tokenDetails): encodeText(text, tokenDetails, into: &bytes)
        // Text completions have no roles and no tools.
        case .admitted, .call, .arguments: break
        // The echo precedes the first output, so a client sees one text.
        case .started:
            if !echo.isEmpty { encodeText(Array(echo.utf8)[...], TokenDetails(), into: &bytes) }
        case .promptTokens(let tokens):
            encodeText(Array(tokens.text.utf8)[...], TokenDetails(probabilities: tokens), into: &bytes)
        case .warning(let text):
            JSONText.appendRaw("data: {\"choices\":[", to: &bytes)
            JSONText.appendRaw("],", to: &bytes)
            head.write(object: "text_completion", warnings: [text], to: &bytes)
            JSONText.appendRaw("}\n\n", to: &bytes)
        case .promptProgress(let progress):
            writeChunk([], TokenDetails(), to: &bytes)
            options.writeProgress(progress, to: &bytes)
            JSONText.appendRaw("}\n\n", to: &bytes)
        // The view of the whole generation encodes these.
        case .choice, .ended, .finished, .failed, .controlled, .ping, .handedOver: break
        }
    }

    /// Appends one chunk with text.
    private func encodeText(
        _ text: ArraySlice<UInt8>, _ tokenDetails: TokenDetails, into bytes: inout [UInt8]
    ) {
        writeChunk(text, tokenDetails, to: &bytes)
        options.writeTimings(tokenDetails.tokenTimings, to: &bytes)
        JSONText.appendRaw("}\n\n", to: &bytes)
    }

    /// Appends a chunk up to the point where timings may follow.
    private func writeChunk(_ text: ArraySlice<UInt8>, _ tokenDetails: TokenDetails, to bytes: inout [UInt8]) {
        JSONText.appendRaw("data: {\"choices\":[{\"text\":\"", to: &bytes)
        JSONText.appendEscaped(text, to: &bytes)
        JSONText.appendRaw("\",\"index\":", to: &bytes)
        JSONText.appendInteger(index, to: &bytes)
        JSONText.appendRaw(",\"logprobs\":", to: &bytes)
        writeProbabilities(tokenDetails.probabilities, to: &bytes)
        JSONText.appendRaw(",\"finish_reason\":null}", to: &bytes)
        bytes.append(contentsOf: suffix)
    }

    /// Appends `logprobs` of a choice; `null` without probabilities.
    private func writeProbabilities(_ tokens: [TokenProbabilities], to bytes: inout [UInt8]) {
        if tokens.isEmpty || !showsProbabilities {
            JSONText.appendRaw("null", to: &bytes)
        } else {
            probabilities.write(tokens, isText: true, to: &bytes)
        }
    }

    /// Appends an element without text.
    package func writeEnd(_ completion: GenerationSummary, to bytes: inout [UInt8]) {
        writeElement(text: [], [], completion, to: &bytes)
    }

    /// Appends an element with the echo and the whole text.
    package func write(_ output: ChoiceOutput, to bytes: inout [UInt8]) {
        writeElement(
            text: Array((echo + output.promptTokens.text).utf8) + output.content,
            output.promptTokens + output.probabilities, output.completion, to: &bytes)
    }

    /// Appends one element of `choices`.
    private func writeElement(
        text: [UInt8], _ tokens: [TokenProbabilities], _ completion: GenerationSummary, to bytes: inout [UInt8]
    ) {
        JSONText.appendRaw("{\"text\":", to: &bytes)
        JSONText.appendString(text, to: &bytes)
        JSONText.appendRaw(",\"index\":", to: &bytes)
        JSONText.appendInteger(index, to: &bytes)
        JSONText.appendRaw(",\"logprobs\":", to: &bytes)
        writeProbabilities(tokens, to: &bytes)
        JSONText.appendRaw(",\"finish_reason\":\"", to: &bytes)
        JSONText.appendRaw(completion.reason.finishReason, to: &bytes)
        JSONText.appendRaw("\"}", to: &bytes)
    }
}
