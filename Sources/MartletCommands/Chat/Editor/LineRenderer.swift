/// Renders an edited line, which may occupy several rows of the terminal.
struct LineRenderer: Sendable {
    /// The row of the cursor in the last rendering, counted from the row of the prompt.
    private var cursorRow = 0

    /// The text that replaces the last rendering: it moves to the prompt's row, clears all below, and writes the line.
    /// - Parameters:
    ///   - prompt: Text without escape sequences, one column per character.
    ///   - columns: The width of the terminal.
    mutating func render(prompt: String, editor: LineEditor, columns: Int) -> String {
        let columns = max(columns, 2)
        var output = "\r" + (cursorRow > 0 ? "\u{1B}[\(cursorRow)A" : "") + "\u{1B}[J\u{1B}[1m" + prompt + "\u{1B}[0m"
        var row = 0
        var column = prompt.count
        var cursor = (row: row, column: column)
        for (index, character) in editor.characters.enumerated() {
            // A line break of a pasted text is shown as a symbol. Otherwise the rows would not match.
            let shown: Character = character == "\n" ? "↵" : character
            let width = CharacterWidth.columns(shown)
            if column + width > columns {
                // Explicit, because terminals differ in the column after which they wrap.
                output += "\r\n"
                row += 1
                column = 0
            }
            // A character of two columns may have moved to the next row.
            if index == editor.cursor { cursor = (row, column) }
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

    /// Ends the line: the rendering stays, and the next line begins below it.
    mutating func finish() { cursorRow = 0 }
}
