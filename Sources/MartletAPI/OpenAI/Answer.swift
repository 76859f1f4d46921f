import MartletProtocol
import MartletStreams

/// The fold of a log's events: what a response that does not stream says.
struct Answer {
    private(set) var content: [UInt8] = []
    private(set) var reasoning: [UInt8] = []
    let completion: Completion

    /// - Throws: what the generation failed with; `server` when the events have no end.
    init(_ events: [LogEvent]) throws(APIError) {
        var content: [UInt8] = []
        var reasoning: [UInt8] = []
        var end: Completion?
        for event in events {
            switch event {
            case .text(.content, _, let bytes): content.append(contentsOf: bytes)
            case .text(.reasoning, _, let bytes): reasoning.append(contentsOf: bytes)
            case .text(.markup, _, _), .admitted, .started, .promptProgress: break
            case .finished(let completion): end = completion
            case .failed(let error): throw APIError(error)
            }
        }
        guard let end else { throw APIError(.server, "The generation has not ended") }
        self.content = content
        self.reasoning = reasoning
        completion = end
    }
}
