import MartletJSON

/// Reads a value as a model writes it and writes it as JSON, byte by byte.
///
/// What has been written is the beginning of a JSON text at any time. Besides JSON it knows what models write in its
/// place: raw control characters in strings, Python's literals and keyword arguments, Gemma's strings and bare keys.
/// - Complexity: constant for a byte; memory grows with the nesting, which is limited.
struct ArgumentTranscriber: Sendable {
    enum Dialect: Sendable, Equatable {
        case json
        case python
        case gemma
    }

    enum Step {
        case more
        /// The value is complete. `false` = the byte is no part of it.
        case done(isConsumed: Bool)
        case failed
    }

    private static let maximumDepth = 256
    /// Longest word or number that is not known while it is read.
    static let maximumWord = 32
    /// What Gemma puts around strings.
    private static let quote = Array("<|\"|>".utf8)

    enum Container: UInt8 {
        case object
        case list
        /// Keyword arguments of a call, which become an object.
        case call
    }
    enum State {
        case value
        /// Directly behind the opening of a list: a value, or its end.
        case valueOrEnd
        /// Directly behind the opening of an object: a key, or its end.
        case keyOrEnd
        case key
        case bareKey
        case colon
        case string(UInt8)
        case escape(UInt8)
        /// Behind the letter that begins the number of a code point: its digits so far.
        case code(UInt8, letter: UInt8, digits: [UInt8])
        /// Inside of Gemma's quote: how many bytes of it have been seen, and whether it would end a string.
        case gemmaQuote(Int)
        case gemmaString(Int)
        case number(NumberState)
        case word([UInt8])
        case commaOrEnd
        case done
    }
    enum NumberState {
        case minus
        case zero
        case integer
        case point
        case fraction
        case exponent
        case exponentSign
        case exponentDigits

        var isComplete: Bool {
            switch self {
            case .zero, .integer, .fraction, .exponentDigits: true
            case .minus, .point, .exponent, .exponentSign: false
            }
        }
    }

    let dialect: Dialect
    var state: State
    private var containers: [Container] = []
    /// Whether the string being read is a key.
    private var isKey = false
    /// Whether a comma has been read that is written with what follows: JSON allows none in front of an end.
    private var pendsComma = false

    /// - Parameter isCall: Whether what comes is keyword arguments, behind their opening parenthesis.
    init(_ dialect: Dialect, isCall: Bool = false) {
        self.dialect = dialect
        state = isCall ? .keyOrEnd : .value
        if isCall { containers = [.call] }
    }

    /// Whether nothing of the value has come yet.
    var isAtBeginning: Bool { if case .value = state { containers.isEmpty } else { false } }

    mutating func consume(_ byte: UInt8, into output: inout [UInt8]) -> Step {
        switch state {
        case .value, .valueOrEnd: consumeValueStart(byte, &output)
        case .keyOrEnd, .key: consumeKeyStart(byte, &output)
        case .bareKey: consumeBareKey(byte, &output)
        case .colon: consumeColon(byte, &output)
        case .string(let quote): consumeString(byte, quote, &output)
        case .escape(let quote): consumeEscape(byte, quote, &output)
        case .code(let quote, let letter, let digits): consumeCode(byte, quote, letter, digits, &output)
        case .gemmaQuote(let count): consumeGemmaQuote(byte, count, &output)
        case .gemmaString(let count): consumeGemmaString(byte, count, &output)
        case .number(let number): consumeNumber(byte, number, &output)
        case .word(let word): consumeWord(byte, word, &output)
        case .commaOrEnd: consumeCommaOrEnd(byte, &output)
        case .done: .done(isConsumed: false)
        }
    }

    // MARK: Structure

