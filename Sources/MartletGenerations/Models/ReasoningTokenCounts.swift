internal import MartletStreams
internal import MartletText
internal import OrderedCollections
internal import Synchronization

/// The number of reasoning tokens of earlier outputs, by the text of the reasoning, which is all that clients send
/// back.
///
/// Tokenizing the text again would give another number: responses leave out the white space around reasoning, and the
/// model may have split the text into other tokens. The newest `limit` outputs of requests with a budget for the
/// user's turn are stored.
///
/// Thread: any.
package final class ReasoningTokenCounts: Sendable {
    private struct State {
        /// The generations that are not counted yet.
        var pending: [Generation] = []
        /// The token counts by the hash of owner and text, the oldest first.
        var counts: OrderedDictionary<Int, Int> = [:]
    }

    private static let limit = 4_096

    private let state = Mutex(State())

    /// Makes an empty table.
    package init() {}

    /// Counts the reasoning tokens of a generation when it has ended.
    func count(_ generation: Generation) {
        state.withLock { $0.pending.append(generation) }
        Task {
            await generation.log.waitForEnd()
            state.withLock { Self.countEnded(in: &$0) }
        }
    }

    /// The number of tokens of the texts that are stored, and the texts that are not.
    func tokens(of texts: [String], owner: Owner) -> (count: Int, unknown: [String]) {
        state.withLock { state in
            // A client that has seen the end of an output may be faster than the task.
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

    /// The key of a text. Clients may leave out the white space around it.
    private static func key(_ text: String, _ owner: Owner) -> Int {
        var rest = text[...]
        while rest.last?.isWhitespace == true { rest.removeLast() }
        var hasher = Hasher()
        hasher.combine(owner)
        hasher.combine(ExactString(rest.drop { $0.isWhitespace }))
        return hasher.finalize()
    }
}
