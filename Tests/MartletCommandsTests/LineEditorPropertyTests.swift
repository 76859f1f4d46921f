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
            case .home: move(to: lineStart)
            case .end: move(to: before.count + restOfLine)
            case .deleteToStart: before.removeLast(before.count - lineStart)
            case .deleteToEnd: after.removeFirst(restOfLine)
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
            case .up: if lineStart > 0 { moveUp() } else { recall(position - 1) }
            case .down: if restOfLine < after.count { moveDown() } else { recall(position + 1) }
            case .enter:
                let text = String(before + after)
                if !text.allSatisfy({ $0.isWhitespace }), history.last != text { history.append(text) }
                clear()
            case .interrupt: clear()
            default: break
            }
        }

        private var lineStart: Int { before.count - before.reversed().prefix { $0 != "\n" }.count }
        private var restOfLine: Int { after.prefix { $0 != "\n" }.count }

        private mutating func move(to index: Int) {
            let all = before + after
            (before, after) = (Array(all[..<index]), Array(all[index...]))
        }

        /// Both moves by the lengths of the lines.
        private mutating func moveUp() {
            let lines = String(before).split(separator: "\n", omittingEmptySubsequences: false)
            let offset = lines[lines.count - 1].count
            let above = lines[lines.count - 2].count
            move(to: before.count - offset - 1 - above + min(offset, above))
        }

        private mutating func moveDown() {
            let offset = before.count - lineStart
            let lines = String(after).split(separator: "\n", omittingEmptySubsequences: false)
            move(to: before.count + lines[0].count + 1 + min(offset, lines[1].count))
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
}