    private mutating func consumeValueStart(_ byte: UInt8, _ output: inout [UInt8]) -> Step {
        if Self.isSpace(byte) { return .more }
        if byte != UInt8(ascii: "]"), byte != UInt8(ascii: ")") { writePendingComma(&output) }
        switch byte {
        case UInt8(ascii: "{"): return open(.object, byte, &output)
        case UInt8(ascii: "["): return open(.list, byte, &output)
        case UInt8(ascii: "(") where dialect == .python: return open(.list, UInt8(ascii: "["), &output)
        case UInt8(ascii: "]"), UInt8(ascii: ")"):
            guard case .valueOrEnd = state else { return closeBehindComma(byte, &output) }
            return close(byte, &output)
        case UInt8(ascii: "\""), UInt8(ascii: "'"):
            guard isQuote(byte) else { return .failed }
            output.append(UInt8(ascii: "\""))
            isKey = false
            state = .string(byte)
        case UInt8(ascii: "<") where dialect == .gemma:
            isKey = false
            state = .gemmaQuote(1)
        case UInt8(ascii: "-"):
            output.append(byte)
            state = .number(.minus)
        case UInt8(ascii: "0"):
            output.append(byte)
            state = .number(.zero)
        case UInt8(ascii: "1")...UInt8(ascii: "9"):
            output.append(byte)
            state = .number(.integer)
        case _ where Self.isLetter(byte): state = .word([byte])
        default: return .failed
        }
        return .more
    }

    private mutating func open(_ container: Container, _ byte: UInt8, _ output: inout [UInt8]) -> Step {
        guard containers.count < Self.maximumDepth else { return .failed }
        containers.append(container)
        output.append(byte)
        state = container == .list ? .valueOrEnd : .keyOrEnd
        return .more
    }

    /// Python allows a comma in front of the end of a list.
    private mutating func closeBehindComma(_ byte: UInt8, _ output: inout [UInt8]) -> Step {
        guard dialect != .json, containers.last == .list else { return .failed }
        return close(byte, &output)
    }

    private mutating func consumeKeyStart(_ byte: UInt8, _ output: inout [UInt8]) -> Step {
        if Self.isSpace(byte) { return .more }
        if byte == UInt8(ascii: "}") || byte == UInt8(ascii: ")") {
            if case .key = state, dialect == .json { return .failed }
            return close(byte, &output)
        }
        writePendingComma(&output)
        isKey = true
        if containers.last == .call || dialect == .gemma {
            if dialect == .gemma, byte == UInt8(ascii: "<") {
                state = .gemmaQuote(1)
                return .more
            }
            guard Self.isLetter(byte) || byte >= 0x80 || dialect == .gemma else { return .failed }
            output.append(UInt8(ascii: "\""))
            state = .bareKey
            return consumeBareKey(byte, &output)
        }
        guard isQuote(byte) else { return .failed }
        output.append(UInt8(ascii: "\""))
        state = .string(byte)
        return .more
    }

    private mutating func consumeBareKey(_ byte: UInt8, _ output: inout [UInt8]) -> Step {
        let end = containers.last == .call ? UInt8(ascii: "=") : UInt8(ascii: ":")
        if byte == end {
            output.append(contentsOf: "\":".utf8)
            state = .value
            return .more
        }
        if Self.isSpace(byte), containers.last == .call {
            output.append(UInt8(ascii: "\""))
            state = .colon
            return .more
        }
        // What would end the argument is a sign that this is no key.
        guard !"{}()[],\"".utf8.contains(byte), byte >= 0x20 else { return .failed }
        if byte == UInt8(ascii: "\\") { output.append(byte) }
        output.append(byte)
        return .more
    }

    private mutating func consumeColon(_ byte: UInt8, _ output: inout [UInt8]) -> Step {
        if Self.isSpace(byte) { return .more }
        guard byte == (containers.last == .call ? UInt8(ascii: "=") : UInt8(ascii: ":")) else { return .failed }
        output.append(UInt8(ascii: ":"))
        state = .value
        return .more
    }

