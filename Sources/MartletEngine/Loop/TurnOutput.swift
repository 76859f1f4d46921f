import MartletProtocol

/// The events of one turn.
///
/// All texts are slices of one array, so a turn costs two allocations however many sequences write.
struct TurnOutput {
    private enum Record {
        case whole(EngineEvent)
        case token(GenerationHandle, id: Int32, text: Range<Int>, [TokenProbabilities], Standing?)
        case finished(GenerationHandle, Completion, text: Range<Int>, [TokenProbabilities])
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
        standing: Standing? = nil
    ) {
        records.append(.token(handle, id: id, text: start..<bytes.count, probabilities, standing))
    }

    /// Adds an end whose text is `bytes` from `start` on.
    mutating func addFinish(
        _ handle: GenerationHandle, _ completion: Completion, textFrom start: Int,
        _ probabilities: [TokenProbabilities]
    ) {
        records.append(.finished(handle, completion, text: start..<bytes.count, probabilities))
    }

    /// Takes everything out.
    mutating func take() -> [EngineEvent] {
        let texts = bytes
        let events = records.map { record -> EngineEvent in
            switch record {
            case .whole(let event): return event
            case .token(let handle, let id, let range, let probabilities, let standing):
                var event = EngineEvent(handle, .token(id: id, text: texts[range]))
                event.probabilities = probabilities
                event.standing = standing
                return event
            case .finished(let handle, let completion, let range, let probabilities):
                var event = EngineEvent(handle, .finished(completion, text: texts[range]))
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
