import MartletProtocol
package import MartletStreams

/// The output of one choice: a fold over its events, for responses that do not stream.
struct ChoiceOutput {
    /// A tool call. Its index in `calls` is its number in the events.
    /// A tool call.
    struct Call {
        var name: String
        var arguments: [UInt8] = []
    }
    /// UTF-8. Bytes may be no UTF-8 where a token limit cuts a character.
    private(set) var content: [UInt8] = []
    /// The text between the reasoning delimiters.
    private(set) var reasoning: [UInt8] = []
    /// The whole output, with reasoning, delimiters and arguments of tool calls.
    private(set) var allText: [UInt8] = []
    /// One element per token, in order, if the request asks for probabilities.
    private(set) var probabilities: [TokenProbabilities] = []
    /// One element per token of the prompt, if the request asks for them.
    private(set) var promptTokens: [TokenProbabilities] = []
    private(set) var calls: [Call] = []
    /// Warnings that the engine emitted while it generated.
    private(set) var warnings: [String] = []
    /// The ids of all tokens, in order, with the token that ended the output.
    private(set) var tokens: [Int32] = []
    /// The counts and the reason of the choice's terminal event.
    let completion: GenerationSummary

    /// - Parameter events: the events of one choice up to its end.
    /// - Throws: the error with which the generation failed; `server` if the events have no end.
    init(_ events: [LogEvent]) throws(APIError) {
        var content: [UInt8] = []
        var reasoning: [UInt8] = []
        var allText: [UInt8] = []
        var probabilities: [TokenProbabilities] = []
        var promptTokens: [TokenProbabilities] = []
        var calls: [Call] = []
        var warnings: [String] = []
        var tokens: [Int32] = []
        var end: GenerationSummary?
        for event in events.effective {
            switch event {
            case .text(_, let token?, _), .arguments(_, let token?, _): tokens.append(token)
            case .detailedText(_, let token, _, let tokenDetails):
                if let token { tokens.append(token) }
                probabilities += tokenDetails.probabilities
            default: break
            }
            switch event {
            case .text(_, _, let bytes), .detailedText(_, _, let bytes, _), .arguments(_, _, let bytes):
                allText.append(contentsOf: bytes)
            default: break
            }
            switch event {
            case .text(.content, _, let bytes), .detailedText(.content, _, let bytes, _):
                content.append(contentsOf: bytes)
            case .text(.reasoning, _, let bytes), .detailedText(.reasoning, _, let bytes, _):
                reasoning.append(contentsOf: bytes)
            case .call(_, let name): calls.append(Call(name: name))
            case .arguments(let number, _, let bytes): calls[number].arguments.append(contentsOf: bytes)
            case .warning(let text): warnings.append(text)
            case .promptTokens(let tokens): promptTokens += tokens
            case .text(.delimiter, _, _), .detailedText(.delimiter, _, _, _), .admitted, .started, .promptProgress,
                .controlled,
                .ping, .choice, .handedOver:
                break
            case .finished(let completion), .ended(let completion): end = completion
            case .failed(let error): throw APIError(error)
            }
        }
        guard let end else { throw APIError(.server, "The generation has not ended") }
        self.content = content
        self.reasoning = reasoning
        self.allText = allText
        self.probabilities = probabilities
        self.promptTokens = promptTokens
        self.calls = calls
        self.warnings = warnings
        self.tokens = tokens
        completion = end
    }
}

/// The outputs of all choices of a generation.
struct ResponseOutput {
    /// The index is the choice's number.
    let choices: [ChoiceOutput]
    /// The counts of all choices together.
    let completion: GenerationSummary

    /// - Parameter events: all events of a log that has ended.
    /// - Throws: the error with which the generation failed; `server` if the log has no end.
    init(_ events: [LogEvent]) throws(APIError) {
        var own: [[LogEvent]] = [[]]
        for event in events {
            guard case .choice(let number, let event) = event else {
                own[0].append(event)
                continue
            }
            while own.count <= number { own.append([]) }
            own[number].append(event)
        }
        switch events.last {
        case .finished(let completion): self.completion = completion
        case .failed(let error): throw APIError(error)
        default: throw APIError(.server, "The generation has not ended")
        }
        // The terminal event of the log is the sum of all choices. The first choice has its own end before it.
        if own.count > 1 { own[0].removeLast() }
        var choices: [ChoiceOutput] = []
        for events in own { choices.append(try ChoiceOutput(events)) }
        self.choices = choices
    }
}

/// The reasoning of one choice, in the form in which a client may send it back.
package struct ReasoningOutput: Sendable, Equatable {
    /// Decoded; invalid UTF-8 becomes U+FFFD.
    package var text: String
    /// As the engine counted the tokens, delimiters excluded.
    package var tokenCount: Int

    /// The reasoning of each choice, in order; empty if the generation failed.
    /// - Parameter events: all events of a log that has ended.
    package static func all(in events: [LogEvent]) -> [ReasoningOutput] {
        let choices = (try? ResponseOutput(events))?.choices ?? []
        return choices.map { output in
            ReasoningOutput(
                text: String(decoding: output.reasoning, as: UTF8.self),
                tokenCount: output.completion.timings.reasoningTokens)
        }
    }
}
