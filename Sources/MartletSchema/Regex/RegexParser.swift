/// Parses regular expressions of ECMA-262 in Unicode mode, with the extensions that browsers admit.
///
/// JSON Schema recommends this dialect (core, section 6.4). Lookbehind and backreferences are refused by name; a
/// backreference is not regular, and a lookbehind would need the reversed text.
///
/// - Complexity: O(n); the recursion is as deep as the groups are nested, at most 100.
struct RegexParser {
    /// The nesting of groups.
    static let depthLimit = 100
    /// The bytes of an expression.
    static let lengthLimit = 1 << 16
    /// The largest count of a repetition.
    static let repetitionLimit = 1 << 20

    /// Parses a pattern.
    ///
    /// - Throws: one clause that says what is wrong.
    static func parse(_ pattern: String) throws(RegexError) -> RegexSyntax {
        guard pattern.utf8.count <= lengthLimit else {
            throw RegexError(message: "the expression is longer than \(lengthLimit) bytes")
        }
        var parser = RegexParser(text: Array(pattern.unicodeScalars))
        let syntax = try parser.choice(depth: 0)
        guard parser.index == parser.text.count else { throw RegexError(message: "')' without '('") }
        return syntax
    }

    private let text: [Unicode.Scalar]
    private var index = 0

    private init(text: [Unicode.Scalar]) { self.text = text }

    /// The next character; `nil` at the end.
    private var next: Unicode.Scalar? { index < text.count ? text[index] : nil }

    /// Consumes the next character if it is `scalar`.
    private mutating func consume(if scalar: Unicode.Scalar) -> Bool {
        guard next == scalar else { return false }
        index += 1
        return true
    }

    /// Consumes the next characters if they are `scalars`.
    private mutating func consume(ifAll scalars: String) -> Bool {
        guard text[index...].starts(with: scalars.unicodeScalars) else { return false }
        index += scalars.unicodeScalars.count
        return true
    }

    /// Alternatives: `a|b`.
    private mutating func choice(depth: Int) throws(RegexError) -> RegexSyntax {
        guard depth <= Self.depthLimit else {
            throw RegexError(message: "more than \(Self.depthLimit) groups inside one another")
        }
        var alternatives = [try sequence(depth: depth)]
        while consume(if: "|") { alternatives.append(try sequence(depth: depth)) }
        return alternatives.count == 1 ? alternatives[0] : .choice(alternatives)
    }

