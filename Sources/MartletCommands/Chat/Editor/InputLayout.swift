/// The rows of a terminal that an edited message fills, and the position of the cursor in them.
///
/// Example: the prompt `> ` and the text `abc` at 4 columns fill the rows `> ab` and `  c`.
struct InputLayout: Sendable, Equatable {
    /// The text of each row, the prompt included. At most `rowLimit` rows, around the cursor.
    private(set) var rows: [String]
    /// The number of terminal columns that each row fills.
    private(set) var widths: [Int]
    /// The row of the cursor in `rows`.
    private(set) var cursorRow = 0
    private(set) var cursorColumn = 0

    /// Lays the text out. Rows behind a line break begin below the text and not below the prompt.
    /// - Parameters:
    ///   - prompt: Text without escape sequences.
    ///   - columns: The width of the terminal; fewer than 4 count as 4.
    ///   - rowLimit: The maximum number of rows, at least 1.
    /// - Complexity: The number of characters.
    init(prompt: String, characters: [Character], cursor: Int, columns: Int, rowLimit: Int = .max) {
        let columns = max(columns, 4)
        let promptWidth = TextWidth.columns(prompt)
        // A prompt that fills half of the row, such as that of a search, has no space below it.
        let margin = promptWidth * 2 > columns ? 0 : promptWidth
        let first = promptWidth < columns ? prompt : ""
        rows = [first]
        widths = [first.isEmpty ? 0 : promptWidth]
        for (index, character) in characters.enumerated() {
            let isBreak = character == "\n"
            // A line of the history file may have any character.
            let shown: Character = !isBreak && CharacterWidth.isControl(character) ? "\u{FFFD}" : character
            let width = isBreak ? 1 : CharacterWidth.columns(shown)
            let fits = widths[widths.count - 1] + width <= columns
            if !fits { appendRow(margin) }
            // A character of two columns may have moved to the next row.
            if index == cursor { (cursorRow, cursorColumn) = (rows.count - 1, widths[widths.count - 1]) }
            if isBreak {
                appendRow(margin)
            } else {
                rows[rows.count - 1].append(shown)
                widths[widths.count - 1] += width
            }
        }
        if cursor >= characters.count {
            if widths[widths.count - 1] >= columns { appendRow(margin) }
            (cursorRow, cursorColumn) = (rows.count - 1, widths[widths.count - 1])
        }
        limit(to: max(rowLimit, 1))
    }

    private mutating func appendRow(_ margin: Int) {
        rows.append(String(repeating: " ", count: margin))
        widths.append(margin)
    }

    /// Leaves the rows around the cursor, the last ones if possible.
    private mutating func limit(to count: Int) {
        guard rows.count > count else { return }
        let first = min(rows.count - count, max(0, cursorRow - count + 1))
        rows = Array(rows[first..<first + count])
        widths = Array(widths[first..<first + count])
        cursorRow -= first
    }
}
