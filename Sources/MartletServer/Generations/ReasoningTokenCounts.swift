internal import MartletAPI
internal import MartletStreams
internal import MartletText
internal import OrderedCollections
internal import Synchronization

/// How many tokens answers have thought, by the text of the thoughts, which is all that clients send back.
///
/// To tokenize the text would give another number: white space around it is not told, and the model may have cut it
/// otherwise. Only answers with a budget for the user's turn are remembered, the newest.
///
/// Thread: any.
final class ReasoningTokenCounts: Sendable {
    private struct State {
        /// Those that are not counted yet.
        var pending: [Generation] = []
        /// The oldest first.
        var counts: OrderedDictionary<Int, Int> = [:]
    }

    private static let limit = 4_096

    private let state = Mutex(State())

    /// Counts what an answer thinks, when it has ended.
    func count(_ generation: Generation) {
        state.withLock { $0.pending.append(generation) }
        Task {
            await generation.log.waitForEnd()
            state.withLock { Self.countEnded(in: &$0) }
        }
    }

    /// How many tokens those of `texts` had that are known, and which others there are.
    func tokens(of texts: [String], owner: Owner) -> (count: Int, unknown: [String]) {
        state.withLock { state in
            // Whoever has seen an answer's end may be here before the task.
            Self.countEnded(in: &state)
            var count = 0
            let unknown = texts.filter { text in
                guard let known = state.counts[Self.key(text, owner)] else { return true }
                count += known
                return false
            }
            return (count, unknown)
        }
    }

    private static func countEnded(in state: inout State) {
        let ended = state.pending.filter { $0.log.extent.isEnded }
        guard !ended.isEmpty else { return }
        state.pending.removeAll { $0.log.extent.isEnded }
        for generation in ended {
            for reasoning in ReasoningOutput.all(in: generation.log.events) where !reasoning.text.isEmpty {
                if state.counts.count == limit { state.counts.removeFirst() }
                state.counts[key(reasoning.text, generation.spec.owner)] = reasoning.tokenCount
            }
        }
    }

    /// Clients may leave out the white space around it.
    private static func key(_ text: String, _ owner: Owner) -> Int {
        var rest = text[...]
        while rest.last?.isWhitespace == true { rest.removeLast() }
        var hasher = Hasher()
        hasher.combine(owner)
        hasher.combine(ExactString(rest.drop { $0.isWhitespace }))
        return hasher.finalize()
    }
}