    /// Terms in sequence, up to `|`, `)` or the end.
    private mutating func sequence(depth: Int) throws(RegexError) -> RegexSyntax {
        var parts: [RegexSyntax] = []
        while let scalar = next, scalar != "|", scalar != ")" { parts.append(try repetition(depth: depth)) }
        return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    /// A term with its quantifier. A lazy quantifier (`*?`) matches the same texts as a greedy one.
    private mutating func repetition(depth: Int) throws(RegexError) -> RegexSyntax {
        // `(\b)*` repeats a group, and `\b*` is no expression.
        let isGroup = next == "("
        let part = try term(depth: depth)
        guard let (minimum, maximum) = try quantifier() else { return part }
        switch part {
        case .assertion where isGroup: break
        case .assertion, .lookahead: throw RegexError(message: "a repetition of an assertion")
        default: break
        }
        _ = consume(if: "?")
        if try quantifier() != nil { throw RegexError(message: "a repetition with nothing to repeat") }
        return .repetition(part, minimum: minimum, maximum: maximum)
    }

    /// A quantifier: `*`, `+`, `?`, `{2}`, `{2,}` or `{2,5}`; `nil` if there is none.
    ///
    /// A `{` that begins no quantifier is an ordinary character, as in browsers.
    private mutating func quantifier() throws(RegexError) -> (Int, Int?)? {
        switch next {
        case "*":
            index += 1
            return (0, nil)
        case "+":
            index += 1
            return (1, nil)
        case "?":
            index += 1
            return (0, 1)
        case "{":
            let before = index
            index += 1
            if let minimum = try number() {
                if consume(if: "}") { return (minimum, minimum) }
                if consume(if: ",") {
                    if consume(if: "}") { return (minimum, nil) }
                    if let maximum = try number(), consume(if: "}") {
                        guard maximum >= minimum else {
                            throw RegexError(message: "a repetition of {\(minimum),\(maximum)}")
                        }
                        return (minimum, maximum)
                    }
                }
            }
            index = before
            return nil
        default: return nil
        }
    }

    /// A decimal count; `nil` if there is no digit.
    private mutating func number() throws(RegexError) -> Int? {
        var value: Int?
        while let digit = next?.value, (0x30...0x39).contains(digit) {
            let grown = (value ?? 0) * 10 + Int(digit - 0x30)
            guard grown <= Self.repetitionLimit else {
                throw RegexError(message: "a repetition of more than \(Self.repetitionLimit) times")
            }
            value = grown
            index += 1
        }
        return value
    }

    /// A single character, class, group, escape or anchor.
    private mutating func term(depth: Int) throws(RegexError) -> RegexSyntax {
        guard let scalar = next else { return .empty }
        index += 1
        switch scalar {
        case "^": return .assertion(.start)
        case "$": return .assertion(.end)
        case ".": return .set(ScalarSet.lineTerminators.complement)
        case "(": return try group(depth: depth)
        case "[": return .set(try characterClass())
        case "\\": return try escape()
        case "*", "+", "?": throw RegexError(message: "a repetition with nothing to repeat")
        default: return .set(ScalarSet([scalar.value...scalar.value]))
        }
    }

    /// The rest of a group after `(`: capturing, named, `(?:…)`, or a lookahead. Names are ignored.
    private mutating func group(depth: Int) throws(RegexError) -> RegexSyntax {
        var lookahead: Bool?
        if consume(if: "?") {
            if consume(if: ":") {
            } else if consume(if: "=") {
                lookahead = false
            } else if consume(if: "!") {
                lookahead = true
            } else if consume(ifAll: "<=") || consume(ifAll: "<!") {
                throw RegexError(message: "a lookbehind")
            } else if consume(if: "<") {
                while let scalar = next, scalar != ">" {
                    guard scalar.properties.isXIDContinue || scalar == "$" else { break }
                    index += 1
                }
                guard consume(if: ">") else { throw RegexError(message: "a group whose name has no end") }
            } else {
                throw RegexError(message: "a group of an unknown kind")
            }
        }
        let content = try choice(depth: depth + 1)
        guard consume(if: ")") else { throw RegexError(message: "a group without its ')'") }
        return lookahead.map { .lookahead(content, negated: $0) } ?? content
    }

    /// The rest of an escape after `\` outside of a class.
    private mutating func escape() throws(RegexError) -> RegexSyntax {
        switch next {
        case "b":
            index += 1
            return .assertion(.wordBoundary)
        case "B":
            index += 1
            return .assertion(.noWordBoundary)
        case .some("1"..."9"), "k": throw RegexError(message: "a reference to what a group matched")
        default:
            switch try classEscape() {
            case .set(let set): return .set(set)
            case .scalar(let scalar): return .set(ScalarSet([scalar...scalar]))
            }
        }
    }

    /// A single character or a class of characters.
    private enum Atom {
        case scalar(UInt32)
        case set(ScalarSet)
    }

    /// The rest of an escape after `\`, as it may also occur inside of a class.
    private mutating func classEscape() throws(RegexError) -> Atom {
        guard let scalar = next else { throw RegexError(message: "a '\\' at the end") }
        index += 1
        switch scalar {
        case "d": return .set(.digits)
        case "D": return .set(ScalarSet.digits.complement)
        case "w": return .set(.word)
        case "W": return .set(ScalarSet.word.complement)
        case "s": return .set(.space)
        case "S": return .set(ScalarSet.space.complement)
        case "t": return .scalar(0x09)
        case "n": return .scalar(0x0A)
        case "v": return .scalar(0x0B)
        case "f": return .scalar(0x0C)
        case "r": return .scalar(0x0D)
        case "0":
            if let digit = next?.value, (0x30...0x39).contains(digit) {
                throw RegexError(message: "an octal escape")
            }
            return .scalar(0)
        case "c":
            guard let letter = next, letter.properties.isAlphabetic, letter.isASCII else {
                throw RegexError(message: "'\\c' without a letter")
            }
            index += 1
            return .scalar(letter.value % 32)
        case "x":
            guard let value = hexadecimal(digits: 2) else { throw RegexError(message: "'\\x' without two digits") }
            return .scalar(value)
        case "u": return .scalar(try unicodeEscape())
        case "p", "P": return .set(try property(negated: scalar == "P"))
        default:
            guard !scalar.properties.isAlphabetic || !scalar.isASCII else {
                throw RegexError(message: "the unknown escape '\\\(scalar)'")
            }
            return .scalar(scalar.value)
        }
    }

    /// The rest of `\u`: four digits, a surrogate pair of two escapes, or digits in braces.
    private mutating func unicodeEscape() throws(RegexError) -> UInt32 {
        if consume(if: "{") {
            var value: UInt32 = 0
            var count = 0
            while let digit = next.flatMap({ Character($0).hexDigitValue }), value <= ScalarSet.largest {
                value = value * 16 + UInt32(digit)
                count += 1
                index += 1
            }
            guard count > 0, value <= ScalarSet.largest, consume(if: "}") else {
                throw RegexError(message: "'\\u{' without a code point")
            }
            return value
        }
        guard let first = hexadecimal(digits: 4) else { throw RegexError(message: "'\\u' without four digits") }
        let before = index
        if (0xD800..<0xDC00).contains(first), consume(ifAll: "\\u"), let second = hexadecimal(digits: 4),
            (0xDC00..<0xE000).contains(second)
        {
            return 0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)
        }
        index = before
        return first
    }

