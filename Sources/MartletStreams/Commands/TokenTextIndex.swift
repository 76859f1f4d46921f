/// What the engine told of a live answer's tokens, so that the end of the answer can be taken back.
///
/// 8 bytes for a token, and the text once more, as long as the generation lives.
struct TokenTextIndex {
    private struct Entry {
        /// Where the text of all tokens up to this one ends.
        var textEnd: UInt32
        /// How many events the log had with this token.
        var eventEnd: UInt32
    }
    private var entries: [Entry] = []
    private var text: [UInt8] = []
    /// Where turns begin that were opened later: token and place in the text.
    private var turns: [(token: Int, textStart: Int)] = []

    mutating func append(_ bytes: ArraySlice<UInt8>, eventEnd: Int) {
        text += bytes
        entries.append(
            Entry(textEnd: UInt32(truncatingIfNeeded: text.count), eventEnd: UInt32(truncatingIfNeeded: eventEnd)))
    }

    /// A new turn begins with the next token.
    mutating func beginTurn() {
        turns.append((entries.count, text.count))
    }

    /// Forgets all tokens from number `count` on.
    ///
    /// - Returns: the text of the turn that is left, and how many events the log had then.
    mutating func truncate(to count: Int) -> (turn: ArraySlice<UInt8>, eventEnd: Int) {
        entries.removeLast(max(0, entries.count - count))
        turns.removeAll { $0.token > count }
        text.removeLast(text.count - Int(entries.last?.textEnd ?? 0))
        return (text[(turns.last?.textStart ?? 0)...], Int(entries.last?.eventEnd ?? 0))
    }
}
