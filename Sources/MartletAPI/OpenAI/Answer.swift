import MartletProtocol
import MartletStreams

/// The fold of a log's events: what a response that does not stream says.
struct Answer {
    private(set) var content: [UInt8] = []
    private(set) var reasoning: [UInt8] = []
    /// Of the tokens, in order, where they were asked for.
    private(set) var probabilities: [TokenProbabilities] = []
    /// Their ids, in order, the one that ended the answer included.
    private(set) var tokens: [Int32] = []
    let completion: Completion

    /// - Throws: what the generation failed with; `server` when the events have no end.
    init(_ events: [LogEvent]) throws(APIError) {
        var content: [UInt8] = []
        var reasoning: [UInt8] = []
        var probabilities: [TokenProbabilities] = []
        var tokens: [Int32] = []
        var end: Completion?
        for event in events.standing {
            switch event {
            case .text(_, let token?, _): tokens.append(token)
            case .scoredText(_, let token, _, let notes):
                if let token { tokens.append(token) }
                probabilities += notes.probabilities
            default: break
            }
            switch event {
            case .text(.content, _, let bytes), .scoredText(.content, _, let bytes, _):
                content.append(contentsOf: bytes)
            case .text(.reasoning, _, let bytes), .scoredText(.reasoning, _, let bytes, _):
                reasoning.append(contentsOf: bytes)
            case .text(.markup, _, _), .scoredText(.markup, _, _, _), .admitted, .started, .promptProgress, .controlled,
                .ping,
                .handedOver:
                break
            case .finished(let completion): end = completion
            case .failed(let error): throw APIError(error)
            }
        }
        guard let end else { throw APIError(.server, "The generation has not ended") }
        self.content = content
        self.reasoning = reasoning
        self.probabilities = probabilities
        self.tokens = tokens
        completion = end
    }
}
