@testable import MartletCommands

/// A terminal of limited width that understands the sequences of `ChatScreen`. Anything else is an error.
///
/// Example: after `ab\r\n\u{1B}[1Ac` a screen of 10 columns has the rows `cb` and an empty one. As real terminals do, it
/// stays on the last column after a character there, and wraps before the next one.
struct TerminalScreen {
    struct UnknownSequence: Error { var text: String }

    let columns: Int
    private(set) var row = 0
    private(set) var column = 0
    /// Whether a character was written into the last column.
    private var isBehindRow = false
    /// The characters of each row; a character of two columns is followed by `nil`.
    private var rows: [[Character?]] = [[]]
    /// The rows that the terminal wrapped by itself. A copy joins them with the row before.
    private var wrapped: Set<Int> = []

    init(columns: Int) { self.columns = columns }

    /// The text of each row without blanks at its end. Empty rows at the end are left out.
    var lines: [String] {
        var lines = rows.map { Self.text($0) }
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }

    /// The lines of a copy: rows that the terminal wrapped itself are one line.
    var copiedLines: [String] {
        var copied: [[Character?]] = []
        for (index, row) in rows.enumerated() {
            if wrapped.contains(index), let last = copied.popLast() {
                copied.append(last + row)
            } else {
                copied.append(row)
            }
        }
        var lines = copied.map { Self.text($0) }
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }

    private static func text(_ row: [Character?]) -> String {
        var text = String(row.compactMap { $0 })
        while text.last == " " { text.removeLast() }
        return text
    }

    mutating func write(_ text: String) throws {
        var rest = Substring(text)
        while let character = rest.popFirst() {
            switch character {
            case "\r\n":
                column = 0
                moveDown()
            case "\r":
                column = 0
                isBehindRow = false
            case "\n": moveDown()
            case "\u{8}": column = max(0, column - 1)
            case "\u{1B}": try apply(&rest)
            default: put(character)
            }
        }
    }

    private mutating func moveDown() {
        row += 1
        isBehindRow = false
        if row == rows.count { rows.append([]) }
    }

    private mutating func put(_ character: Character) {
        let width = CharacterWidth.columns(character)
        if isBehindRow || column + width > columns {
            column = 0
            moveDown()
            wrapped.insert(row)
        }
        while rows[row].count < column + max(width, 1) { rows[row].append(" ") }
        rows[row][column] = character
        if width == 2 { rows[row][column + 1] = nil }
        column += width
        if column >= columns {
            column = columns - 1
            isBehindRow = true
        }
    }

    /// Applies `[nA`, `[nC`, `[J`, `[K`, `[H` with `[2J`, and styles.
    private mutating func apply(_ rest: inout Substring) throws {
        guard rest.popFirst() == "[" else { throw UnknownSequence(text: String(rest)) }
        let number = rest.prefix { $0.isNumber }
        rest.removeFirst(number.count)
        let final = rest.popFirst()
        if final != "m" { isBehindRow = false }
        switch (final, Int(number)) {
        case ("A", let count?) where count <= row: row -= count
        case ("C", let count?): column = min(column + count, columns - 1)
        case ("K", nil): rows[row].removeLast(max(0, rows[row].count - column))
        case ("J", nil):
            rows.removeLast(rows.count - row - 1)
            wrapped = wrapped.filter { $0 <= row }
            rows[row].removeLast(max(0, rows[row].count - column))
        case ("m", _): break
        default: throw UnknownSequence(text: "\(number)\(rest)")
        }
    }
}
