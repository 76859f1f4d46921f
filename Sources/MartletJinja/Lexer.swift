/// Divides a template's source into tokens.
///
///     "a {%- if x %}b"   ->   data("a"), blockBegin, name("if"), name("x"), blockEnd, data("b")
///
/// `trim_blocks` and `lstrip_blocks` are on, as chat templates expect: a block on its own line leaves no trace of that
/// line. White space is removed here, so the parser does not know of it.
/// White space around a block, as in Jinja:
///
///     "x\n  {% if a %}\ny"     ->  "x\n" … "y"        the block's own line disappears
///     "x {%- if a -%} y"        ->  "x" … "y"          signs remove white space on their side
///     "x  {%+ if a +%}\ny"      ->  "x  " … "\ny"      a plus sign retains it
///     "x  {{ a }}\ny"           ->  "x  " … "\ny"      print statements retain it
/// - Complexity: linear in the source.
struct Lexer {
    /// The source in UTF-8, with line feeds as the only line ends.
    let source: [UInt8]
    /// The offset of the next byte.
    var position = 0
    /// The tokens so far.
    var tokens: [TemplateToken] = []
    /// The line at `countedTo`, from 1.
    private var line = 1
    /// The offset up to which line feeds are counted.
    private var countedTo = 0
    /// Whether the last token ended a line, so that `lstrip_blocks` applies to a following block.
    private var isAtLineStart = true

    /// All tokens of a source; the last is `end`.
    /// - Throws: `syntax` with the line.
    static func tokens(of source: String) throws(TemplateError) -> [TemplateToken] {
        var lexer = Lexer(normalising: source)
        try lexer.run()
        return lexer.tokens
    }

