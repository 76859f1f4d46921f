import MartletTestSupport
import Testing

@testable import MartletCommands

/// The screen of a chat against a terminal.
@Suite struct ChatScreenTests {
    /// A screen together with the terminal that it writes to.
    private struct Pair {
        var screen: ChatScreen
        var terminal: TerminalScreen

        init(columns: Int, rows: Int = 24, style: TerminalStyle = .styled) {
            screen = ChatScreen(style: style, size: ChatScreen.Size(columns: columns, rows: rows))
            terminal = TerminalScreen(columns: columns)
        }

        mutating func write(_ text: String, isCode: Bool = false) throws {
            try terminal.write(screen.write([StyledText(text, isCode: isCode)]))
        }

        mutating func show(_ status: String?, _ text: String, cursor: Int? = nil) throws {
            let characters = Array(text)
            let input = ChatScreen.Input(prompt: "> ", characters: characters, cursor: cursor ?? characters.count)
            try terminal.write(screen.show(status: status, input: input))
        }
    }

    @Test func textGrowsAboveTheInputLine() throws {
        var pair = Pair(columns: 40)
        try pair.show(nil, "")
        try pair.write("Once upon ")
        try pair.show("reading the prompt 40 %", "my next")
        try pair.write("a time.")
        #expect(pair.terminal.lines == ["Once upon a time.", "reading the prompt 40 %", "> my next"])
        #expect(pair.terminal.row == 2 && pair.terminal.column == 9)
        try pair.write("\n\nThe end.\n")
        try pair.show(nil, "my next", cursor: 0)
        #expect(pair.terminal.lines == ["Once upon a time.", "", "The end.", "> my next"])
        #expect(pair.terminal.row == 3 && pair.terminal.column == 2)
    }

    @Test func aWordThatDoesNotFitMovesAsAWhole() throws {
        var pair = Pair(columns: 10)
        try pair.show(nil, "")
        for piece in ["one two", " thr", "eefold", " x"] { try pair.write(piece) }
        #expect(pair.terminal.lines == ["one two", "threefold", "x", ">"])
        // A word that is longer than a row is cut; the blank at the end of a row is dropped.
        try pair.write("\nabcdefghijklm 0123456 z")
        #expect(pair.terminal.lines == ["one two", "threefold", "x", "abcdefghij", "klm", "0123456 z", ">"])
    }

    @Test func wideTextWrapsBetweenCharactersAndNotBeforePunctuation() throws {
        var pair = Pair(columns: 10)
        try pair.write("日本語文字。日本語文字、x")
        #expect(pair.terminal.lines == ["日本語文", "字。日本語", "文字、x"])
        var emoji = Pair(columns: 8)
        try emoji.write("abc 🎉🎉🎉 d")
        #expect(emoji.terminal.lines == ["abc 🎉🎉", "🎉 d"])
    }

    @Test func aLineOfCodeIsCopiedAsALine() throws {
        var pair = Pair(columns: 10)
        try pair.show(nil, "")
        for character in "let value = 12345678901234567890;" { try pair.write(String(character), isCode: true) }
        try pair.write("\nx", isCode: true)
        #expect(pair.terminal.copiedLines.prefix(2) == ["let value = 12345678901234567890;", "x"])
        // With a status line between the pieces, too.
        var second = Pair(columns: 6)
        for (index, character) in "世界abc世界def".enumerated() {
            try second.show(index.isMultiple(of: 2) ? "busy" : nil, "in")
            try second.write(String(character), isCode: true)
        }
        #expect(second.terminal.copiedLines.first == "世界abc世界def")
    }

    @Test func outputCannotControlTheTerminal() throws {
        var pair = Pair(columns: 40)
        try pair.write("a\u{1B}[2Jb\u{7}c\u{9B}31m")
        #expect(pair.terminal.lines == ["a[2Jbc31m"])
    }

    @Test func aNewWidthRedrawsTheInputLine() throws {
        var pair = Pair(columns: 40)
        try pair.write("Hello ")
        try pair.show("status", "some longer text")
        var resized = pair.screen.resize(to: ChatScreen.Size(columns: 100, rows: 30))
        try pair.terminal.write(resized)
        #expect(pair.terminal.lines == ["Hello", "status", "> some longer text"])
        resized = pair.screen.resize(to: ChatScreen.Size(columns: 100, rows: 30))
        #expect(resized.isEmpty)
    }

    @Test func aPlainStyleWritesNoStyles() throws {
        var transcript = ChatTranscript(style: .plain)
        var screen = ChatScreen(style: .plain, size: ChatScreen.Size(columns: 40, rows: 10))
        var output = ""
        for entry: ChatTranscript.Entry in [
            .message("hi"), .reasoning("Hm."), .content("**b** `c`"), .responseEnded, .remark("r"), .error("e"),
        ] {
            output += screen.write(transcript.append(entry))
        }
        output += screen.show(status: "s", input: ChatScreen.Input(prompt: "> "))
        #expect(!output.contains("m") || !output.contains("\u{1B}[0m"))
        #expect(output.contains("**b** `c`"))
        #expect(TerminalStyle { ["NO_COLOR": "1", "TERM": "xterm"][$0] } == .plain)
        #expect(TerminalStyle { ["TERM": "dumb"][$0] } == .plain)
        #expect(TerminalStyle { ["TERM": "xterm"][$0] } == .styled)
    }

    /// Random text, status and input at 40 and 100 columns and others: the rows are those of a plain layout.
    @Test(arguments: 0..<60) func anySequenceOfChangesShowsTheSameRows(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let columns = [40, 100, Int.random(in: 8...60, using: &random)][seed % 3]
        var pair = Pair(columns: columns)
        let alphabet: [Character] = ["a", "b", "c", " ", " ", "é", "世", "。", "🎉", "\n", "👩‍👩‍👧"]
        func text(_ limit: Int) -> String {
            String((0..<Int.random(in: 0...limit, using: &random)).map { _ in alphabet.randomElement(using: &random)! })
        }
        var all = ""
        var (status, input): (String?, String) = (nil, "")
        try pair.show(nil, "")
        for _ in 0..<40 {
            if Bool.random(using: &random) {
                let piece = text(12)
                all += piece
                try pair.write(piece)
            } else {
                status = Bool.random(using: &random) ? "status" : nil
                input = text(30)
                try pair.show(status, input)
            }
        }
        // The same text at once, and the same live rows.
        var once = Pair(columns: columns)
        try once.show(status, input)
        try once.write(all)
        #expect(pair.terminal.lines == once.terminal.lines, "\(columns) columns")
        #expect(pair.terminal.row == once.terminal.row && pair.terminal.column == once.terminal.column)
        // No character is lost: without white space, rows and text are the same.
        let layout = InputLayout(
            prompt: "> ", characters: Array(input), cursor: input.count, columns: columns, rowLimit: 22)
        let live = (status.map { [$0] } ?? []) + layout.rows
        let shown = (all + live.joined()).filter { !$0.isWhitespace }
        #expect(once.terminal.lines.joined().filter { !$0.isWhitespace } == shown)
    }
}
