internal import MartletProtocol

/// The inputs of a log in the form of its journal.
///
/// Decoded during each iteration, as decoded events take many times the memory of their bytes.
package struct StoredInputs: Sequence, Sendable, Equatable {
    fileprivate enum Part: Sendable, Equatable {
        /// The fields of a record of events that hold them.
        case events([UInt8])
        case input(GenerationInput)
    }
    private var parts: [Part] = []

    package struct Iterator: IteratorProtocol {
        private var parts: ArraySlice<Part>
        private var events = JournalFieldReader([])

        fileprivate init(_ parts: ArraySlice<Part>) { self.parts = parts }

        package mutating func next() -> GenerationInput? {
            while true {
                // Every event was decoded once before it was added.
                if var element = try? events.element(JournalRecord.eventField),
                    let event = try? EngineEvent(from: &element)
                {
                    return .engine(event)
                }
                switch parts.popFirst() {
                case .events(let bytes): events = JournalFieldReader(bytes[...])
                case .input(let input): return input
                case nil: return nil
                }
            }
        }
    }

    package func makeIterator() -> Iterator { Iterator(parts[...]) }

    package var last: GenerationInput? {
        var last: GenerationInput?
        var iterator = Iterator(parts.suffix(1))
        while let input = iterator.next() { last = input }
        return last
    }

    /// - Returns: the input's place among parts.
    @discardableResult
    mutating func append(_ input: GenerationInput) -> Int {
        parts.append(.input(input))
        return parts.count - 1
    }

    /// Forgets inputs by their places.
    mutating func remove(at positions: some Sequence<Int>) {
        for position in positions.sorted(by: >) { parts.remove(at: position) }
    }

    /// - Parameter events: at least one encoded event, checked.
    mutating func append(events: ArraySlice<UInt8>) { parts.append(.events(Array(events))) }
}
