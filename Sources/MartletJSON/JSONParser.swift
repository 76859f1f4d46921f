/// Parses JSON text (RFC 8259) within limits.
///
/// The grammar is strict, with two allowances that real clients need: a byte order mark at the beginning is skipped,
/// and an unpaired surrogate in an escape becomes U+FFFD (JavaScript produces such escapes when it cuts a string).
/// Strings must be valid UTF-8.
///
/// - Complexity: O(n) in the bytes. The recursion is as deep as values are nested, which is limited.
package struct JSONParser {
    /// The limits of a text. They bound the thread's stack and the memory, which may be 30 times the bytes of the
    /// text.
    package struct Limits: Sendable {
        /// The nesting of arrays and objects.
        package var depth: Int
        /// The number of values and keys in the whole text.
        package var nodes: Int

        package static let `default` = Limits(depth: 256, nodes: 4_000_000)
        /// The limits of our own documents with requests and responses inside, which have the default limits.
        package static let envelope = Limits(depth: 288, nodes: 8_000_000)

        /// Creates limits.
        package init(depth: Int, nodes: Int) {
            self.depth = depth
            self.nodes = nodes
        }
    }

    /// Parses a text that consists of one value and white space.
    ///
    /// - Throws: an error with the position of the first fault.
    package static func parse(_ bytes: [UInt8], limits: Limits = .default) throws(JSONError) -> JSONValue {
        try parse(bytes[...], limits: limits)
    }

    /// Parses a slice that consists of one value and white space; positions in errors count from its beginning.
    package static func parse(_ bytes: ArraySlice<UInt8>, limits: Limits = .default) throws(JSONError) -> JSONValue {
        let result = bytes.withUnsafeBufferPointer { buffer -> Result<JSONValue, JSONError> in
            var parser = JSONParser(text: buffer, limits: limits)
            return Result { () throws(JSONError) in try parser.document() }
        }
        return try result.get()
    }

    /// The memory of the caller of `parse`; valid only during that call.
    private let text: UnsafeBufferPointer<UInt8>
    private var index = 0
    /// The nesting and the number of values that are still admitted.
    private var remainingDepth: Int
    private var remainingNodes: Int
    /// The decoded bytes of a string with escapes; its capacity is reused.
    private var scratch: [UInt8] = []

    private init(text: UnsafeBufferPointer<UInt8>, limits: Limits) {
        self.text = text
        remainingDepth = limits.depth
        remainingNodes = limits.nodes
    }

    /// The whole text: byte order mark, value, white space.
    private mutating func document() throws(JSONError) -> JSONValue {
        if text.count >= 3, text[0] == 0xEF, text[1] == 0xBB, text[2] == 0xBF { index = 3 }
        let value = try value()
        skipWhiteSpace()
        guard index == text.count else { throw error("text after the end of the value") }
        return value
    }

    private mutating func value() throws(JSONError) -> JSONValue {
        skipWhiteSpace()
        try countNode()
        guard index < text.count else { throw error("unexpected end of the text") }
        switch text[index] {
        case UInt8(ascii: "{"): return .object(try object())
        case UInt8(ascii: "["): return .array(try array())
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw error("expected a value")
        }
    }

    private mutating func object() throws(JSONError) -> JSONObject {
        try enter()
        var members = JSONObject()
        skipWhiteSpace()
        if consume(if: "}") {
            remainingDepth += 1
            return members
        }
        while true {
            skipWhiteSpace()
            guard index < text.count, text[index] == UInt8(ascii: "\"") else { throw error("expected a key in quotes") }
            try countNode()
            let key = try string()
            skipWhiteSpace()
            guard consume(if: ":") else { throw error("expected ':' after a key") }
            members[key] = try value()
            skipWhiteSpace()
            if consume(if: ",") { continue }
            guard consume(if: "}") else { throw error("expected ',' or '}' in an object") }
            remainingDepth += 1
            return members
        }
    }

    private mutating func array() throws(JSONError) -> [JSONValue] {
        try enter()
        var elements: [JSONValue] = []
        skipWhiteSpace()
        if consume(if: "]") {
            remainingDepth += 1
            return elements
        }
        while true {
            elements.append(try value())
            skipWhiteSpace()
            if consume(if: ",") { continue }
            guard consume(if: "]") else { throw error("expected ',' or ']' in an array") }
            remainingDepth += 1
            return elements
        }
    }

    /// Consumes an opening bracket and counts the nesting.
    private mutating func enter() throws(JSONError) {
        guard remainingDepth > 0 else { throw error("values are nested too deeply") }
        remainingDepth -= 1
        index += 1
    }

    /// Counts a value or key.
    private mutating func countNode() throws(JSONError) {
        guard remainingNodes > 0 else { throw error("the text has too many values") }
        remainingNodes -= 1
    }

    /// The rest of `true`, `false` or `null`.
    private mutating func literal(_ word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        let matches = word.withUTF8Buffer { word in
            text.count - index >= word.count && word.elementsEqual(text[index..<index + word.count])
        }
        guard matches else { throw error("expected a value") }
        index += word.utf8CodeUnitCount
        return value
    }

    /// A number. Without fraction and exponent it stays an integer of any size; otherwise it becomes the nearest
    /// double.
    ///
    /// An integer that no double can represent, and a text of more than 1,000 bytes, are refused: some code needs
    /// the double.
    private mutating func number() throws(JSONError) -> JSONValue {
        let start = index
        var isInteger = true
        _ = consume(if: "-")
        if consume(if: "0") {
            if index < text.count, isDigit(text[index]) { throw error("a number may not begin with 0") }
        } else {
            try digits()
        }
        if consume(if: ".") {
            isInteger = false
            try digits()
        }
        if consume(if: "e") || consume(if: "E") {
            isInteger = false
            if !consume(if: "+") { _ = consume(if: "-") }
            try digits()
        }
        // Prompts are lists of thousands of short integers.
        if isInteger, index - start <= 18 { return .integer(shortInteger(at: start)) }
        let lexeme = String(decoding: text[start..<index], as: UTF8.self)
        if isInteger, let integer = Int64(lexeme) { return .integer(integer) }
        guard index - start <= 1_000, let number = Double(lexeme), number.isFinite else {
            throw error("the number does not fit a double")
        }
        return isInteger ? .largeInteger(lexeme) : .number(number)
    }

    /// The integer whose sign and digits end before the index.
    ///
    /// - Precondition: there are at most 18 digits, so that the value fits.
    private func shortInteger(at start: Int) -> Int64 {
        let isNegative = text[start] == UInt8(ascii: "-")
        var value: Int64 = 0
        for position in (isNegative ? start + 1 : start)..<index {
            value = value * 10 + Int64(text[position] - UInt8(ascii: "0"))
        }
        return isNegative ? -value : value
    }

    /// At least one digit.
    private mutating func digits() throws(JSONError) {
        guard index < text.count, isDigit(text[index]) else { throw error("expected a digit") }
        while index < text.count, isDigit(text[index]) { index += 1 }
    }

    /// A string; the index is at its opening quote. Strings without escapes are decoded without a copy.
    private mutating func string() throws(JSONError) -> String {
        index += 1
        let start = index
        while index < text.count {
            switch text[index] {
            case UInt8(ascii: "\""):
                let value = try decoded(text[start..<index])
                index += 1
                return value
            case UInt8(ascii: "\\"): return try stringWithEscapes(from: start)
            case 0..<0x20: throw error("a control character in a string must be escaped")
            default: index += 1
            }
        }
        throw error("a string has no end")
    }

    /// The rest of a string from its first escape on.
    private mutating func stringWithEscapes(from start: Int) throws(JSONError) -> String {
        scratch.removeAll(keepingCapacity: true)
        scratch.append(contentsOf: text[start..<index])
        while index < text.count {
            let byte = text[index]
            index += 1
            switch byte {
            case UInt8(ascii: "\""): return try decoded(scratch)
            case UInt8(ascii: "\\"): try escape()
            case 0..<0x20: throw error("a control character in a string must be escaped")
            default: scratch.append(byte)
            }
        }
        throw error("a string has no end")
    }

    private mutating func escape() throws(JSONError) {
        guard index < text.count else { throw error("a string has no end") }
        let byte = text[index]
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): scratch.append(byte)
        case UInt8(ascii: "b"): scratch.append(0x08)
        case UInt8(ascii: "f"): scratch.append(0x0C)
        case UInt8(ascii: "n"): scratch.append(0x0A)
        case UInt8(ascii: "r"): scratch.append(0x0D)
        case UInt8(ascii: "t"): scratch.append(0x09)
        case UInt8(ascii: "u"): try unicodeEscape()
        default: throw error("unknown escape in a string")
        }
    }

    /// The rest of `\u`, and the second half of a surrogate pair if it follows.
    private mutating func unicodeEscape() throws(JSONError) {
        let first = try fourHexadecimalDigits()
        var scalar = Unicode.Scalar(first)
        if (0xD800..<0xDC00).contains(first), index + 1 < text.count, text[index] == UInt8(ascii: "\\"),
            text[index + 1] == UInt8(ascii: "u")
        {
            let beforeSecond = index
            index += 2
            let second = try fourHexadecimalDigits()
            if (0xDC00..<0xE000).contains(second) {
                scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
            } else {
                index = beforeSecond
            }
        }
        scratch.append(contentsOf: UTF8.encode(scalar ?? "\u{FFFD}") ?? UTF8.encodedReplacementCharacter)
    }

    private mutating func fourHexadecimalDigits() throws(JSONError) -> UInt32 {
        guard text.count - index >= 4 else { throw error("expected four hexadecimal digits") }
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(text[index])).hexDigitValue, text[index] < 0x80 else {
                throw error("expected four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            index += 1
        }
        return value
    }

    /// The string of bytes that must be UTF-8.
    private func decoded(_ bytes: some Collection<UInt8>) throws(JSONError) -> String {
        guard let string = String(validating: bytes, as: UTF8.self) else { throw error("a string is not UTF-8") }
        return string
    }

    private mutating func skipWhiteSpace() {
        while index < text.count {
            switch text[index] {
            case 0x20, 0x09, 0x0A, 0x0D: index += 1
            default: return
            }
        }
    }

    private mutating func consume(if character: Unicode.Scalar) -> Bool {
        guard index < text.count, text[index] == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    /// An error at the current index; line and column are counted only now.
    ///
    /// - Complexity: O(n), once per text.
    private func error(_ message: String) -> JSONError {
        let before = text[..<min(index, text.count)]
        let line = before.count { $0 == 0x0A } + 1
        let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        return JSONError(message: message, line: line, column: before.endIndex - lineStart + 1)
    }
}
