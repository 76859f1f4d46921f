/// Tokens inside `{{ }}` and `{% %}`.
extension Lexer {
    /// Appends the tokens of a tag up to its end.
    /// - Throws: for an unknown character, unbalanced brackets, and a missing end.
    mutating func readExpression(isBlock: Bool) throws(TemplateError) {
        var open: [TemplateToken.Symbol] = []
        while true {
            skipSpace()
            guard position < source.count else {
                throw error(
                    "unexpected end of template, expected '\(isBlock ? "end of statement block" : "end of print statement")'"
                )
            }
            if open.isEmpty, readEnd(isBlock: isBlock) { return }
            let start = position
            let byte = source[position]
            switch byte {
            case UInt8(ascii: "'"), UInt8(ascii: "\""):
                append(.string(try readString(quote: byte)), at: start)
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                append(try readNumber(), at: start)
            case _ where isNameByte(byte):
                while position < source.count, isNameByte(source[position]) { position += 1 }
                append(.name(String(decoding: source[start..<position], as: UTF8.self)), at: start)
            default:
                let symbol = try readSymbol()
                try track(symbol, &open)
                append(.symbol(symbol), at: start)
            }
        }
    }

    /// Consumes the end of the tag, if it is here, and the white space that the tag removes.
    private mutating func readEnd(isBlock: Bool) -> Bool {
        let start = position
        let sign: UInt8 = at(start, "-") || (isBlock && at(start, "+")) ? source[start] : 0
        let end = sign == 0 ? start : start + 1
        guard at(end, isBlock ? "%" : "}"), at(end + 1, "}") else { return false }
        append(isBlock ? .blockEnd : .variableEnd, at: start)
        position = end + 2
        if isBlock {
            skipAfterBlock(sign: sign)
        } else if sign != 0 {
            skipSpace()
        }
        return true
    }

    /// Tracks brackets. Within brackets `}}` does not end the tag: `{{ {"a": {}} }}`.
    private mutating func track(_ symbol: TemplateToken.Symbol, _ open: inout [TemplateToken.Symbol])
        throws(TemplateError)
    {
        switch symbol {
        case .openParenthesis: open.append(.closeParenthesis)
        case .openBracket: open.append(.closeBracket)
        case .openBrace: open.append(.closeBrace)
        case .closeParenthesis, .closeBracket, .closeBrace:
            guard let expected = open.popLast() else { throw error("unexpected '\(symbol.rawValue)'") }
            guard expected == symbol else {
                throw error("unexpected '\(symbol.rawValue)', expected '\(expected.rawValue)'")
            }
        default: break
        }
    }

