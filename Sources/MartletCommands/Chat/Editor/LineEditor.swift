/// The text of a message with its cursor and its history. Pure: accepts a key, returns a result.
///
/// Example: `a`, `\`, Enter, `b`, Enter submits `a` and `b` in two lines.
struct LineEditor: Sendable {
    /// The effect of a key.
    enum Result: Sendable, Equatable {
        /// Text, cursor or search changed.
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
    /// The quotes between which Enter makes a new line.
    static let quotes = "\"\"\""

    private(set) var characters: [Character] = []
    /// The number of characters before the cursor.
    private(set) var cursor = 0
    /// Entered lines, oldest first.
    private(set) var history: [String]
    /// The index of the shown line in the history; `history.count` = the new line.
    private var position: Int
    /// The new line while an older line is shown.
    private var draft: [Character] = []
    /// The search in the history; `nil` = there is none.
    private(set) var search: HistorySearch?

    /// An empty line. The arrow keys recall lines of `history`, which is ordered from old to new.
    init(history: [String] = []) {
        self.history = history
        position = history.count
    }

    /// The message as text, with its line breaks.
    var text: String { String(characters) }

    /// Applies a key to line and cursor.
    mutating func apply(_ key: KeyPress) -> Result {
        if let result = applyToSearch(key) { return result }
        switch key {
        case .character(let character): return insert([character])
        case .paste(let text): return insert(Array(text))
        case .newline: return insert(["\n"])
        case .enter: return enter()
        case .interrupt:
            let wasEmpty = characters.isEmpty
            replace(with: [])
            position = history.count
            return .interrupted(wasEmpty: wasEmpty)
        case .endOfInput:
            return characters.isEmpty ? .ended : remove(cursor..<min(cursor + 1, characters.count))
        case .clearScreen: return .clearScreen
        case .searchHistory:
            search = HistorySearch(original: characters)
            return .changed
        // The chat handles these keys: it knows the candidates, and the process that is suspended.
        case .tab, .suspend, .escape: return .nothing
        case .backspace: return remove(max(0, cursor - 1)..<cursor)
        case .delete: return remove(cursor..<min(cursor + 1, characters.count))
        case .deleteWordBackward: return remove(wordStart..<cursor)
        case .deleteToStart: return remove(lineStart..<cursor)
        case .deleteToEnd: return remove(cursor..<lineEnd)
        case .left: return move(to: cursor - 1)
        case .right: return move(to: cursor + 1)
        case .wordLeft: return move(to: wordStart)
        case .wordRight: return move(to: wordEnd)
        case .home: return move(to: lineStart)
        case .end: return move(to: lineEnd)
        case .up: return lineStart > 0 ? moveUp() : recall(position - 1)
        case .down: return lineEnd < characters.count ? moveDown() : recall(position + 1)
        }
    }

    /// Replaces the characters from `start` to the cursor, e.g. with a completed word. The cursor moves behind it.
    /// - Returns: `.changed`, or `.nothing` if the text is there already.
    mutating func complete(from start: Int, with text: String) -> Result {
        guard start <= cursor, String(characters[start..<cursor]) != text else { return .nothing }
        characters.removeSubrange(start..<cursor)
        cursor = start
        return insert(Array(text))
    }

    // MARK: Positions

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

    /// The index behind the last line break before the cursor.
    private var lineStart: Int {
        characters[..<cursor].lastIndex(of: "\n").map { $0 + 1 } ?? 0
    }

    /// The index of the first line break at or behind the cursor.
    private var lineEnd: Int { characters[cursor...].firstIndex(of: "\n") ?? characters.count }

    /// Moves to the same place of the line above, or to its end.
    private mutating func moveUp() -> Result {
        let start = lineStart
        let offset = cursor - start
        let aboveStart = characters[..<(start - 1)].lastIndex(of: "\n").map { $0 + 1 } ?? 0
        return move(to: min(aboveStart + offset, start - 1))
    }

    /// Moves to the same place of the line below, or to its end.
    private mutating func moveDown() -> Result {
        let offset = cursor - lineStart
        let belowStart = lineEnd + 1
        let belowEnd = characters[belowStart...].firstIndex(of: "\n") ?? characters.count
        return move(to: min(belowStart + offset, belowEnd))
    }

    // MARK: Changes

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

    /// Moves the cursor, at most to the ends of the text.
    private mutating func move(to index: Int) -> Result {
        let target = min(max(0, index), characters.count)
        guard target != cursor else { return .nothing }
        cursor = target
        return .changed
    }

    /// Enter: a new line behind `\` and between `"""`, else the end of the message.
    private mutating func enter() -> Result {
        if cursor > 0, cursor == characters.count, characters[cursor - 1] == "\\" {
            characters[cursor - 1] = "\n"
            return .changed
        }
        return hasOpenQuotes ? insert(["\n"]) : submit()
    }

    /// Whether the message begins with `"""` and does not end with it.
    private var hasOpenQuotes: Bool {
        let quotes = Array(Self.quotes)
        let body = characters.drop { $0.isWhitespace }
        guard body.starts(with: quotes) else { return false }
        let rest = body.dropFirst(quotes.count)
        let end = rest.reversed().drop { $0.isWhitespace }
        return !end.starts(with: quotes)
    }

    /// Ends the message. It becomes part of the history unless it is blank or equal to the last one.
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

    /// Replaces the text. The cursor moves to its end.
    private mutating func replace(with new: [Character]) {
        characters = new
        cursor = new.count
    }

    // MARK: Search

    /// Applies a key to the search.
    /// - Returns: `nil` if there is no search, or the key ends it and has its usual effect on the found line.
    private mutating func applyToSearch(_ key: KeyPress) -> Result? {
        guard var search else { return nil }
        switch key {
        case .character(let character) where character != "\n":
            search.append(character, in: history)
        case .backspace: search.removeLast(in: history)
        case .searchHistory: search.findOlder(in: history)
        case .escape, .interrupt:
            self.search = nil
            replace(with: search.original)
            return .changed
        default:
            self.search = nil
            return nil
        }
        self.search = search
        if let found = search.found { replace(with: Array(history[found])) }
        return .changed
    }
}
