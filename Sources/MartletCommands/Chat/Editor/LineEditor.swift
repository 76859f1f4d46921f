/// The text of an input line with its cursor and its history. Pure: accepts a key, returns a result.
struct LineEditor: Sendable {
    /// The effect of a key.
    enum Result: Sendable, Equatable {
        /// Text or cursor changed.
        case changed
        case submitted(String)
        /// Ctrl-C. The line is empty afterwards.
        case interrupted(wasEmpty: Bool)
        /// Ctrl-D on an empty line.
        case ended
        case clearScreen
        case nothing
    }

    /// The maximum number of characters. Further input is ignored.
    private static let maximumCount = 1 << 20

    private(set) var characters: [Character] = []
    /// The number of characters before the cursor.
    private(set) var cursor = 0
    /// Entered lines, oldest first.
    private var history: [String]
    /// The index of the shown line in the history; `history.count` = the new line.
    private var position: Int
    /// The new line while an older line is shown.
    private var draft: [Character] = []

    /// An empty line. The arrow keys recall lines of `history`, which is ordered from old to new.
    init(history: [String] = []) {
        self.history = history
        position = history.count
    }

    /// The line as text, with line breaks of pasted text.
    var text: String { String(characters) }

    /// Applies a key to line and cursor.
    mutating func apply(_ key: KeyPress) -> Result {
        switch key {
        case .character(let character): return insert([character])
        case .paste(let text): return insert(Array(text))
        case .enter: return submit()
        case .interrupt:
            let wasEmpty = characters.isEmpty
            replace(with: [])
            position = history.count
            return .interrupted(wasEmpty: wasEmpty)
        case .endOfInput:
            return characters.isEmpty ? .ended : remove(cursor..<min(cursor + 1, characters.count))
        case .clearScreen: return .clearScreen
        case .escape: return .nothing
        case .backspace: return remove(max(0, cursor - 1)..<cursor)
        case .delete: return remove(cursor..<min(cursor + 1, characters.count))
        case .deleteWordBackward: return remove(wordStart..<cursor)
        case .deleteToStart: return remove(0..<cursor)
        case .deleteToEnd: return remove(cursor..<characters.count)
        case .left: return move(to: cursor - 1)
        case .right: return move(to: cursor + 1)
        case .wordLeft: return move(to: wordStart)
        case .wordRight: return move(to: wordEnd)
        case .home: return move(to: 0)
        case .end: return move(to: characters.count)
        case .up: return recall(position - 1)
        case .down: return recall(position + 1)
        }
    }

    /// The beginning of the word at or before the cursor.
    private var wordStart: Int {
        var index = cursor
        while index > 0, characters[index - 1].isWhitespace { index -= 1 }
        while index > 0, !characters[index - 1].isWhitespace { index -= 1 }
        return index
    }

    /// The end of the word at or behind the cursor.
    private var wordEnd: Int {
        var index = cursor
        while index < characters.count, characters[index].isWhitespace { index += 1 }
        while index < characters.count, !characters[index].isWhitespace { index += 1 }
        return index
    }

    /// Inserts characters at the cursor. Input beyond the maximum length is ignored as a whole.
    private mutating func insert(_ new: [Character]) -> Result {
        guard !new.isEmpty, characters.count + new.count <= Self.maximumCount else { return .nothing }
        // A combining mark that was typed on its own joins the character before it.
        if cursor > 0, let mark = new.first {
            let joined = String(characters[cursor - 1]) + String(mark)
            if joined.count == 1, let first = joined.first {
                characters[cursor - 1] = first
                let rest = Array(new.dropFirst())
                return rest.isEmpty ? .changed : insert(rest)
            }
        }
        characters.insert(contentsOf: new, at: cursor)
        cursor += new.count
        return .changed
    }

    /// Removes characters and moves the cursor to their position.
    private mutating func remove(_ range: Range<Int>) -> Result {
        guard !range.isEmpty else { return .nothing }
        characters.removeSubrange(range)
        cursor = range.lowerBound
        return .changed
    }

    /// Moves the cursor, at most to the ends of the line.
    private mutating func move(to index: Int) -> Result {
        let target = min(max(0, index), characters.count)
        guard target != cursor else { return .nothing }
        cursor = target
        return .changed
    }

    /// Ends the line. It becomes part of the history unless it is blank or equal to the last one.
    private mutating func submit() -> Result {
        let text = text
        if !text.allSatisfy(\.isWhitespace), history.last != text { history.append(text) }
        position = history.count
        replace(with: [])
        return .submitted(text)
    }

    /// Shows a line of the history, or the draft.
    private mutating func recall(_ index: Int) -> Result {
        guard index >= 0, index <= history.count, index != position else { return .nothing }
        if position == history.count { draft = characters }
        position = index
        replace(with: index == history.count ? draft : Array(history[index]))
        return .changed
    }

    /// Replaces the line. The cursor moves to its end.
    private mutating func replace(with new: [Character]) {
        characters = new
        cursor = new.count
    }
}
