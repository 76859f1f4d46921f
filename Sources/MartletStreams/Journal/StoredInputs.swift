internal import MartletProtocol

/// The inputs of a log in the form of its journal.
///
/// Decoded during each iteration, as decoded events take many times the memory of their bytes.
package struct StoredInputs: Sequence, Sendable, Equatable {
    fileprivate enum Part: Sendable, Equatable {
        /// The encoded events of one record.
        case events([UInt8])
        case input(GenerationInput)
    }
    private var parts: [Part] = []

    /// Decodes one input at a time.
    package struct Iterator: IteratorProtocol {
        private var parts: ArraySlice<Part>
        private var events = JournalFieldReader([])

        fileprivate init(_ parts: ArraySlice<Part>) { self.parts = parts }

        /// The next input; `nil` at the end.
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

    /// An iterator over all inputs in the order of the log.
    package func makeIterator() -> Iterator { Iterator(parts[...]) }

    package var last: GenerationInput? {
        var last: GenerationInput?
        var iterator = Iterator(parts.suffix(1))
        while let input = iterator.next() { last = input }
        return last
    }

    /// Adds an input.
    /// - Returns: the index of the input among the parts, for `remove(at:)`.
    @discardableResult
    mutating func append(_ input: GenerationInput) -> Int {
        parts.append(.input(input))
        return parts.count - 1
    }

    /// Removes inputs by their indices among the parts.
    mutating func remove(at positions: some Sequence<Int>) {
        for position in positions.sorted(by: >) { parts.remove(at: position) }
    }

    /// Adds events.
    /// - Parameter events: at least one encoded event; all have been decoded once.
    mutating func append(events: ArraySlice<UInt8>) { parts.append(.events(Array(events))) }
}
