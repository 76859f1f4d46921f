/// Cuts a template's source into tokens, with `trim_blocks` and `lstrip_blocks` on, as chat templates expect.
///
/// Linear in the source.
struct Lexer {
    let source: [UInt8]
    var position = 0
    var tokens: [TemplateToken] = []
    private var line = 1
    /// Up to where line ends are counted in `line`.
    private var countedTo = 0
    /// Whether what was read last ended a line.
    private var isAtLineStart = true

    static func tokens(of source: String) throws(TemplateError) -> [TemplateToken] {
        var lexer = Lexer(normalising: source)
        try lexer.run()
        return lexer.tokens
    }

    /// Makes every line end a line feed and drops one at the very end.
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

    /// The line of the byte at `offset`. Must be asked with rising offsets.
    mutating func line(at offset: Int) -> Int {
        while countedTo < offset {
            if source[countedTo] == UInt8(ascii: "\n") { line += 1 }
            countedTo += 1
        }
        return line
    }

    mutating func error(_ message: String) -> TemplateError {
        TemplateError(.syntax, message, line: line(at: min(position, source.count)))
    }

    mutating func append(_ kind: TemplateToken.Kind, at offset: Int) {
        tokens.append(TemplateToken(kind: kind, line: line(at: offset)))
    }

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

    /// Adds the text in front of a tag, without the white space that the tag takes away.
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

    private func endWithoutSpace(from start: Int, to end: Int) -> Int {
        let text = ProvenanceText(String(decoding: source[start..<end], as: UTF8.self), isTrusted: true)
        return start + text.stripped(start: false).byteCount
    }

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

    /// After the end of a block or comment: `-` takes all white space, no sign one line end, `+` nothing.
    mutating func skipAfterBlock(sign: UInt8) {
        if sign == UInt8(ascii: "-") {
            skipSpace()
        } else if sign != UInt8(ascii: "+"), at(position, "\n") {
            position += 1
        }
    }

    /// Skips all white space, outside ASCII too.
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

    func at(_ index: Int, _ character: Unicode.Scalar) -> Bool {
        index < source.count && source[index] == UInt8(ascii: character)
    }

    /// Reads `raw %}…{% endraw %}` behind the opening of a block, if that is what follows.
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

    /// Reads `name`, white space and the end of the block; returns the sign at that end, 0 without one.
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
