/// The screen of a chat: text that grows, and below it a status line and the input line. Pure: returns the bytes for the
/// terminal.
///
/// Example: while a response is written, the last rows are
///
///     The bird flew over the
///     reading the prompt 40 %
///     > my next quest█
///
/// Rows: the text ends at a row and column that ``TextFlow`` knows. The live rows (status and input) begin on the next row,
/// or on the same row if the text ends a line. Each change erases the live rows, writes text, and draws them again.
struct ChatScreen: Sendable {
    /// The input line: prompt, message and cursor.
    struct Input: Sendable, Equatable {
        var prompt: String
        var characters: [Character] = []
        var cursor = 0
    }

    /// The size of the terminal, in cells.
    struct Size: Sendable, Equatable {
        var columns: Int
        var rows: Int
    }

    /// The styles of status and prompt.
    private let style: TerminalStyle
    private var size: Size
    private var flow = TextFlow()
    /// A line about the running response; `nil` = none.
    private var status: String?
    /// `nil` = no input line, e.g. before the program ends.
    private var input: Input?
    /// The widths of the live rows that are on the terminal, and the cursor in them.
    private var drawnWidths: [Int] = []
    private var cursor = (row: 0, column: 0)

    /// An empty screen whose cursor is at the beginning of a row.
    init(style: TerminalStyle, size: Size) {
        self.style = style
        self.size = size
    }

    /// Appends text above the live rows.
    mutating func write(_ pieces: [StyledText]) -> String {
        guard pieces.contains(where: { !$0.text.isEmpty }) else { return "" }
        return erase() + flow.write(pieces, columns: size.columns) + draw()
    }

    /// Ends the line of the text, if it is not ended.
    mutating func endLine() -> String { flow.column == 0 ? "" : erase() + flow.endLine() + draw() }

    /// Changes the live rows.
    mutating func show(status: String?, input: Input?) -> String {
        guard status != self.status || input != self.input || drawnWidths.isEmpty else { return "" }
        let erased = erase()
        self.status = status
        self.input = input
        return erased + draw()
    }

    /// Adapts to a new size. Terminals wrap long rows again, which moves the rows below them.
    mutating func resize(to new: Size) -> String {
        guard new != size else { return "" }
        let columns = max(new.columns, 4)
        let above = drawnWidths.prefix(cursor.row).reduce(0) { $0 + max(1, ($1 + columns - 1) / columns) }
        cursor = (above + cursor.column / columns, cursor.column % columns)
        let erased = eraseLive()
        size = new
        flow.resize(to: columns)
        return erased + moveToText() + draw()
    }

    /// Clears the terminal and draws the live rows at its top.
    mutating func clear() -> String {
        drawnWidths = []
        cursor = (0, 0)
        flow = TextFlow()
        return "\u{1B}[H\u{1B}[2J" + draw()
    }

    // MARK: Live rows

    /// The status and the input as rows. The input has at least a row, and leaves a row of the text visible.
    private func liveRows() -> (rows: [String], widths: [Int], cursor: (row: Int, column: Int)) {
        var rows: [String] = []
        var widths: [Int] = []
        if let status {
            let text = TextWidth.shortened(status, to: max(size.columns, 4))
            rows.append(style.dim + text + style.reset)
            widths.append(TextWidth.columns(text))
        }
        guard let input else { return (rows, widths, (max(0, rows.count - 1), widths.last ?? 0)) }
        let layout = InputLayout(
            prompt: input.prompt, characters: input.characters, cursor: input.cursor, columns: size.columns,
            rowLimit: max(1, size.rows - rows.count - 1))
        let above = rows.count
        rows += layout.rows
        widths += layout.widths
        return (rows, widths, (above + layout.cursorRow, layout.cursorColumn))
    }

    /// Draws the live rows below the text. The cursor is at the end of the text before.
    private mutating func draw() -> String {
        let live = liveRows()
        drawnWidths = live.widths
        guard !live.rows.isEmpty else {
            cursor = (0, flow.column)
            return ""
        }
        cursor = live.cursor
        let up = live.rows.count - 1 - cursor.row
        return (flow.column > 0 ? "\r\n" : "") + live.rows.joined(separator: "\r\n") + "\r"
            + (up > 0 ? "\u{1B}[\(up)A" : "") + Self.right(min(cursor.column, max(size.columns, 4) - 1))
    }

    /// Erases the live rows and moves the cursor to the end of the text.
    private mutating func erase() -> String {
        guard !drawnWidths.isEmpty else { return "" }
        return eraseLive() + moveToText()
    }

    /// Erases the live rows. The cursor is at the beginning of the first one afterwards.
    private mutating func eraseLive() -> String {
        guard !drawnWidths.isEmpty else { return "" }
        return "\r" + (cursor.row > 0 ? "\u{1B}[\(cursor.row)A" : "") + "\u{1B}[J"
    }

    /// Moves from the beginning of the first live row to the end of the text.
    private mutating func moveToText() -> String {
        guard !drawnWidths.isEmpty else { return "" }
        drawnWidths = []
        guard flow.column > 0 else { return "" }
        return "\u{1B}[1A" + Self.right(min(flow.column, max(size.columns, 4) - 1))
    }

    private static func right(_ count: Int) -> String { count > 0 ? "\u{1B}[\(count)C" : "" }
}
