package import MartletProtocol
package import MartletStreams

/// The output of one choice: the fold of its events, from which every dialect writes a whole response.
package struct ChoiceOutput {
    /// A tool call. Its index in `calls` is its number.
    package struct Call {
        package var name: String
        /// JSON text.
        package var arguments: [UInt8] = []
    }
    package private(set) var content: [UInt8] = []
    package private(set) var reasoning: [UInt8] = []
    /// All text, reasoning and delimiters included. Arguments of tool calls have the form of the response.
    package private(set) var allText: [UInt8] = []
    /// The logprobs of the tokens in order; empty unless the request asks for them.
    package private(set) var probabilities: [TokenProbabilities] = []
    /// The logprobs of the prompt's tokens; empty unless the request asks for them.
    package private(set) var promptTokens: [TokenProbabilities] = []
    package private(set) var calls: [Call] = []
    package private(set) var warnings: [String] = []
    /// The ids of the tokens in order, the end token included.
    package private(set) var tokens: [Int32] = []
    /// The end of the choice, with its timings.
    package let completion: GenerationSummary

    /// Folds the events of one choice. Complexity: linear in their number.
    ///
    /// - Throws: the error with which the generation failed; `failed` if the events have no end.
    init(_ events: [LogEvent]) throws(GenerationError) {
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
            case .failed(let error): throw GenerationError(error)
            }
        }
        guard let end else { throw GenerationError(.failed, "The generation has not ended") }
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

/// The output of a generation with one choice or several.
package struct ResponseOutput {
    /// The choices in the order of their numbers.
    package let choices: [ChoiceOutput]
    /// The end of the generation, with the timings of all choices together.
    package let completion: GenerationSummary

    /// Folds all events of a log that has ended.
    ///
    /// - Throws: the error with which the generation failed; `failed` if the events have no end.
    package init(_ events: [LogEvent]) throws(GenerationError) {
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
        case .failed(let error): throw GenerationError(error)
        default: throw GenerationError(.failed, "The generation has not ended")
        }
        // The first choice ends twice: with its own event, and with the last event, which sums up all choices.
        if own.count > 1 { own[0].removeLast() }
        var choices: [ChoiceOutput] = []
        for events in own { choices.append(try ChoiceOutput(events)) }
        self.choices = choices
    }
}

/// The reasoning of one choice, as a client may send it back.
package struct ReasoningOutput: Sendable, Equatable {
    /// Decoded; invalid UTF-8 becomes U+FFFD.
    package var text: String
    /// As the engine counted the tokens, delimiters excluded.
    package var tokenCount: Int

    /// The reasoning of each choice; empty for a generation that failed.
    ///
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
