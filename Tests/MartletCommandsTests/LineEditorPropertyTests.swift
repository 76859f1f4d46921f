import MartletTestSupport
import Testing

@testable import MartletCommands

/// Random keys, compared with a plain model, and renderings, compared with a terminal.
@Suite struct LineEditorPropertyTests {
    private static let alphabet: [Character] = ["a", "b", " ", "é", "世", "界", "🎉", "\n", "x", "👩‍👩‍👧"]
    private static let keys: [KeyPress] = [
        .backspace, .delete, .left, .right, .wordLeft, .wordRight, .home, .end, .deleteWordBackward, .deleteToStart,
        .deleteToEnd, .up, .down, .enter, .interrupt,
    ]

    private func randomKey(_ random: inout SeededGenerator) -> KeyPress {
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<5: return .character(Self.alphabet[Int.random(in: 0..<Self.alphabet.count, using: &random)])
        case 5:
            let count = Int.random(in: 0..<30, using: &random)
            return .paste(
                String((0..<count).map { _ in Self.alphabet[Int.random(in: 0..<Self.alphabet.count, using: &random)] }))
        default: return Self.keys[Int.random(in: 0..<Self.keys.count, using: &random)]
        }
    }

    /// A line as the text before and behind the cursor.
    private struct Model {
        var before: [Character] = []
        var after: [Character] = []
        var history: [String] = []
        var position = 0
        var draft: [Character] = []

        mutating func apply(_ key: KeyPress) {
            switch key {
            case .character(let character): before.append(character)
            case .paste(let text): before += Array(text)
            case .backspace: _ = before.popLast()
            case .delete: if !after.isEmpty { after.removeFirst() }
            case .left: if let last = before.popLast() { after.insert(last, at: 0) }
            case .right: if !after.isEmpty { before.append(after.removeFirst()) }
            case .home: (before, after) = ([], before + after)
            case .end: (before, after) = (before + after, [])
            case .deleteToStart: before = []
            case .deleteToEnd: after = []
            case .deleteWordBackward: before.removeLast(lastWordLength)
            case .wordLeft:
                let count = lastWordLength
                after = Array(before.suffix(count)) + after
                before.removeLast(count)
            case .wordRight:
                let blanks = after.prefix { $0.isWhitespace }.count
                let count = blanks + after.dropFirst(blanks).prefix { !$0.isWhitespace }.count
                before += after.prefix(count)
                after.removeFirst(count)
            case .up: recall(position - 1)
            case .down: recall(position + 1)
            case .enter:
                let text = String(before + after)
                if !text.allSatisfy({ $0.isWhitespace }), history.last != text { history.append(text) }
                clear()
            case .interrupt: clear()
            default: break
            }
        }

        /// The length of the word before the cursor, with the blanks behind the word.
        private var lastWordLength: Int {
            let blanks = before.reversed().prefix { $0.isWhitespace }.count
            return blanks + before.dropLast(blanks).reversed().prefix { !$0.isWhitespace }.count
        }

        private mutating func clear() {
            (before, after) = ([], [])
            position = history.count
        }

        private mutating func recall(_ index: Int) {
            guard index >= 0, index <= history.count else { return }
            if position == history.count { draft = before + after }
            position = index
            (before, after) = (index == history.count ? draft : Array(history[index]), [])
        }
    }

    @Test(arguments: 0..<100) func theEditorEqualsAPlainModel(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var editor = LineEditor()
        var model = Model()
        for step in 0..<300 {
            let key = randomKey(&random)
            let (text, cursor) = (editor.text, editor.cursor)
            let result = editor.apply(key)
            model.apply(key)
            #expect(editor.characters == model.before + model.after, "step \(step): \(key)")
            #expect(editor.cursor == model.before.count, "step \(step): \(key)")
            if result == .nothing { #expect(editor.text == text && editor.cursor == cursor, "\(key) changed the line") }
            if case .submitted(let line) = result { #expect(line == text && editor.text.isEmpty) }
        }
    }

    @Test(arguments: 0..<100) func aRenderingShowsTheLineAndTheCursor(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed) + 1_000)
        let columns = Int.random(in: 4...60, using: &random)
        var screen = TerminalScreen(columns: columns)
        var editor = LineEditor()
        var renderer = LineRenderer()
        for step in 0..<150 {
            let key = randomKey(&random)
            guard key != .enter, key != .interrupt else { continue }
            _ = editor.apply(key)
            try screen.write(renderer.render(prompt: "> ", editor: editor, columns: columns))
            let expected = layout(prompt: "> ", editor, columns: columns)
            #expect(screen.widest <= columns, "step \(step): a row is wider than the terminal")
            #expect(screen.lines == expected.lines, "step \(step): \(key), \(columns) columns")
            #expect(screen.row == expected.row && screen.column == expected.column, "step \(step): \(key)")
        }
    }

    /// The rows that a line fills, and the position of the cursor.
    private func layout(prompt: String, _ editor: LineEditor, columns: Int) -> (lines: [String], row: Int, column: Int)
    {
        var rows: [(text: String, width: Int)] = [(prompt, prompt.count)]
        var cursor = (row: 0, column: prompt.count)
        for (index, character) in (editor.characters + [" "]).enumerated() {
            let shown: Character = character == "\n" ? "↵" : character
            // The cell behind the last character counts for the cursor alone.
            let width = index == editor.characters.count ? 1 : CharacterWidth.columns(shown)
            let fits = rows[rows.count - 1].width + width <= columns
            if index == editor.cursor { cursor = fits ? (rows.count - 1, rows[rows.count - 1].width) : (rows.count, 0) }
            guard index < editor.characters.count else { break }
            if !fits { rows.append(("", 0)) }
            rows[rows.count - 1].text.append(shown)
            rows[rows.count - 1].width += width
        }
        var lines = rows.map { row in
            var text = row.text
            while text.last == " " { text.removeLast() }
            return text
        }
        while lines.last?.isEmpty == true { lines.removeLast() }
        return (lines, cursor.row, cursor.column)
    }
}