    /// Replaces every line end by a line feed, and removes one at the end, as Jinja does by default
    /// (`keep_trailing_newline`).
    private init(normalising text: String) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var previous: UInt8 = 0
        for byte in text.utf8 {
            if byte == UInt8(ascii: "\r") {
                bytes.append(UInt8(ascii: "\n"))
            } else if byte != UInt8(ascii: "\n") || previous != UInt8(ascii: "\r") {
                bytes.append(byte)
            }
            previous = byte
        }
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        source = bytes
    }

    /// The line of the byte at `offset`. Offsets must not decrease between calls, so that counting stays linear.
    mutating func line(at offset: Int) -> Int {
        while countedTo < offset {
            if source[countedTo] == UInt8(ascii: "\n") { line += 1 }
            countedTo += 1
        }
        return line
    }

    /// A syntax error at the current position.
    mutating func error(_ message: String) -> TemplateError {
        TemplateError(.syntax, message, line: line(at: min(position, source.count)))
    }

    /// Appends a token that begins at `offset`.
    mutating func append(_ kind: TemplateToken.Kind, at offset: Int) {
        tokens.append(TemplateToken(kind: kind, line: line(at: offset)))
    }

    /// Appends the tokens of the whole source: text and tags in turn.
    private mutating func run() throws(TemplateError) {
        while position < source.count {
            let start = position
            let tag = nextTag(from: start)
            appendData(from: start, to: tag ?? source.count, before: tag)
            guard let tag else {
                position = source.count
                break
            }
            let kind = source[tag + 1]
            position = tag + 2
            let hasSign = at(position, "-") || at(position, "+")
            if hasSign { position += 1 }
            switch kind {
            case UInt8(ascii: "#"): try skipComment()
            case UInt8(ascii: "{"):
                append(.variableBegin, at: tag)
                try readExpression(isBlock: false)
            default:
                if try readRaw() { break }
                append(.blockBegin, at: tag)
                try readExpression(isBlock: true)
            }
            isAtLineStart = source[position - 1] == UInt8(ascii: "\n")
        }
        append(.end, at: source.count)
    }

    /// The offset of the next `{{`, `{%` or `{#`; nil if there is none.
    private func nextTag(from start: Int) -> Int? {
        var index = start
        while index + 1 < source.count {
            if source[index] == UInt8(ascii: "{") {
                switch source[index + 1] {
                case UInt8(ascii: "{"), UInt8(ascii: "%"), UInt8(ascii: "#"): return index
                default: break
                }
            }
            index += 1
        }
        return nil
    }

    /// Appends the text in front of a tag, without the white space that the tag removes.
    ///
    /// `{%-` removes all white space. `{%` on a line with nothing in front removes the spaces there (`lstrip_blocks`).
    /// `{%+` and `{{` remove none.
    private mutating func appendData(from start: Int, to end: Int, before tag: Int?) {
        var end = end
        if let tag {
            if at(tag + 2, "-") {
                end = endWithoutSpace(from: start, to: end)
            } else if !at(tag + 2, "+"), source[tag + 1] != UInt8(ascii: "{") {
                let lineStart = source[start..<end].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 }
                if lineStart != nil || isAtLineStart {
                    let from = lineStart ?? start
                    if endWithoutSpace(from: from, to: end) == from { end = from }
                }
            }
        }
        if end > start { append(.data(String(decoding: source[start..<end], as: UTF8.self)), at: start) }
    }

    /// The end of the text in a range without trailing white space.
    private func endWithoutSpace(from start: Int, to end: Int) -> Int {
        let text = ProvenanceText(String(decoding: source[start..<end], as: UTF8.self), isTrusted: true)
        return start + text.stripped(start: false).byteCount
    }

    /// Skips a comment `{# … #}`. It may contain tags.
    private mutating func skipComment() throws(TemplateError) {
        var index = position
        while index + 1 < source.count {
            if at(index, "#"), at(index + 1, "}") {
                let sign = index > position ? source[index - 1] : 0
                position = index + 2
                skipAfterBlock(sign: sign)
                return
            }
            index += 1
        }
        throw error("Missing end of comment tag")
    }

    /// Skips white space behind a block or comment: all with `-`, one line feed without a sign (`trim_blocks`), none
    /// with `+`.
    mutating func skipAfterBlock(sign: UInt8) {
        if sign == UInt8(ascii: "-") {
            skipSpace()
        } else if sign != UInt8(ascii: "+"), at(position, "\n") {
            position += 1
        }
    }

    /// Skips white space, also beyond ASCII.
    mutating func skipSpace() {
        while position < source.count {
            let byte = source[position]
            if byte < 0x80 {
                guard Unicode.Scalar(byte).isPythonSpace else { return }
                position += 1
            } else {
                let width = byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
                let end = min(position + width, source.count)
                guard let scalar = String(decoding: source[position..<end], as: UTF8.self).unicodeScalars.first,
                    scalar.isPythonSpace
                else { return }
                position = end
            }
        }
    }

    /// Whether `character`, which is ASCII, stands at `index`. False beyond the end.
    func at(_ index: Int, _ character: Unicode.Scalar) -> Bool {
        index < source.count && source[index] == UInt8(ascii: character)
    }

    /// Consumes `raw %}…{% endraw %}` behind the opening of a block, if it follows. Its text is data, whatever it
    /// contains.
    private mutating func readRaw() throws(TemplateError) -> Bool {
        let start = position
        skipSpace()
        guard let sign = readTagEnd(named: "raw") else {
            position = start
            return false
        }
        if sign == UInt8(ascii: "-") { skipSpace() }
        let textStart = position
        var index = position
        while index + 1 < source.count {
            if at(index, "{"), at(index + 1, "%") {
                position = index + 2
                if at(position, "-") || at(position, "+") { position += 1 }
                skipSpace()
                if let sign = readTagEnd(named: "endraw") {
                    isAtLineStart = false
                    appendData(from: textStart, to: index, before: index)
                    skipAfterBlock(sign: sign)
                    return true
                }
            }
            index += 1
        }
        position = start
        throw error("Missing end of raw directive")
    }

    /// Consumes `name`, white space and the end of the block.
    /// - Returns: the sign at the end; 0 = no sign; nil = something else follows.
    private mutating func readTagEnd(named name: String) -> UInt8? {
        guard source[position...].starts(with: name.utf8) else { return nil }
        position += name.utf8.count
        skipSpace()
        var sign: UInt8 = 0
        if at(position, "-") || at(position, "+") {
            sign = source[position]
            position += 1
        }
        guard at(position, "%"), at(position + 1, "}") else { return nil }
        position += 2
        return sign
    }
}
