/// The text of a running choice's tokens, with the position of each token, for rewinds.
///
/// Costs 8 bytes for a token and a second copy of the text, until the choice ends. The log cannot serve: the output
/// parser has split its text, and withheld parts of it.
struct TokenTextIndex {
    private struct Entry {
        /// The end of the token's text in `text`, in bytes.
        var textEnd: UInt32
        /// The number of events in the log after this token.
        var eventEnd: UInt32
    }
    private var entries: [Entry] = []
    private var text: [UInt8] = []
    /// The beginnings of the turns that control commands opened: token index and byte offset in `text`.
    private var turns: [(token: Int, textStart: Int)] = []

    /// Adds a token.
    mutating func append(_ bytes: ArraySlice<UInt8>, eventEnd: Int) {
        text += bytes
        entries.append(
            Entry(textEnd: UInt32(truncatingIfNeeded: text.count), eventEnd: UInt32(truncatingIfNeeded: eventEnd)))
    }

    /// Begins a new turn with the next token.
    mutating func beginTurn() {
        turns.append((entries.count, text.count))
    }

    /// Forgets all tokens from index `count` on.
    ///
    /// - Returns: the text that the current turn keeps, and the number of events in the log after the last kept token.
    mutating func truncate(to count: Int) -> (turn: ArraySlice<UInt8>, eventEnd: Int) {
        entries.removeLast(max(0, entries.count - count))
        turns.removeAll { $0.token > count }
        text.removeLast(text.count - Int(entries.last?.textEnd ?? 0))
        return (text[(turns.last?.textStart ?? 0)...], Int(entries.last?.eventEnd ?? 0))
    }
}