    /// Whether a byte may be part of a name. Bytes beyond ASCII may, as Python's identifiers contain letters.
    private func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...:
            true
        default: false
        }
    }

    /// Consumes a symbol, the longest that fits.
    private mutating func readSymbol() throws(TemplateError) -> TemplateToken.Symbol {
        for length in [2, 1] where position + length <= source.count {
            let text = String(decoding: source[position..<position + length], as: UTF8.self)
            if let symbol = TemplateToken.Symbol(rawValue: text) {
                position += length
                return symbol
            }
        }
        let character = String(decoding: source[position..<position + 1], as: UTF8.self)
        throw error("unexpected char '\(character)'")
    }

    /// Consumes a number: decimal, `0x1F`, `0o17`, `0b11`, with underscores. Digits behind a dot are no fraction:
    /// `a.0.1`.
    /// - Throws: for integers beyond 64 bits.
    private mutating func readNumber() throws(TemplateError) -> TemplateToken.Kind {
        let start = position
        if at(start, "0"), start + 1 < source.count, let radix = radix(of: source[start + 1]) {
            position += 2
            while position < source.count, isNameByte(source[position]) { position += 1 }
            let text = source[start + 2..<position].filter { $0 != UInt8(ascii: "_") }
            guard let value = Int(String(decoding: text, as: UTF8.self), radix: radix) else {
                throw error("'\(String(decoding: source[start..<position], as: UTF8.self))' is no integer of 64 bits")
            }
            return .integer(value)
        }
        skipDigits()
        var isFloat = false
        let followsDot = start > 0 && source[start - 1] == UInt8(ascii: ".")
        if !followsDot, at(position, "."), position + 1 < source.count, isDigit(source[position + 1]) {
            isFloat = true
            position += 1
            skipDigits()
        }
        if !followsDot, at(position, "e") || at(position, "E") {
            let signed = at(position + 1, "+") || at(position + 1, "-")
            let exponent = position + (signed ? 2 : 1)
            if exponent < source.count, isDigit(source[exponent]) {
                isFloat = true
                position = exponent
                skipDigits()
            }
        }
        let text = String(decoding: source[start..<position].filter { $0 != UInt8(ascii: "_") }, as: UTF8.self)
        if isFloat, let value = Double(text) { return .float(value) }
        guard let value = Int(text) else { throw error("'\(text)' is no integer of 64 bits") }
        return .integer(value)
    }

    /// The base that a letter behind 0 stands for.
    private func radix(of letter: UInt8) -> Int? {
        switch letter {
        case UInt8(ascii: "x"), UInt8(ascii: "X"): 16
        case UInt8(ascii: "o"), UInt8(ascii: "O"): 8
        case UInt8(ascii: "b"), UInt8(ascii: "B"): 2
        default: nil
        }
    }

    /// Whether a byte is a digit of ASCII.
    private func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    /// Skips digits and underscores.
    private mutating func skipDigits() {
        while position < source.count, isDigit(source[position]) || source[position] == UInt8(ascii: "_") {
            position += 1
        }
    }

    /// Consumes a string in single or double quotes. It may contain line feeds, as in Jinja.
    private mutating func readString(quote: UInt8) throws(TemplateError) -> String {
        let start = position
        position += 1
        var bytes: [UInt8] = []
        while position < source.count {
            let byte = source[position]
            position += 1
            if byte == quote { return String(decoding: bytes, as: UTF8.self) }
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            guard position < source.count else { break }
            try readEscape(into: &bytes)
        }
        position = start
        throw error("unexpected char '\(Character(Unicode.Scalar(quote)))'")
    }

    /// Consumes the bytes behind a backslash, with the escapes of Python's string literals. An unknown escape stands
    /// for itself.
    private mutating func readEscape(into bytes: inout [UInt8]) throws(TemplateError) {
        let letter = source[position]
        position += 1
        switch letter {
        case UInt8(ascii: "n"): bytes.append(0x0A)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "r"): bytes.append(0x0D)
        case UInt8(ascii: "a"): bytes.append(0x07)
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "f"): bytes.append(0x0C)
        case UInt8(ascii: "v"): bytes.append(0x0B)
        case UInt8(ascii: "\n"): break
        case UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\""): bytes.append(letter)
        case UInt8(ascii: "x"): try readHexadecimal(2, into: &bytes)
        case UInt8(ascii: "u"): try readHexadecimal(4, into: &bytes)
        case UInt8(ascii: "U"): try readHexadecimal(8, into: &bytes)
        case UInt8(ascii: "0")...UInt8(ascii: "7"):
            var value = UInt32(letter - UInt8(ascii: "0"))
            var count = 1
            while count < 3, position < source.count, source[position] >= UInt8(ascii: "0"),
                source[position] <= UInt8(ascii: "7")
            {
                value = value * 8 + UInt32(source[position] - UInt8(ascii: "0"))
                position += 1
                count += 1
            }
            appendScalar(value, to: &bytes)
        default: bytes += [UInt8(ascii: "\\"), letter]
        }
    }

    /// Consumes the digits of `\xXX`, `\uXXXX` or `\UXXXXXXXX`.
    private mutating func readHexadecimal(_ count: Int, into bytes: inout [UInt8]) throws(TemplateError) {
        let end = position + count
        guard end <= source.count, source[position..<end].allSatisfy({ Unicode.Scalar($0).properties.isASCIIHexDigit }),
            var value = UInt32(String(decoding: source[position..<end], as: UTF8.self), radix: 16)
        else { throw error("a string escape lacks its \(count) hexadecimal digits") }
        position = end
        // Two escapes that form a surrogate pair are one code point. Python leaves two surrogates; JSON in templates
        // means one.
        if (0xD800..<0xDC00).contains(value), at(end, "\\"), at(end + 1, "u"), end + 6 <= source.count,
            let low = UInt32(String(decoding: source[end + 2..<end + 6], as: UTF8.self), radix: 16),
            (0xDC00..<0xE000).contains(low)
        {
            value = 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00)
            position = end + 6
        }
        appendScalar(value, to: &bytes)
    }

    /// Appends a code point. A lone surrogate becomes U+FFFD, because a Swift string cannot contain it.
    private func appendScalar(_ value: UInt32, to bytes: inout [UInt8]) {
        bytes += Array(String(Unicode.Scalar(value) ?? "\u{FFFD}").utf8)
    }
}
