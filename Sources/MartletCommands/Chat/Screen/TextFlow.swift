/// Writes text that arrives in pieces, wrapped at words. Pure: returns the bytes for the terminal.
///
/// Example: at 10 columns `one two`, ` threefold` is shown in the rows `one two` and `threefold`: the part of a word that
/// is on the row already moves to the next row when the rest of the word does not fit.
struct TextFlow: Sendable {
    /// The characters that do not begin a row, although text of two columns may be wrapped before any character.
    private static let closing = Set("、。，．！？：；」』）】〉》〕｝%…ー々".map { $0 })

    /// The column behind the last character, from 0 to the width of the terminal.
    private(set) var column = 0
    /// The column at which the present word begins.
    private var wordColumn = 0
    /// The present word as it was written, with its styles.
    private var word = ""
    /// The style at the beginning of the present word.
    private var wordStyle = ""
    /// The style that the terminal has now.
    private var style = ""
    /// The last character, for the column at the end of a row of code.
    private var last: Character = " "
    private var lastIsWide = false
    /// Whether the screen moved the cursor back to the text, and nothing was written since.
    private var isMovedBack = false

    /// Writes pieces behind the text so far. The terminal is in normal style before and after.
    /// - Parameter columns: The width of the terminal; fewer than 4 count as 4.
    mutating func write(_ pieces: [StyledText], columns: Int) -> String {
        let columns = max(columns, 4)
        var output = ""
        isMovedBack = true
        for piece in pieces where !piece.text.isEmpty {
            change(to: piece.style, &output)
            if piece.isCode {
                writeCode(piece.text, columns, &output)
            } else {
                for character in piece.text { write(character, columns, &output) }
            }
        }
        change(to: "", &output)
        return output
    }

    /// The line break that brings the cursor to the beginning of a row; empty if it is there.
    mutating func endLine() -> String {
        guard column > 0 else { return "" }
        beginRow()
        return "\r\n"
    }

    /// Adapts the column to another width of the terminal, which has wrapped its rows again.
    mutating func resize(to columns: Int) {
        guard column > columns else { return }
        column = (column - 1) % columns + 1
        endWord()
    }

    /// One character of prose.
    private mutating func write(_ character: Character, _ columns: Int, _ output: inout String) {
        isMovedBack = false
        if character.isNewline {
            output += "\r\n"
            return beginRow()
        }
        if character.isWhitespace {
            // A blank at the end of a row would begin the next one.
            if column >= columns {
                output += "\r\n"
                return beginRow()
            }
            output += " "
            column += 1
            lastIsWide = false
            return endWord()
        }
        guard let width = Self.width(character) else { return }
        let isWide = width == 2
        if (isWide || lastIsWide) && !Self.closing.contains(character) { endWord() }
        if column + width > columns {
            if column > wordColumn, wordColumn > 0, column - wordColumn + width <= columns {
                moveWord(&output)
            } else {
                output += "\r\n"
                beginRow()
                wordStyle = style
            }
        }
        output.append(character)
        word.append(character)
        column += width
        lastIsWide = isWide
    }

    /// Characters of code: the terminal wraps them itself, so that its copies have no line break there.
    private mutating func writeCode(_ text: String, _ columns: Int, _ output: inout String) {
        for character in text {
            if character.isNewline {
                output += "\r\n"
                beginRow()
                isMovedBack = false
                continue
            }
            let shown: Character = character == "\t" ? " " : character
            guard let width = Self.width(shown) else { continue }
            if column + width > columns {
                // The cursor stands on the last column of a full row. The row's last character brings it behind the row.
                if isMovedBack, column == columns {
                    output += (CharacterWidth.columns(last) == 2 ? "\u{8}" : "") + String(last)
                }
                column = 0
            }
            isMovedBack = false
            output.append(shown)
            column += width
            last = shown
        }
        lastIsWide = false
        endWord()
    }

    /// The width of a character that is shown; `nil` for control characters, which could move the cursor.
    private static func width(_ character: Character) -> Int? {
        CharacterWidth.isControl(character) ? nil : CharacterWidth.columns(character)
    }

    /// Erases the present word and writes it on the next row.
    private mutating func moveWord(_ output: inout String) {
        let width = column - wordColumn
        output += "\r\u{1B}[\(wordColumn)C\u{1B}[K\r\n" + (style == wordStyle ? "" : Self.sequence(wordStyle)) + word
        column = width
        wordColumn = 0
    }

    private mutating func beginRow() {
        column = 0
        lastIsWide = false
        endWord()
    }

    /// The next character begins a word.
    private mutating func endWord() {
        wordColumn = column
        word = ""
        wordStyle = style
    }

    /// Writes the sequence of a style, unless the terminal has it.
    private mutating func change(to next: String, _ output: inout String) {
        guard next != style else { return }
        let sequence = Self.sequence(next)
        output += sequence
        style = next
        if word.isEmpty { wordStyle = next } else { word += sequence }
    }

    /// The end of the style before, and the style.
    private static func sequence(_ style: String) -> String { "\u{1B}[0m" + style }
}
