import MartletGrammar
import MartletJSON
import Synchronization

/// Strings without quotes and escapes, up to an ending.
struct PlainText: Hashable {
    /// What none of them holds.
    var ending: String
    /// Values that a reader would take for more than a string; they are left out.
    var readAs: JSONTypes = []
    /// Whether those are left out that begin as character data does.
    var excludesData = false

    /// Texts that a reader takes for values of a type, and some more.
    private static let literalPatterns: [(type: JSONTypes, pattern: String)] = [
        (.number, #"^\s*-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?\s*$"#),
        (.boolean, #"^\s*([Tt]rue|[Ff]alse)\s*$"#), (.null, #"^\s*(null|None)\s*$"#),
        (.array, #"^\s*[\[(]"#), (.object, #"^\s*\{"#),
    ]

    /// Whether only those are left out that hold the ending.
    var excludesEndingOnly: Bool { excluded.count == 1 }

    /// All texts but those that are left out. There are few such sets, and each is wanted for every tool.
    var texts: ScalarAutomaton {
        get throws(RegexError) {
            if let known = Self.known.withLock({ $0[self] }) { return known }
            var rest = ScalarAutomaton.everything
            for pattern in excluded { rest = try rest.subtracting(RegexCompiler.search(pattern)) }
            Self.known.withLock { known in
                if known.count >= Self.mostKnown { known = [:] }
                known[self] = rest
            }
            return rest
        }
    }
    private static let known = Mutex<[PlainText: ScalarAutomaton]>([:])
    private static let mostKnown = 64

    /// Patterns of texts that are left out.
    private var excluded: [String] {
        [Self.quoted(ending)] + Self.literalPatterns.filter { !$0.type.isDisjoint(with: readAs) }.map(\.pattern)
            + (excludesData ? ["^" + Self.quoted("<![CDATA[")] : [])
    }

    /// A pattern that finds `text`.
    private static func quoted(_ text: String) -> String {
        text.unicodeScalars.reduce(into: "") { pattern, scalar in
            if "\\^$.*+?()[]{}|/".unicodeScalars.contains(scalar) { pattern += "\\" }
            pattern.unicodeScalars.append(scalar)
        }
    }
}

extension SchemaEmitter {
    /// The strings of a shape as they are.
    mutating func plainText(_ shape: SchemaShape, _ text: PlainText) throws -> Node {
        switch shape {
        case .values(let values):
            let texts = ScalarAutomaton(texts: values.compactMap(\.stringValue))
            return try plainText(texts, StringShape(), text)
        case .string(let shape):
            if let automaton = shape.automaton { return try plainText(automaton, shape, text) }
            if shape.minimum == 0, shape.maximum == nil {
                return text.excludesEndingOnly
                    ? anything(until: text.ending)
                    : try plainText(.everything, StringShape(), text)
            }
            if text.excludesEndingOnly {
                // Counted one by one; none of them begins the ending.
                let first = text.ending.unicodeScalars.prefix(1).map { $0.value...$0.value }
                let character = builder.characters(ScalarRanges.complement(of: first))
                let maximum = shape.maximum.map { min($0, builder.limits.repetitions) }
                return try builder.repetition(character, shape.minimum, maximum)
            }
            return try plainText(.everything, shape, text)
        default: return builder.never()
        }
    }

    private mutating func plainText(
        _ automaton: ScalarAutomaton, _ shape: StringShape, _ text: PlainText
    ) throws -> Node {
        let rest = try automaton.intersection(text.texts)
        return rest.isEmpty ? builder.never() : try texts(of: rest, shape, quote: nil)
    }
}
