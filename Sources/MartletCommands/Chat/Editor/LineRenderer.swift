/// Draws an edited line, which may take several rows of the terminal.
struct LineRenderer: Sendable {
    /// Row of the cursor, counted from the row of the prompt, as it was drawn last.
    private var cursorRow = 0

    /// The bytes that replace what was drawn last.
    /// - Parameters:
    ///   - prompt: Without escape sequences; one column a character.
    ///   - columns: Width of the terminal.
    mutating func render(prompt: String, editor: LineEditor, columns: Int) -> String {
        let columns = max(columns, 2)
        var output = "\r" + (cursorRow > 0 ? "\u{1B}[\(cursorRow)A" : "") + "\u{1B}[J\u{1B}[1m" + prompt + "\u{1B}[0m"
        var row = 0
        var column = prompt.count
        var cursor = (row: row, column: column)
        for (index, character) in editor.characters.enumerated() {
            if index == editor.cursor { cursor = (row, column) }
            // A line break of a pasted text is shown, not obeyed.
            let shown: Character = character == "\n" ? "↵" : character
            let width = CharacterWidth.columns(shown)
            if column + width > columns {
                // Not left to the terminal: they differ in when they wrap.
                output += "\r\n"
                row += 1
                column = 0
            }
            output.append(shown)
            column += width
        }
        if editor.cursor == editor.characters.count { cursor = (row, column) }
        if cursor.column >= columns {
            if cursor.row == row { output += "\r\n" }
            row = max(row, cursor.row + 1)
            cursor = (cursor.row + 1, 0)
        }
        if row > cursor.row { output += "\u{1B}[\(row - cursor.row)A" }
        output += "\r" + (cursor.column > 0 ? "\u{1B}[\(cursor.column)C" : "")
        cursorRow = cursor.row
        return output
    }

    /// What is drawn stays; the next line begins below it.
    mutating func finish() { cursorRow = 0 }
}
