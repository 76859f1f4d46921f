import MartletJSON

/// Transcribes a value from a model's notation to JSON, byte by byte.
///
///     python   {'city': 'Oslo', "days": None}   ->  {"city":"Oslo","days":null}
///     gemma    {city:<|"|>Oslo<|"|>,days:3}     ->  {"city":"Oslo","days":3}
///     json     {"text": "two<line feed>lines"}  ->  {"text":"two\nlines"}
///
/// Invariant: the output so far is always the beginning of a JSON text. A client may therefore receive arguments while
/// the model generates them. So a comma is written only with the member behind it, and a word only when it is
/// complete.
///
/// Besides JSON it accepts notations that models use instead: raw control characters in strings, Python's literals and
/// keyword arguments, Gemma's strings and bare keys. Numbers beyond 64 bits stay as digits.
/// - Complexity: constant per byte; memory grows with the nesting, at most `maximumDepth`.
struct ArgumentTranscriber: Sendable {
    /// The notation of the input.
    enum Dialect: Sendable, Equatable {
        case json
        case python
        case gemma
    }

    /// The result of a byte.
    enum Step {
        case more
        /// The value is complete. false = the byte is not part of it, and the caller must consume it again.
        case done(isConsumed: Bool)
        /// The input is no value of the notation. The output so far stays valid.
        case failed
    }

    /// Most nested containers.
    private static let maximumDepth = 256
    /// Most bytes of a word. A word is buffered until it is complete.
    static let maximumWord = 32
    /// Gemma's quote.
    static let quote = Array("<|\"|>".utf8)

    /// A container that is open.
    enum Container: UInt8 {
        case object
        case list
        /// Keyword arguments of a Python call, which become an object.
        case call
    }
    /// The position within a value; digits and letters seen so far are part of it.
    enum State {
        case value
        /// Behind the opening of a list: a value or the end.
        case valueOrEnd
        /// Behind the opening of an object: a key or the end.
        case keyOrEnd
        case key
        case bareKey
        case colon
        case string(UInt8)
        case escape(UInt8)
        /// Within the number of a code point: `\x41`, `\u0041` or `\U00000041`, with its digits so far.
        case code(UInt8, letter: UInt8, digits: [UInt8])
        /// Within Gemma's opening quote: the number of its bytes so far.
        case gemmaQuote(Int)
        /// Within Gemma's string: the number of bytes of the closing quote so far.
        case gemmaString(Int)
        case number(NumberState)
        case word([UInt8])
        case commaOrEnd
        case done
    }
    /// The position within a number.
    enum NumberState {
        case minus
        case zero
        case integer
        case point
        case fraction
        case exponent
        case exponentSign
        case exponentDigits

        /// Whether the number may end here: `1.` and `-` may not.
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
    /// Whether the current string is a key.
    var isKey = false
    /// Whether a comma is pending. It is written with the next member, because JSON allows none in front of an end.
    private var pendsComma = false

    /// - Parameter isCall: whether the input is keyword arguments, behind their opening parenthesis.
    init(_ dialect: Dialect, isCall: Bool = false) {
        self.dialect = dialect
        state = isCall ? .keyOrEnd : .value
        if isCall { containers = [.call] }
    }

    /// Whether no byte of the value has been consumed.
    var isAtBeginning: Bool { if case .value = state { containers.isEmpty } else { false } }

    /// Consumes a byte and appends JSON to `output`, possibly nothing.
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

    /// Consumes the first byte of a value, or the end of a list.
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

    /// Opens a container.
    private mutating func open(_ container: Container, _ byte: UInt8, _ output: inout [UInt8]) -> Step {
        guard containers.count < Self.maximumDepth else { return .failed }
        containers.append(container)
        output.append(byte)
        state = container == .list ? .valueOrEnd : .keyOrEnd
        return .more
    }

    /// Closes a list behind a comma, as Python allows: `[1, 2,]`.
    private mutating func closeBehindComma(_ byte: UInt8, _ output: inout [UInt8]) -> Step {
        guard dialect != .json, containers.last == .list else { return .failed }
        return close(byte, &output)
    }

    /// Consumes the first byte of a key, or the end of an object.
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

    /// Consumes a byte of a key without quotes, up to `=` in calls and `:` in Gemma's objects.
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
        // A byte that would end the argument shows that this text is no key.
        guard !"{}()[],\"".utf8.contains(byte), byte >= 0x20 else { return .failed }
        if byte == UInt8(ascii: "\\") { output.append(byte) }
        output.append(byte)
        return .more
    }

    /// Consumes white space and the separator between key and value.
    private mutating func consumeColon(_ byte: UInt8, _ output: inout [UInt8]) -> Step {
        if Self.isSpace(byte) { return .more }
        guard byte == (containers.last == .call ? UInt8(ascii: "=") : UInt8(ascii: ":")) else { return .failed }
        output.append(UInt8(ascii: ":"))
        state = .value
        return .more
    }

    /// Consumes the byte behind a member: a comma or the end of the container.
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

    /// Writes the pending comma in front of a member.
    private mutating func writePendingComma(_ output: inout [UInt8]) {
        if pendsComma { output.append(UInt8(ascii: ",")) }
        pendsComma = false
    }

    /// Closes the innermost container, if the byte is its end.
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

    /// Ends a value: back to the container around it, or done.
    mutating func endValue() -> Step {
        state = containers.isEmpty ? .done : .commaOrEnd
        return containers.isEmpty ? .done(isConsumed: true) : .more
    }

    // MARK: End

    /// Bytes that were consumed and are not in the output: an incomplete word or quote. They become text if the value
    /// fails.
    var pending: [UInt8] {
        switch state {
        case .word(let word): word
        case .gemmaQuote(let count): Array(Self.quote[..<count])
        default: []
        }
    }

    /// Ends the input. Returns whether the value is complete; a number or a word may end here.
    mutating func finish(into output: inout [UInt8]) -> Bool {
        guard containers.isEmpty else { return false }
        switch state {
        case .done: return true
        case .number(let number): return number.isComplete
        case .word(let word): return writeWord(word, &output)
        default: return false
        }
    }

    /// White space of ASCII: space, tab, line feed, vertical tab, form feed, carriage return.
    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    /// Letters of ASCII and the underscore.
    static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_")
    }
}
