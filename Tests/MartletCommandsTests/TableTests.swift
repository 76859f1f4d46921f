import MartletTestSupport
import Testing

@testable import MartletCommands

/// Tables, shortened texts and laid-out input, in columns of a terminal.
@Suite struct TableTests {
    private static let alphabet: [Character] = [
        "a", "b", "-", "é", "世", "界", "🎉", "👩‍👩‍👧", "e\u{301}", "\u{1B}", "\u{9B}", "\n",
    ]

    private static func text(_ random: inout SeededGenerator, upTo count: Int) -> String {
        String(
            (0..<Int.random(in: 0...count, using: &random)).map { _ in alphabet[Int.random(in: 0..<12, using: &random)]
            })
    }

    @Test(arguments: 0..<150) func columnsBeginAtTheSamePlaceOnATerminal(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let columnCount = Int.random(in: 1...5, using: &random)
        let cells = (0..<Int.random(in: 1...8, using: &random)).map { _ in
            (0..<columnCount).map { _ in Self.text(&random, upTo: 6) }
        }
        let text = TextTable.text(cells)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        #expect(lines.count == cells.count, "a cell cannot begin a line")
        for (line, row) in zip(lines, cells) {
            // The plain model: each cell and its blanks, cut by columns of the terminal.
            var rest = Substring(line)
            for (column, cell) in row.enumerated() {
                let shown = cell.printable
                #expect(rest.hasPrefix(shown), "\(line)")
                rest = rest.dropFirst(shown.count)
                guard column < columnCount - 1 else { break }
                let widest = cells.map { TextWidth.columns($0[column].printable) }.max() ?? 0
                let blanks = widest - TextWidth.columns(shown) + 2
                #expect(rest.prefix(blanks).allSatisfy { $0 == " " } && rest.count >= blanks, "\(line)")
                rest = rest.dropFirst(blanks)
            }
            #expect(rest.isEmpty, "the last cell has nothing behind it")
        }
    }

    @Test func aTableWithoutLinesIsEmpty() {
        #expect(TextTable.text([]).isEmpty)
        #expect(TextTable.text([["世界", "x"], ["ab", "y"]]) == "世界  x\nab    y\n")
    }

    @Test(arguments: 0..<200) func aShortenedTextFitsAndIsTheLongestThatDoes(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let text = Self.text(&random, upTo: 20)
        for columns in 1...24 {
            let short = TextWidth.shortened(text, to: columns)
            #expect(TextWidth.columns(short) <= columns)
            guard TextWidth.columns(text) > columns else {
                #expect(short == text)
                continue
            }
            #expect(short.last == "…" && text.hasPrefix(short.dropLast()))
            let next = text.dropFirst(short.count - 1).first!
            #expect(TextWidth.columns(short) + CharacterWidth.columns(next) > columns, "one more would fit")
        }
    }

    /// The rows by their definition: characters one after the other, a new row where one does not fit.
    private struct Rows {
        var rows: [String]
        var widths: [Int]
        var cursor = (row: 0, column: 0)

        init(_ prompt: String, _ characters: [Character], _ cursor: Int, _ columns: Int) {
            let width = TextWidth.columns(prompt)
            let margin = width * 2 > columns ? 0 : width
            rows = [width < columns ? prompt : ""]
            widths = [width < columns ? width : 0]
            for (index, character) in characters.enumerated() {
                let shown: Character =
                    character != "\n" && CharacterWidth.isControl(character) ? "\u{FFFD}" : character
                let size = character == "\n" ? 1 : CharacterWidth.columns(shown)
                if widths[widths.count - 1] + size > columns { begin(margin) }
                if index == cursor { self.cursor = (rows.count - 1, widths[widths.count - 1]) }
                guard character != "\n" else {
                    begin(margin)
                    continue
                }
                rows[rows.count - 1].append(shown)
                widths[widths.count - 1] += size
            }
            guard cursor >= characters.count else { return }
            if widths[widths.count - 1] >= columns { begin(margin) }
            self.cursor = (rows.count - 1, widths[widths.count - 1])
        }

        private mutating func begin(_ margin: Int) {
            rows.append(String(repeating: " ", count: margin))
            widths.append(margin)
        }
    }

    @Test(arguments: 0..<150) func theInputIsLaidOutAsItsDefinitionSays(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let characters = Array(Self.text(&random, upTo: 60))
        let prompt = ["> ", "", "(search 'a') ", "世> "][seed % 4]
        for columns in [4, 5, 9, 40, Int.random(in: 4...30, using: &random)] {
            let cursor = Int.random(in: 0...characters.count, using: &random)
            let layout = InputLayout(prompt: prompt, characters: characters, cursor: cursor, columns: columns)
            let expected = Rows(prompt, characters, cursor, columns)
            #expect(layout.rows == expected.rows && layout.widths == expected.widths)
            #expect((layout.cursorRow, layout.cursorColumn) == expected.cursor)
            #expect(layout.widths.allSatisfy { $0 <= columns })
            #expect(!layout.rows.joined().contains(where: CharacterWidth.isControl))
            // A limit leaves the rows around the cursor.
            let limit = Int.random(in: 1...6, using: &random)
            let part = InputLayout(
                prompt: prompt, characters: characters, cursor: cursor, columns: columns, rowLimit: limit)
            #expect(part.rows.count == min(limit, layout.rows.count) && part.rows.indices.contains(part.cursorRow))
            let first = layout.cursorRow - part.cursorRow
            #expect(Array(layout.rows[first..<first + part.rows.count]) == part.rows)
        }
    }

    @Test(
        arguments: [
            ("a", 1), ("é", 1), ("e\u{301}", 1), ("世", 2), ("ｗ", 2), ("🎉", 2), ("👩‍👩‍👧", 2), ("❤\u{FE0F}", 2), ("🇩🇪", 2),
            ("한", 2),
            ("\u{200D}", 0), ("\u{301}", 0), ("\u{7}", 0), ("\u{9B}", 0), ("…", 1), ("─", 1), ("¶", 1),
        ] as [(Character, Int)])
    func theWidthIsThatOfTerminals(character: Character, columns: Int) {
        #expect(CharacterWidth.columns(character) == columns)
    }
}
