import MartletProtocol

/// The events of one step.
///
/// All texts are slices of one array. Therefore a step needs two allocations, regardless of the number of sequences.
struct StepOutput {
    private enum Record {
        case whole(EngineEvent)
        case token(GenerationHandle, id: Int32, text: Range<Int>, [TokenProbabilities], TokenTimings?)
        case finished(GenerationHandle, GenerationSummary, text: Range<Int>, [TokenProbabilities])
    }

    private var records: [Record] = []
    /// The texts of all events, adjacent. First append a text, then add the event with the offset of the text.
    var bytes: [UInt8] = []

    var isEmpty: Bool { records.isEmpty }

    /// Adds an event without text.
    mutating func add(
        _ handle: GenerationHandle, _ kind: EngineEvent.Kind, _ probabilities: [TokenProbabilities] = []
    ) {
        var event = EngineEvent(handle, kind)
        event.probabilities = probabilities
        records.append(.whole(event))
    }

    /// Adds a token event whose text is `bytes` from offset `start` on.
    mutating func addToken(
        _ handle: GenerationHandle, _ id: Int32, textFrom start: Int, _ probabilities: [TokenProbabilities],
        tokenTimings: TokenTimings? = nil
    ) {
        records.append(.token(handle, id: id, text: start..<bytes.count, probabilities, tokenTimings))
    }

    /// Adds a terminal event whose text is `bytes` from offset `start` on.
    mutating func addFinish(
        _ handle: GenerationHandle, _ summary: GenerationSummary, textFrom start: Int,
        _ probabilities: [TokenProbabilities]
    ) {
        records.append(.finished(handle, summary, text: start..<bytes.count, probabilities))
    }

    /// Removes and returns all events.
    mutating func drain() -> [EngineEvent] {
        let texts = bytes
        let events = records.map { record -> EngineEvent in
            switch record {
            case .whole(let event): return event
            case .token(let handle, let id, let range, let probabilities, let tokenTimings):
                var event = EngineEvent(handle, .token(id: id, text: texts[range]))
                event.probabilities = probabilities
                event.tokenTimings = tokenTimings
                return event
            case .finished(let handle, let summary, let range, let probabilities):
                var event = EngineEvent(handle, .finished(summary, text: texts[range]))
                event.probabilities = probabilities
                return event
            }
        }
        records.removeAll(keepingCapacity: true)
        // The capacity is not retained: the events share the array.
        bytes = []
        return events
    }
}
