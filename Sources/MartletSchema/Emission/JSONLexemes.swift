import MartletGrammar

/// Byte automata of JSON's tokens (RFC 8259).
enum JSONLexemes {
    /// Any string with its quotes.
    static let string = automaton(isString: true)

    /// One character of a string, plain or as any escape. `\ud800` to `\udbff` are followed by the other half of
    /// the pair.
    static let character = automaton(isString: false)

    /// One character of a string other than one ASCII character in plain spelling.
    static func character(without byte: UInt8) -> ByteAutomaton { automaton(isString: false, without: byte) }

    /// Any number.
    static var number: ByteAutomaton {
        guard let number = numbers[NumberConstraints()] else { preconditionFailure("there are numbers") }
        return number
    }

    /// The automata that most schemas need: any number, and whole numbers. They are compiled once per process.
    static let numbers: [NumberConstraints: ByteAutomaton] = {
        var whole = NumberConstraints()
        whole.isWhole = true
        do {
            var numbers: [NumberConstraints: ByteAutomaton] = [:]
            for constraints in [NumberConstraints(), whole] {
                numbers[constraints] = try NumberAutomaton.make(constraints)
            }
            return numbers
        } catch {
            // The constraints are constants of this file; no outside data can make them fail.
            preconditionFailure("numbers without bounds have small automata")
        }
    }()

    /// A JSON string as a Python string in single quotes: `"it's"` becomes `'it\'s'`.
    static func inSingleQuotes(_ json: [UInt8]) -> [UInt8] {
        let (quote, other, backslash) = (UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "\\"))
        var text = [quote]
        var isEscaped = false
        for byte in json.dropFirst().dropLast() {
            if isEscaped {
                text += byte == other ? [other] : [backslash, byte]
                isEscaped = false
            } else if byte == backslash {
                isEscaped = true
            } else {
                text += byte == quote ? [backslash, quote] : [byte]
            }
        }
        return text + [quote]
    }

    /// The automaton of a string or of a single character, built state by state.
    ///
    ///     open --"--> between --"--> end        a string
    ///     between --character--> end            a single character
    private static func automaton(isString: Bool, without excluded: UInt8? = nil) -> ByteAutomaton {
        // 0 is the state between characters, 1 the state before the opening quote, 2 the end.
        let (between, open, end) = (0, 1, 2)
        var rows = [[Int32]](repeating: [Int32](repeating: ByteAutomaton.dead, count: 256), count: 3)
        let target = Int32(isString ? between : end)
        func state() -> Int {
            rows.append([Int32](repeating: ByteAutomaton.dead, count: 256))
            return rows.count - 1
        }
        func connect(_ source: Int, _ bytes: ClosedRange<UInt8>, _ target: Int) {
            for byte in bytes { rows[source][Int(byte)] = Int32(target) }
        }
        let next = Int(target)
        connect(between, 0x20...0x7F, next)
        if let excluded { rows[between][Int(excluded)] = ByteAutomaton.dead }
        if isString {
            connect(open, 0x22...0x22, between)
            connect(between, 0x22...0x22, end)
        } else {
            rows[between][0x22] = ByteAutomaton.dead
        }
        // UTF-8 (RFC 3629, section 4): states with one, two or three bytes to follow, and four with a restricted
        // second byte.
        let (one, two, three) = (state(), state(), state())
        let (low3, high3, low4, high4) = (state(), state(), state(), state())
        connect(one, 0x80...0xBF, next)
        connect(two, 0x80...0xBF, one)
        connect(three, 0x80...0xBF, two)
        connect(low3, 0xA0...0xBF, one)
        connect(high3, 0x80...0x9F, one)
        connect(low4, 0x90...0xBF, two)
        connect(high4, 0x80...0x8F, two)
        connect(between, 0xC2...0xDF, one)
        connect(between, 0xE0...0xEF, two)
        connect(between, 0xE0...0xE0, low3)
        connect(between, 0xED...0xED, high3)
        connect(between, 0xF0...0xF0, low4)
        connect(between, 0xF1...0xF3, three)
        connect(between, 0xF4...0xF4, high4)
        // Escapes.
        let (escape, u, d) = (state(), state(), state())
        let digits = (state(), state(), state())
        let hexadecimal: [ClosedRange<UInt8>] = [0x30...0x39, 0x41...0x46, 0x61...0x66]
        connect(between, 0x5C...0x5C, escape)
        for byte in "\"\\/bfnrt".utf8 { connect(escape, byte...byte, next) }
        connect(escape, 0x75...0x75, u)
        for range in hexadecimal {
            connect(u, range, digits.0)
            connect(digits.0, range, digits.1)
            connect(digits.1, range, digits.2)
            connect(digits.2, range, next)
        }
        // Surrogate pairs: \uD800 to \uDBFF, then \uDC00 to \uDFFF.
        for byte in "Dd".utf8 { connect(u, byte...byte, d) }
        connect(d, 0x30...0x37, digits.1)
        let high = (state(), state(), state(), state(), state(), state())
        for range: ClosedRange<UInt8> in [0x38...0x39, 0x41...0x42, 0x61...0x62] { connect(d, range, high.0) }
        for range in hexadecimal {
            connect(high.0, range, high.1)
            connect(high.1, range, high.2)
        }
        connect(high.2, 0x5C...0x5C, high.3)
        connect(high.3, 0x75...0x75, high.4)
        for byte in "Dd".utf8 { connect(high.4, byte...byte, high.5) }
        for range: ClosedRange<UInt8> in [0x43...0x46, 0x63...0x66] { connect(high.5, range, digits.1) }
        let automaton = ByteAutomaton(
            rows: rows, accepting: rows.indices.map { $0 == end }, start: isString ? open : between)
        return automaton.trimmed() ?? automaton
    }
}
