import Testing

@testable import MartletCommands

@Suite struct LineEditorTests {
    private func editor(_ text: String, _ keys: [KeyPress] = [], history: [String] = []) -> LineEditor {
        var editor = LineEditor(history: history)
        _ = editor.apply(.paste(text))
        for key in keys { _ = editor.apply(key) }
        return editor
    }

    @Test func textIsWrittenAndDeletedAtTheCursor() {
        let line = editor("one two three", [.left, .wordLeft, .deleteWordBackward, .character("2"), .character(" ")])
        #expect(line.text == "one 2 three")
        #expect(editor("abc", [.home, .delete, .end, .backspace]).text == "b")
        #expect(editor("abc", [.left, .deleteToStart]).text == "c")
        #expect(editor("abc", [.home, .right, .deleteToEnd]).text == "a")
        #expect(editor("a b", [.home, .wordRight, .character("!")]).text == "a! b")
    }

    @Test func aCharacterIsDeletedWhole() {
        #expect(editor("x👩‍👩‍👧", [.backspace]).text == "x")
    }

    @Test func aMarkJoinsTheCharacterBeforeIt() {
        let line = editor("e", [.character("\u{301}")])
        #expect(line.characters == ["é"])
        #expect(line.cursor == 1)
    }

    @Test func keysAtTheEdgesDoNothing() {
        var line = LineEditor()
        for key in [KeyPress.left, .right, .backspace, .delete, .home, .end, .wordLeft, .wordRight, .up, .down] {
            #expect(line.apply(key) == .nothing)
        }
    }

    @Test func historyIsRecalledAndTheDraftComesBack() {
        var line = editor("draft", history: ["first", "second"])
        #expect(line.apply(.up) == .changed)
        #expect(line.text == "second")
        _ = line.apply(.up)
        #expect(line.text == "first")
        #expect(line.apply(.up) == .nothing)
        _ = line.apply(.down)
        _ = line.apply(.down)
        #expect(line.text == "draft")
    }

    @Test func whatIsSubmittedIsRememberedOnce() {
        var line = LineEditor()
        for text in ["same", "same", "  "] {
            _ = line.apply(.paste(text))
            #expect(line.apply(.enter) == .submitted(text))
        }
        _ = line.apply(.up)
        #expect(line.text == "same")
        #expect(line.apply(.up) == .nothing)
    }

    @Test func interruptAndEndOfInputReportWhetherTheLineWasEmpty() {
        var line = editor("text")
        #expect(line.apply(.endOfInput) == .nothing)
        #expect(line.apply(.interrupt) == .interrupted(wasEmpty: false))
        #expect(line.text.isEmpty)
        #expect(line.apply(.interrupt) == .interrupted(wasEmpty: true))
        #expect(line.apply(.endOfInput) == .ended)
    }

    @Test func backslashQuotesAndAltEnterMakeNewLines() {
        var line = editor("one\\")
        #expect(line.apply(.enter) == .changed)
        #expect(line.text == "one\n")
        _ = line.apply(.character("x"))
        #expect(line.apply(.newline) == .changed)
        #expect(line.apply(.enter) == .submitted("one\nx\n"))
        line = editor("\"\"\"a")
        #expect(line.apply(.enter) == .changed)
        _ = line.apply(.paste("b\"\"\""))
        #expect(line.apply(.enter) == .submitted("\"\"\"a\nb\"\"\""))
        // A backslash inside the text is a character.
        #expect(editor("a\\", [.left, .enter]).text.isEmpty)
    }

    @Test func arrowsMoveBetweenTheLinesOfAMessage() {
        var line = editor("long line\nab\nother", history: ["old"])
        _ = line.apply(.up)
        #expect(line.cursor == 12)
        _ = line.apply(.up)
        #expect(line.cursor == 2)
        _ = line.apply(.down)
        _ = line.apply(.home)
        #expect(line.cursor == 10)
        #expect(line.apply(.down) == .changed && line.cursor == 13)
        _ = line.apply(.up)
        _ = line.apply(.up)
        #expect(line.apply(.up) == .changed)
        #expect(line.text == "old")
    }

