import MartletProtocol
package import MartletStreams

/// The fold of a log's events: what a response that does not stream says.
struct ChoiceOutput {
    /// A tool call, in the order of its number.
    struct Call {
        var name: String
        var arguments: [UInt8] = []
    }
    private(set) var content: [UInt8] = []
    private(set) var reasoning: [UInt8] = []
    /// All text of the answer, thinking and markup included; arguments of calls in the form of the response.
    private(set) var allText: [UInt8] = []
    /// Of the tokens, in order, where they were asked for.
    private(set) var probabilities: [TokenProbabilities] = []
    /// Of the prompt's tokens, where they were asked for.
    private(set) var promptTokens: [TokenProbabilities] = []
    private(set) var calls: [Call] = []
    private(set) var warnings: [String] = []
    /// Their ids, in order, the one that ended the answer included.
    private(set) var tokens: [Int32] = []
    let completion: GenerationSummary

    /// - Throws: what the generation failed with; `server` when the events have no end.
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

/// What a response that does not stream says: one answer, or several.
struct ResponseOutput {
    /// In the order of their numbers.
    let choices: [ChoiceOutput]
    /// What all of them cost.
    let completion: GenerationSummary

    /// - Throws: what the generation failed with; `server` when the events have no end.
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
        // The last event of the first tells of all.
        if own.count > 1 { own[0].removeLast() }
        var choices: [ChoiceOutput] = []
        for events in own { choices.append(try ChoiceOutput(events)) }
        self.choices = choices
    }
}

/// What one answer thought, as a client may send it back.
package struct ReasoningOutput: Sendable, Equatable {
    package var text: String
    package var tokenCount: Int

    /// Of each choice of an answer; none of one that failed.
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
