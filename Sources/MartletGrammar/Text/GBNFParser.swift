/// Parses grammars in GBNF, the notation of llama.cpp.
///
///     root   ::= "yes" | "no" | number
///     number ::= [1-9] [0-9]{0,3}    # a comment
///
/// Besides literals, character classes, `.`, groups, alternatives and repetitions (`*`, `+`, `?`, `{m}`, `{m,}`,
/// `{m,n}`) there are whole tokens: `<[number]>`, `<text>`, `!<[number]>`, `!<text>`. A rule ends with its line, except
/// inside of a group and after `::=` or `|`.
package struct GBNFParser {
    /// The grammar of a text: the texts of its rule `root`.
    ///
    /// - Throws: an error with line and column.
    package static func grammar(
        _ text: some Collection<UInt8>, limits: GrammarLimits = .standard
    ) throws(GrammarError) -> Grammar {
        var parser = GBNFParser(GrammarText(Array(text)), limits: limits)
        return try parser.grammar()
    }

    /// An open group, or the rule itself.
    private struct Group {
        var start: Int
        var alternatives: [GrammarBuilder.Node] = []
        var sequence: [GrammarBuilder.Node] = []
    }

    /// A rule's name with its positions in the text.
    private struct Definition {
        var rule: GrammarBuilder.Rule
        /// The position of the first use of the name.
        var use: Int
        /// The position of the definition.
        var definition: Int?
    }

    private var text: GrammarText
    private var builder: GrammarBuilder
    private var definitions: [String: Definition] = [:]
    private let limits: GrammarLimits

    private init(_ text: GrammarText, limits: GrammarLimits) {
        self.text = text
        self.limits = limits
        builder = GrammarBuilder(limits: limits)
    }

    private mutating func grammar() throws(GrammarError) -> Grammar {
        if text.bytes.count > limits.textBytes {
            throw GrammarError(
                .limit, "The grammar has \(text.bytes.count) bytes; the limit is \(limits.textBytes).", line: 1,
                column: 1)
        }
        if let invalid = text.firstInvalidByte { throw text.error("The text is not UTF-8", at: invalid) }
        if text.starts(with: "%") { throw text.error("A grammar of another notation, which is not supported") }
        text.skipSpace(newLines: true)
        while !text.isAtEnd { try definition() }
        guard let root = definitions["root"]?.rule, definitions["root"]?.definition != nil else {
            throw GrammarError(
                .undefinedRule, "The grammar has no rule 'root'.", rule: "root", line: 1, column: 1)
        }
        let missing = definitions.filter { $0.value.definition == nil }.min { $0.value.use < $1.value.use }
        if let missing {
            throw located(
                GrammarError(.undefinedRule, "Rule '\(missing.key)' is not defined.", rule: missing.key),
                at: missing.value.use)
        }
        do {
            return try builder.finish(root: root, refusesDeadEnds: true)
        } catch {
            throw located(error, at: error.rule.flatMap { definitions[$0]?.definition } ?? 0)
        }
    }

    /// Parses one rule.
    private mutating func definition() throws(GrammarError) {
        let start = text.position
        guard let name = text.name() else { throw text.error("A rule's name is expected") }
        text.skipSpace(newLines: false)
        guard text.consume("::=") else { throw text.error("'::=' is expected behind the name '\(name)'") }
        let rule = rule(named: name, at: start)
        if definitions[name]?.definition != nil {
            throw text.error("Rule '\(name)' is defined twice", at: start)
        }
        definitions[name]?.definition = start
        text.skipSpace(newLines: true)
        builder.define(rule, as: try alternatives())
        if let failure = builder.failure { throw located(failure, at: start) }
        guard text.isAtEnd || text.isAtNewLine else { throw text.error("The end of the line is expected") }
        text.skipSpace(newLines: true)
    }

    /// Parses the right side of a rule. Groups are on an explicit stack, so that nesting does not use the thread's
    /// stack.
    private mutating func alternatives() throws(GrammarError) -> GrammarBuilder.Node {
        var groups = [Group(start: text.position)]
        while true {
            text.skipSpace(newLines: groups.count > 1)
            let start = text.position
            let last = groups.count - 1
            if let failure = builder.failure { throw located(failure, at: start) }
            switch text.next {
            case UInt8(ascii: "\""): groups[last].sequence.append(builder.bytes(try literal()))
            case UInt8(ascii: "["): groups[last].sequence.append(builder.characters(try characters()))
            case UInt8(ascii: "."):
                text.position += 1
                groups[last].sequence.append(builder.characters([0...0x10FFFF]))
            case UInt8(ascii: "<"), UInt8(ascii: "!"): groups[last].sequence.append(builder.token(try token()))
            case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"), UInt8(ascii: "{"):
                guard let node = groups[last].sequence.popLast() else {
                    throw text.error("There is nothing to repeat")
                }
                let bounds = try repetition()
                do {
                    groups[last].sequence.append(try builder.repetition(node, bounds.minimum, bounds.maximum))
                } catch {
                    throw located(error, at: start)
                }
            case UInt8(ascii: "|"):
                text.position += 1
                text.skipSpace(newLines: true)
                groups[last].alternatives.append(builder.sequence(groups[last].sequence))
                groups[last].sequence = []
            case UInt8(ascii: "("):
                text.position += 1
                groups.append(Group(start: start))
                if groups.count - 1 > limits.depth {
                    throw located(
                        GrammarError(.limit, "Groups are nested deeper than the limit of \(limits.depth)."), at: start)
                }
            case UInt8(ascii: ")") where groups.count > 1:
                text.position += 1
                let node = close(groups.removeLast())
                groups[last - 1].sequence.append(node)
            default:
                if let name = text.name() {
                    groups[last].sequence.append(builder.reference(rule(named: name, at: start)))
                } else if groups.count > 1 {
                    throw text.error(
                        text.isAtEnd ? "A group is not closed" : "Unexpected character in a group",
                        at: text.isAtEnd ? groups[last].start : start)
                } else {
                    return close(groups.removeLast())
                }
            }
        }
    }

    /// The choice of a group's alternatives.
    private mutating func close(_ group: Group) -> GrammarBuilder.Node {
        builder.choice(group.alternatives + [builder.sequence(group.sequence)])
    }

    /// The rule with a name, created at its first use.
    private mutating func rule(named name: String, at position: Int) -> GrammarBuilder.Rule {
        if let known = definitions[name] { return known.rule }
        let rule = builder.rule(named: name)
        definitions[name] = Definition(rule: rule, use: position)
        return rule
    }

    /// A text in quotes, with escapes.
    private mutating func literal() throws(GrammarError) -> [UInt8] {
        let start = text.position
        text.position += 1
        var bytes: [UInt8] = []
        while true {
            switch text.next {
            case UInt8(ascii: "\""):
                text.position += 1
                return bytes
            case nil: throw text.error("A text is not closed", at: start)
            case UInt8(ascii: "\\"): bytes += ScalarRanges.utf8(try escape())
            case .some(let byte):
                text.position += 1
                bytes.append(byte)
            }
        }
    }

    /// A character class, `[a-z_]` or `[^a-z_]`. A `-` before the closing bracket is an ordinary character.
    private mutating func characters() throws(GrammarError) -> [ClosedRange<UInt32>] {
        let start = text.position
        text.position += 1
        let isComplement = text.consume("^")
        var ranges: [ClosedRange<UInt32>] = []
        while !text.consume("]") {
            let low = try character(of: start)
            let dash = text.position
            guard text.consume("-") else {
                ranges.append(low...low)
                continue
            }
            if text.next == UInt8(ascii: "]") {
                ranges += [low...low, 0x2D...0x2D]
                continue
            }
            let high = try character(of: start)
            guard low <= high else { throw text.error("A range goes backwards", at: dash) }
            ranges.append(low...high)
        }
        let matched = isComplement ? ScalarRanges.complement(of: ranges) : ranges
        guard !matched.isEmpty else { throw text.error("These brackets match no character", at: start) }
        return matched
    }

    private mutating func character(of start: Int) throws(GrammarError) -> UInt32 {
        switch text.next {
        case nil: throw text.error("A bracket is not closed", at: start)
        case UInt8(ascii: "\\"): return try escape()
        default: return text.scalar()
        }
    }

    /// An escape: `\n`, `\r`, `\t`, `\\`, `\"`, `\[`, `\]`, `\-`, `\x41`, `\u00e9` or `\U0001f600`.
    private mutating func escape() throws(GrammarError) -> UInt32 {
        let start = text.position
        text.position += 1
        guard let letter = text.next else { throw text.error("An escape is not complete", at: start) }
        text.position += 1
        switch letter {
        case UInt8(ascii: "n"): return 0x0A
        case UInt8(ascii: "r"): return 0x0D
        case UInt8(ascii: "t"): return 0x09
        case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "-"):
            return UInt32(letter)
        case UInt8(ascii: "x"): return try hexadecimal(digits: 2, from: start)
        case UInt8(ascii: "u"): return try hexadecimal(digits: 4, from: start)
        case UInt8(ascii: "U"): return try hexadecimal(digits: 8, from: start)
        default: throw text.error("An unknown escape", at: start)
        }
    }

    private mutating func hexadecimal(digits: Int, from start: Int) throws(GrammarError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<digits {
            guard let byte = text.next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw text.error("An escape needs \(digits) hexadecimal digits", at: start)
            }
            text.position += 1
            value = value << 4 | UInt32(digit)
        }
        guard Unicode.Scalar(value) != nil else { throw text.error("An escape stands for no character", at: start) }
        return value
    }

    /// The bounds of a repetition.
    private mutating func repetition() throws(GrammarError) -> (minimum: Int, maximum: Int?) {
        let start = text.position
        if text.consume("*") { return (0, nil) }
        if text.consume("+") { return (1, nil) }
        if text.consume("?") { return (0, 1) }
        text.position += 1
        text.skipSpace(newLines: false)
        guard let minimum = text.number() else { throw text.error("A number is expected in braces") }
        text.skipSpace(newLines: false)
        var maximum: Int? = minimum
        if text.consume(",") {
            text.skipSpace(newLines: false)
            maximum = text.number()
            text.skipSpace(newLines: false)
        }
        guard text.consume("}") else { throw text.error("Braces are not closed", at: start) }
        return (minimum, maximum)
    }

    /// A token term.
    private mutating func token() throws(GrammarError) -> TokenTerm {
        let start = text.position
        let isNegated = text.consume("!")
        let open = text.position
        guard text.consume("<") else { throw text.error("'<' is expected behind '!'") }
        if text.consume("[") {
            guard let number = text.number(), let id = Int32(exactly: number), text.consume("]>") else {
                throw text.error("A token's number is written <[number]>", at: start)
            }
            return isNegated ? .otherThanID(id) : .id(id)
        }
        while let byte = text.next, byte != UInt8(ascii: ">"), byte != UInt8(ascii: "\n") { text.position += 1 }
        guard text.position > open + 1, text.consume(">") else { throw text.error("A token is not closed", at: start) }
        let name = String(decoding: text.bytes[open..<text.position], as: UTF8.self)
        return isNegated ? .otherThanText(name) : .text(name)
    }

    /// The error with the line and column of a position.
    private func located(_ error: GrammarError, at position: Int) -> GrammarError {
        let location = text.location(of: position)
        var error = error
        error.line = location.line
        error.column = location.column
        return error
    }
}
