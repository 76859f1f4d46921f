import MartletJSON

/// Strings: JSON's, Python's with their escapes, and Gemma's between quote tokens.
///
/// Each string becomes a JSON string. A byte that JSON does not allow within a string is written as an escape.
extension ArgumentTranscriber {
    /// Whether the byte is a quote of this notation.
    func isQuote(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\"") ? dialect != .gemma : dialect == .python && byte == UInt8(ascii: "'")
    }

    /// Consumes a byte of a string.
    mutating func consumeString(_ byte: UInt8, _ quote: UInt8, _ output: inout [UInt8]) -> Step {
        if byte == quote { return endString(&output) }
        if byte == UInt8(ascii: "\\") {
            state = .escape(quote)
        } else {
            Self.writeCharacter(byte, &output)
        }
        return .more
    }

    /// Ends a string: a key or a value.
    private mutating func endString(_ output: inout [UInt8]) -> Step {
        output.append(UInt8(ascii: "\""))
        if isKey {
            state = .colon
            return .more
        }
        return endValue()
    }

    /// Appends a byte of a string, escaped as JSON requires. Raw control characters become escapes.
    private static func writeCharacter(_ byte: UInt8, _ output: inout [UInt8]) {
        if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
            output.append(byte)
        } else {
            JSONText.appendEscaped(CollectionOfOne(byte), to: &output)
        }
    }

    /// Consumes the byte behind a backslash. `\'`, `\x41` and `\U0001F600` are Python's; a backslash before a line
    /// feed joins lines.
    mutating func consumeEscape(_ byte: UInt8, _ quote: UInt8, _ output: inout [UInt8]) -> Step {
        state = .string(quote)
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
            UInt8(ascii: "r"), UInt8(ascii: "t"):
            output.append(UInt8(ascii: "\\"))
            output.append(byte)
        case UInt8(ascii: "/"): output.append(byte)
        case UInt8(ascii: "'") where dialect == .python: output.append(byte)
        case UInt8(ascii: "u"): state = .code(quote, letter: byte, digits: [])
        case UInt8(ascii: "U") where dialect == .python: state = .code(quote, letter: byte, digits: [])
        case UInt8(ascii: "x") where dialect == .python: state = .code(quote, letter: byte, digits: [])
        case 0x0A where dialect == .python: break
        default:
            // An escape that JSON does not have: the backslash stands for itself, as in Python.
            output.append(contentsOf: "\\\\".utf8)
            Self.writeCharacter(byte, &output)
        }
        return .more
    }

    /// Consumes a digit of a code point. Code points beyond U+FFFF become a surrogate pair.
    mutating func consumeCode(
        _ byte: UInt8, _ quote: UInt8, _ letter: UInt8, _ digits: [UInt8], _ output: inout [UInt8]
    ) -> Step {
        guard Character(Unicode.Scalar(byte)).isHexDigit else {
            // The digits are missing: the escape stands for itself.
            output.append(contentsOf: "\\\\".utf8)
            output.append(letter)
            output.append(contentsOf: digits)
            state = .string(quote)
            return consumeString(byte, quote, &output)
        }
        let digits = digits + [byte]
        let length = letter == UInt8(ascii: "u") ? 4 : letter == UInt8(ascii: "x") ? 2 : 8
        guard digits.count == length, let code = UInt32(String(decoding: digits, as: UTF8.self), radix: 16) else {
            state = .code(quote, letter: letter, digits: digits)
            return .more
        }
        state = .string(quote)
        if code < 0x1_0000 {
            Self.writeUnit(code, &output)
        } else if code <= 0x10_FFFF {
            Self.writeUnit(0xD800 + (code - 0x1_0000) >> 10, &output)
            Self.writeUnit(0xDC00 + (code - 0x1_0000) & 0x3FF, &output)
        } else {
            Self.writeUnit(0xFFFD, &output)
        }
        return .more
    }

    /// Appends a UTF-16 code unit as `\uXXXX`.
    private static func writeUnit(_ unit: UInt32, _ output: inout [UInt8]) {
        output.append(contentsOf: "\\u".utf8)
        let digits = Array("0123456789abcdef".utf8)
        for shift in [12, 8, 4, 0] { output.append(digits[Int(unit >> UInt32(shift)) & 0xF]) }
    }

    /// Consumes a byte of Gemma's opening quote.
    mutating func consumeGemmaQuote(_ byte: UInt8, _ count: Int, _ output: inout [UInt8]) -> Step {
        guard byte == Self.quote[count] else { return .failed }
        if count + 1 < Self.quote.count {
            state = .gemmaQuote(count + 1)
        } else {
            output.append(UInt8(ascii: "\""))
            state = .gemmaString(0)
        }
        return .more
    }

    /// Consumes a byte of Gemma's string.
    /// - Parameter count: the number of bytes of the closing quote that were consumed.
    mutating func consumeGemmaString(_ byte: UInt8, _ count: Int, _ output: inout [UInt8]) -> Step {
        if byte == Self.quote[count] {
            if count + 1 == Self.quote.count { return endString(&output) }
            state = .gemmaString(count + 1)
            return .more
        }
        for pending in Self.quote[..<count] { Self.writeCharacter(pending, &output) }
        if byte == Self.quote[0] {
            state = .gemmaString(1)
        } else {
            Self.writeCharacter(byte, &output)
            state = .gemmaString(0)
        }
        return .more
    }
}