    private mutating func consumeCommaOrEnd(_ byte: UInt8, _ output: inout [UInt8]) -> Step {
        switch byte {
        case _ where Self.isSpace(byte): return .more
        case UInt8(ascii: ","):
            pendsComma = true
            state = containers.last == .list ? .value : .key
            if dialect == .json { writePendingComma(&output) }
            return .more
        case UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: ")"): return close(byte, &output)
        default: return .failed
        }
    }

    private mutating func writePendingComma(_ output: inout [UInt8]) {
        if pendsComma { output.append(UInt8(ascii: ",")) }
        pendsComma = false
    }

    private mutating func close(_ byte: UInt8, _ output: inout [UInt8]) -> Step {
        guard let container = containers.last else { return .failed }
        let fits =
            switch container {
            case .object: byte == UInt8(ascii: "}")
            case .list: byte == UInt8(ascii: "]") || (byte == UInt8(ascii: ")") && dialect == .python)
            case .call: byte == UInt8(ascii: ")")
            }
        guard fits else { return .failed }
        pendsComma = false
        containers.removeLast()
        output.append(container == .list ? UInt8(ascii: "]") : UInt8(ascii: "}"))
        return endValue()
    }

    mutating func endValue() -> Step {
        state = containers.isEmpty ? .done : .commaOrEnd
        return containers.isEmpty ? .done(isConsumed: true) : .more
    }

    // MARK: Strings

    private func isQuote(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\"") ? dialect != .gemma : dialect == .python && byte == UInt8(ascii: "'")
    }

    private mutating func consumeString(_ byte: UInt8, _ quote: UInt8, _ output: inout [UInt8]) -> Step {
        if byte == quote { return endString(&output) }
        if byte == UInt8(ascii: "\\") {
            state = .escape(quote)
        } else {
            Self.writeCharacter(byte, &output)
        }
        return .more
    }

    private mutating func endString(_ output: inout [UInt8]) -> Step {
        output.append(UInt8(ascii: "\""))
        if isKey {
            state = .colon
            return .more
        }
        return endValue()
    }

    private static func writeCharacter(_ byte: UInt8, _ output: inout [UInt8]) {
        if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
            output.append(byte)
        } else {
            JSONText.appendEscaped(CollectionOfOne(byte), to: &output)
        }
    }

    private mutating func consumeEscape(_ byte: UInt8, _ quote: UInt8, _ output: inout [UInt8]) -> Step {
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
            // No escape that JSON knows: the backslash stands for itself, as in Python.
            output.append(contentsOf: "\\\\".utf8)
            Self.writeCharacter(byte, &output)
        }
        return .more
    }

    private mutating func consumeCode(
        _ byte: UInt8, _ quote: UInt8, _ letter: UInt8, _ digits: [UInt8], _ output: inout [UInt8]
    ) -> Step {
        guard Character(Unicode.Scalar(byte)).isHexDigit else {
            // No escape after all: it stands for itself.
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

    private static func writeUnit(_ unit: UInt32, _ output: inout [UInt8]) {
        output.append(contentsOf: "\\u".utf8)
        let digits = Array("0123456789abcdef".utf8)
        for shift in [12, 8, 4, 0] { output.append(digits[Int(unit >> UInt32(shift)) & 0xF]) }
    }

    private mutating func consumeGemmaQuote(_ byte: UInt8, _ count: Int, _ output: inout [UInt8]) -> Step {
        guard byte == Self.quote[count] else { return .failed }
        if count + 1 < Self.quote.count {
            state = .gemmaQuote(count + 1)
        } else {
            output.append(UInt8(ascii: "\""))
            state = .gemmaString(0)
        }
        return .more
    }

    /// - Parameter count: How many bytes of the closing quote have been seen.
    private mutating func consumeGemmaString(_ byte: UInt8, _ count: Int, _ output: inout [UInt8]) -> Step {
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

    /// Bytes that have been read of what is not known yet.
    var pending: [UInt8] {
        switch state {
        case .word(let word): word
        case .gemmaQuote(let count): Array(Self.quote[..<count])
        default: []
        }
    }

    /// The text is complete: whether the value is, too.
    mutating func finish(into output: inout [UInt8]) -> Bool {
        guard containers.isEmpty else { return false }
        switch state {
        case .done: return true
        case .number(let number): return number.isComplete
        case .word(let word): return writeWord(word, &output)
        default: return false
        }
    }

    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_")
    }
}
