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

    @Test func wideCharactersAndLineBreaksAreRenderedInTheirColumns() {
        #expect(CharacterWidth.columns("a") == 1)
        #expect(CharacterWidth.columns("世") == 2)
        #expect(CharacterWidth.columns("🎉") == 2)
        #expect(CharacterWidth.columns("é") == 1)
        #expect(CharacterWidth.columns("\u{200B}") == 0)
        var renderer = LineRenderer()
        let rendered = renderer.render(prompt: "> ", editor: editor("世界", [.left]), columns: 5)
        // The second character does not fit into the first row; the cursor stands on it, in the second row.
        #expect(rendered.hasSuffix("世\r\n界\r"))
        var second = LineRenderer()
        #expect(second.render(prompt: "> ", editor: editor("a\nb"), columns: 80).hasSuffix("a↵b\r\u{1B}[5C"))
    }

    @Test func aLineThatFillsItsRowPutsTheCursorOnTheNext() {
        var renderer = LineRenderer()
        let rendered = renderer.render(prompt: "> ", editor: editor("abc"), columns: 5)
        #expect(rendered.hasSuffix("abc\r\n\r"))
        #expect(renderer.render(prompt: "> ", editor: editor("ab"), columns: 5).hasPrefix("\r\u{1B}[1A\u{1B}[J"))
    }
}
