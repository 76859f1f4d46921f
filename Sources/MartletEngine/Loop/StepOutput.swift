import MartletProtocol

/// The events of one step.
///
/// All texts are slices of one array, so a step costs two allocations however many sequences write.
struct StepOutput {
    private enum Record {
        case whole(EngineEvent)
        case token(GenerationHandle, id: Int32, text: Range<Int>, [TokenProbabilities], TokenTimings?)
        case finished(GenerationHandle, GenerationSummary, text: Range<Int>, [TokenProbabilities])
    }

    private var records: [Record] = []
    /// Texts of all records, one after the other. Append to it, then add the record with what was appended.
    var bytes: [UInt8] = []

    var isEmpty: Bool { records.isEmpty }

    mutating func add(
        _ handle: GenerationHandle, _ kind: EngineEvent.Kind, _ probabilities: [TokenProbabilities] = []
    ) {
        var event = EngineEvent(handle, kind)
        event.probabilities = probabilities
        records.append(.whole(event))
    }

    /// Adds a token whose text is `bytes` from `start` on.
    mutating func addToken(
        _ handle: GenerationHandle, _ id: Int32, textFrom start: Int, _ probabilities: [TokenProbabilities],
        tokenTimings: TokenTimings? = nil
    ) {
        records.append(.token(handle, id: id, text: start..<bytes.count, probabilities, tokenTimings))
    }

    /// Adds an end whose text is `bytes` from `start` on.
    mutating func addFinish(
        _ handle: GenerationHandle, _ summary: GenerationSummary, textFrom start: Int,
        _ probabilities: [TokenProbabilities]
    ) {
        records.append(.finished(handle, summary, text: start..<bytes.count, probabilities))
    }

    /// Takes everything out.
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
        // Not kept: the events share it.
        bytes = []
        return events
    }
}