    /// A number of exactly so many hexadecimal digits; `nil`, and nothing consumed, if there are fewer.
    private mutating func hexadecimal(digits: Int) -> UInt32? {
        guard text.count - index >= digits else { return nil }
        var value: UInt32 = 0
        for scalar in text[index..<index + digits] {
            guard scalar.isASCII, let digit = Character(scalar).hexDigitValue else { return nil }
            value = value * 16 + UInt32(digit)
        }
        index += digits
        return value
    }

    /// The rest of `\p` or `\P`: a Unicode property in braces.
    private mutating func property(negated: Bool) throws(RegexError) -> ScalarSet {
        guard consume(if: "{"), let end = text[index...].firstIndex(of: "}") else {
            throw RegexError(message: "'\\p' without a property")
        }
        var name = ""
        name.unicodeScalars.append(contentsOf: text[index..<end])
        index = end + 1
        guard let set = ScalarProperty.set(named: name) else {
            throw RegexError(message: "the unknown property '\(name)'")
        }
        return negated ? set.complement : set
    }

    /// The rest of a class after `[`.
    private mutating func characterClass() throws(RegexError) -> ScalarSet {
        let negated = consume(if: "^")
        var ranges: [ClosedRange<UInt32>] = []
        while let scalar = next, scalar != "]" {
            let first = try classAtom()
            // A `-` beside a class such as `\d`, or at an end, is an ordinary character.
            if next == "-", index + 1 < text.count, text[index + 1] != "]", case .scalar(let low) = first {
                index += 1
                let second = try classAtom()
                switch second {
                case .scalar(let high):
                    guard low <= high else { throw RegexError(message: "a range of characters out of order") }
                    ranges.append(low...high)
                case .set(let set):
                    ranges += [low...low, 0x2D...0x2D]
                    ranges += set.ranges
                }
                continue
            }
            switch first {
            case .scalar(let scalar): ranges.append(scalar...scalar)
            case .set(let set): ranges += set.ranges
            }
        }
        guard consume(if: "]") else { throw RegexError(message: "a character class without its ']'") }
        let set = ScalarSet(ranges)
        return negated ? set.complement : set
    }

    /// A character or escape inside of a class; `\b` is a backspace there.
    private mutating func classAtom() throws(RegexError) -> Atom {
        guard let scalar = next else { throw RegexError(message: "a character class without its ']'") }
        index += 1
        guard scalar == "\\" else { return .scalar(scalar.value) }
        if consume(if: "b") { return .scalar(0x08) }
        if consume(if: "-") { return .scalar(0x2D) }
        return try classEscape()
    }
}
