import MartletProtocol
package import MartletStreams

/// The fold of a log's events: what a response that does not stream says.
struct Answer {
    /// A tool call, in the order of its number.
    struct Call {
        var name: String
        var arguments: [UInt8] = []
    }
    private(set) var content: [UInt8] = []
    private(set) var reasoning: [UInt8] = []
    /// All text of the answer, thinking and markup included; arguments of calls in the form of the response.
    private(set) var written: [UInt8] = []
    /// Of the tokens, in order, where they were asked for.
    private(set) var probabilities: [TokenProbabilities] = []
    /// Of the prompt's tokens, where they were asked for.
    private(set) var promptTokens: [TokenProbabilities] = []
    private(set) var calls: [Call] = []
    private(set) var warnings: [String] = []
    /// Their ids, in order, the one that ended the answer included.
    private(set) var tokens: [Int32] = []
    let completion: Completion

    /// - Throws: what the generation failed with; `server` when the events have no end.
    init(_ events: [LogEvent]) throws(APIError) {
        var content: [UInt8] = []
        var reasoning: [UInt8] = []
        var written: [UInt8] = []
        var probabilities: [TokenProbabilities] = []
        var promptTokens: [TokenProbabilities] = []
        var calls: [Call] = []
        var warnings: [String] = []
        var tokens: [Int32] = []
        var end: Completion?
        for event in events.standing {
            switch event {
            case .text(_, let token?, _), .arguments(_, let token?, _): tokens.append(token)
            case .scoredText(_, let token, _, let notes):
                if let token { tokens.append(token) }
                probabilities += notes.probabilities
            default: break
            }
            switch event {
            case .text(_, _, let bytes), .scoredText(_, _, let bytes, _), .arguments(_, _, let bytes):
                written.append(contentsOf: bytes)
            default: break
            }
            switch event {
            case .text(.content, _, let bytes), .scoredText(.content, _, let bytes, _):
                content.append(contentsOf: bytes)
            case .text(.reasoning, _, let bytes), .scoredText(.reasoning, _, let bytes, _):
                reasoning.append(contentsOf: bytes)
            case .call(_, let name): calls.append(Call(name: name))
            case .arguments(let number, _, let bytes): calls[number].arguments.append(contentsOf: bytes)
            case .warning(let text): warnings.append(text)
            case .promptTokens(let tokens): promptTokens += tokens
            case .text(.markup, _, _), .scoredText(.markup, _, _, _), .admitted, .started, .promptProgress, .controlled,
                .ping, .choice, .handedOver:
                break
            case .finished(let completion), .ended(let completion): end = completion
            case .failed(let error): throw APIError(error)
            }
        }
        guard let end else { throw APIError(.server, "The generation has not ended") }
        self.content = content
        self.reasoning = reasoning
        self.written = written
        self.probabilities = probabilities
        self.promptTokens = promptTokens
        self.calls = calls
        self.warnings = warnings
        self.tokens = tokens
        completion = end
    }
}

/// What a response that does not stream says: one answer, or several.
struct Answers {
    /// In the order of their numbers.
    let choices: [Answer]
    /// What all of them cost.
    let completion: Completion

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
        var choices: [Answer] = []
        for events in own { choices.append(try Answer(events)) }
        self.choices = choices
    }
}

/// What one answer thought, as a client may send it back.
package struct Thought: Sendable, Equatable {
    package var text: String
    package var tokenCount: Int

    /// Of each choice of an answer; none of one that failed.
    /// - Parameter events: all events of a log that has ended.
    package static func all(in events: [LogEvent]) -> [Thought] {
        let choices = (try? Answers(events))?.choices ?? []
        return choices.map { answer in
            Thought(
                text: String(decoding: answer.reasoning, as: UTF8.self),
                tokenCount: answer.completion.timings.reasoningTokens)
        }
    }
}
