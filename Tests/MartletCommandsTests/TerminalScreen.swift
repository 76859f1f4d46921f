@testable import MartletCommands

/// A terminal of limited width that understands the sequences of `LineRenderer`. Anything else is an error.
///
/// Example: after `ab\r\n\u{1B}[1Ac` a screen of 10 columns has the rows `cb` and an empty one.
struct TerminalScreen {
    struct UnknownSequence: Error { var text: String }

    let columns: Int
    private(set) var row = 0
    private(set) var column = 0
    /// The characters of each row; a character of two columns is followed by `nil`.
    private var rows: [[Character?]] = [[]]
    /// The widest position that a character reached. Beyond `columns` a real terminal would wrap by itself.
    private(set) var widest = 0

    init(columns: Int) { self.columns = columns }

    /// The text of each row without blanks at its end. Empty rows at the end are left out.
    var lines: [String] {
        var lines = rows.map { row in
            var text = String(row.compactMap { $0 })
            while text.last == " " { text.removeLast() }
            return text
        }
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }

    mutating func write(_ text: String) throws {
        var rest = Substring(text)
        while let character = rest.popFirst() {
            switch character {
            case "\r\n":
                column = 0
                moveDown()
            case "\r": column = 0
            case "\n": moveDown()
            case "\u{1B}": try apply(&rest)
            default: put(character)
            }
        }
    }

    private mutating func moveDown() {
        row += 1
        if row == rows.count { rows.append([]) }
    }

    private mutating func put(_ character: Character) {
        let width = CharacterWidth.columns(character)
        while rows[row].count < column + width { rows[row].append(" ") }
        rows[row][column] = character
        if width == 2 { rows[row][column + 1] = nil }
        column += width
        widest = max(widest, column)
    }

    /// Applies `[nA`, `[nC`, `[J`, `[1m` and `[0m`.
    private mutating func apply(_ rest: inout Substring) throws {
        guard rest.popFirst() == "[" else { throw UnknownSequence(text: String(rest)) }
        let number = rest.prefix { $0.isNumber }
        rest.removeFirst(number.count)
        switch (rest.popFirst(), Int(number)) {
        case ("A", let count?) where count <= row: row -= count
        case ("C", let count?): column = min(column + count, columns - 1)
        case ("J", nil):
            rows.removeLast(rows.count - row - 1)
            rows[row].removeLast(max(0, rows[row].count - column))
        case ("m", 0), ("m", 1): break
        default: throw UnknownSequence(text: "\(number)\(rest)")
        }
    }
}