    @Test func aSearchFindsOlderLinesAndCanBeGivenUp() {
        let history = ["once", "two", "one", "three"]
        var line = editor("draft", [.searchHistory], history: history)
        #expect(line.search?.prompt == "(search '') ")
        _ = line.apply(.character("o"))
        #expect(line.text == "one")
        _ = line.apply(.character("n"))
        _ = line.apply(.searchHistory)
        #expect(line.text == "once")
        _ = line.apply(.searchHistory)
        #expect(line.text == "once")
        _ = line.apply(.character("x"))
        #expect(line.search?.prompt == "(search 'onx': nothing) ")
        _ = line.apply(.backspace)
        #expect(line.text == "one")
        #expect(line.apply(.enter) == .submitted("one"))
        #expect(line.search == nil)
        line = editor("draft", [.searchHistory, .character("t"), .escape], history: history)
        #expect(line.text == "draft" && line.search == nil)
    }

    @Test func wordsAreCompletedBeforeTheCursor() {
        func complete(_ text: String) -> (insertion: String?, count: Int)? {
            InputCompletion(before: Array(text), models: ["fledgling", "flight", "qwen"], conversations: ["notes"])
                .map { ($0.insertion, $0.candidates.count) }
        }
        #expect(complete("/mo")?.insertion == "/model ")
        #expect(complete("/re")?.insertion == "/re")
        #expect(complete("/re")?.count == 3)
        #expect(complete("/model fl")?.insertion == "fl")
        #expect(complete("/model q")?.insertion == "qwen ")
        #expect(complete("/load ")?.insertion == "notes ")
        #expect(complete("/nothing ") == nil)
        #expect(complete("hello") == nil)
        var line = editor("/mo")
        #expect(line.complete(from: 0, with: "/model ") == .changed)
        #expect(line.text == "/model ")
        #expect(line.complete(from: 0, with: "/model ") == .nothing)
    }

    @Test func wideCharactersAndLineBreaksAreLaidOutInTheirColumns() {
        #expect(CharacterWidth.columns("a") == 1)
        #expect(CharacterWidth.columns("世") == 2)
        #expect(CharacterWidth.columns("🎉") == 2)
        #expect(CharacterWidth.columns("é") == 1)
        #expect(CharacterWidth.columns("\u{200B}") == 0)
        let wide = InputLayout(prompt: "> ", characters: Array("世界"), cursor: 1, columns: 5)
        #expect(wide.rows == ["> 世", "  界"])
        #expect(wide.cursorRow == 1 && wide.cursorColumn == 2)
        let lines = InputLayout(prompt: "> ", characters: Array("a\nb"), cursor: 3, columns: 80)
        #expect(lines.rows == ["> a", "  b"])
        #expect(lines.cursorRow == 1 && lines.cursorColumn == 3)
    }

    @Test func aLineThatFillsItsRowPutsTheCursorOnTheNext() {
        let layout = InputLayout(prompt: "> ", characters: Array("abc"), cursor: 3, columns: 5)
        #expect(layout.rows == ["> abc", "  "])
        #expect(layout.cursorRow == 1 && layout.cursorColumn == 2)
    }

    @Test func aLongMessageShowsTheRowsAroundTheCursor() {
        let text = (0..<20).map { "\($0)" }.joined(separator: "\n")
        let end = InputLayout(prompt: "> ", characters: Array(text), cursor: text.count, columns: 80, rowLimit: 3)
        #expect(end.rows == ["  17", "  18", "  19"] && end.cursorRow == 2)
        let start = InputLayout(prompt: "> ", characters: Array(text), cursor: 0, columns: 80, rowLimit: 3)
        #expect(start.rows == ["> 0", "  1", "  2"] && start.cursorRow == 0)
    }
}
