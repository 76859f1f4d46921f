/// Styles the Markdown of a response that arrives in pieces: headings, bold text, code.
///
/// Example: `**Note**: run `ls`` is shown as bold `Note`, `: run ` and `ls` in the colour of code, without the marks. The
/// lines of a fenced block stay as they are, so that they can be copied. Other marks (`*`, `_`, lists, tables) stay, too.
/// A terminal without styles gets the text unchanged.
struct MarkdownStyler: Sendable {
    /// The position in the block structure.
    private enum Block: Sendable {
        case text
        case heading
        /// In a fenced block; the fence is its count of backticks.
        case code(fence: Int)
        /// In the line that begins or ends a fenced block.
        case fenceLine(next: Int?)
    }

    private let style: TerminalStyle
    private var block = Block.text
    private var isLineStart = true
    private var isBold = false
    private var isInlineCode = false
    /// Marks whose meaning depends on the next character.
    private var held = ""
    /// Whether the blank behind the marks of a heading comes next.
    private var dropsBlank = false

    /// A styler at the beginning of a line.
    init(style: TerminalStyle) { self.style = style }

    /// Consumes a piece. Marks at its end may appear with the next piece.
    mutating func append(_ text: String) -> [StyledText] {
        guard style.isStyled else { return [StyledText(text)] }
        var pieces: [StyledText] = []
        for character in text { consume(character, &pieces) }
        return pieces
    }

    /// Emits marks that were held, because other text comes between.
    mutating func flush() -> [StyledText] {
        var pieces: [StyledText] = []
        if held == "`", !isInlineCode {
            // A mark without text behind it is text.
            held = ""
            emit("`", &pieces)
        } else {
            resolveMarks(before: "\n", &pieces)
        }
        return pieces
    }

    /// Ends the response: the next piece begins a text of its own.
    mutating func finish() -> [StyledText] {
        let pieces = flush()
        self = MarkdownStyler(style: style)
        return pieces
    }

    private mutating func consume(_ character: Character, _ pieces: inout [StyledText]) {
        if character.isNewline {
            resolveMarks(before: character, &pieces)
            emit("\n", &pieces)
            endLine()
            return
        }
        if isMark(character), held.allSatisfy({ $0 == character }) {
            held.append(character)
            return
        }
        resolveMarks(before: character, &pieces)
        if isMark(character) {
            held.append(character)
        } else {
            isLineStart = isLineStart && character == " "
            if !dropsBlank { emit(character, &pieces) }
            dropsBlank = false
        }
    }

    /// Whether the character may be a mark at this place.
    private func isMark(_ character: Character) -> Bool {
        switch block {
        case .fenceLine: false
        case .code: character == "`" && isLineStart
        case .heading: character == "`" || character == "*"
        case .text: character == "`" || character == "*" && !isInlineCode || character == "#" && isLineStart
        }
    }

    /// Gives the held marks their meaning, or emits them as text.
    private mutating func resolveMarks(before next: Character, _ pieces: inout [StyledText]) {
        guard let mark = held.first else { return }
        let count = held.count
        let text = held
        held = ""
        defer { isLineStart = false }
        switch (mark, block) {
        case ("`", .code(let fence)) where count >= fence && next.isWhitespace: block = .fenceLine(next: nil)
        case ("`", .text) where isLineStart && count >= 3: block = .fenceLine(next: count)
        case ("#", .text) where count <= 6 && next == " ":
            block = .heading
            dropsBlank = true
            return
        case ("*", .text) where count == 2, ("*", .heading) where count == 2:
            guard isBold || !next.isWhitespace else { break }
            isBold.toggle()
            return
        case ("`", .text) where count == 1, ("`", .heading) where count == 1:
            isInlineCode.toggle()
            return
        default: break
        }
        for character in text { emit(character, &pieces) }
    }

    /// Appends a character in the present style.
    private func emit(_ character: Character, _ pieces: inout [StyledText]) {
        let isCode: Bool
        let present: String
        switch block {
        case .text:
            (present, isCode) = (isInlineCode ? style.code : isBold ? style.bold : "", false)
        case .heading: (present, isCode) = (style.bold, false)
        case .code: (present, isCode) = ("", true)
        case .fenceLine: (present, isCode) = (style.dim, true)
        }
        if let last = pieces.last, last.style == present, last.isCode == isCode {
            pieces[pieces.count - 1].text.append(character)
        } else {
            pieces.append(StyledText(String(character), style: present, isCode: isCode))
        }
    }

    /// The marks of a line end with it; a fenced block continues.
    private mutating func endLine() {
        switch block {
        case .fenceLine(let next): block = next.map { .code(fence: $0) } ?? .text
        case .heading: block = .text
        case .text, .code: break
        }
        isLineStart = true
        isBold = false
        isInlineCode = false
    }
}
