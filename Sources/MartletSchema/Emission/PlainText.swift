import MartletGrammar
import MartletJSON
import Synchronization

/// The strings that can be written without quotes and escapes up to an ending.
///
/// Example: between `<parameter=city>` and `</parameter>`, the string `Oslo` stands as it is. A string that contains
/// `</parameter>` cannot be written. Where a number is also admitted, a string that looks like one cannot be written
/// either.
struct PlainText: Hashable {
    /// The text that ends the string.
    var ending: String
    /// The other types that the output parser recognizes here. Strings that look like them are excluded.
    var readAs: JSONTypes = []
    /// Whether strings are excluded that begin with `<![CDATA[`.
    var excludesData = false

    /// A superset of the texts that the output parser reads as a value of a type. `True` and `None` are Python's
    /// spelling.
    private static let literalPatterns: [(type: JSONTypes, pattern: String)] = [
        (.number, #"^\s*-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?\s*$"#),
        (.boolean, #"^\s*([Tt]rue|[Ff]alse)\s*$"#), (.null, #"^\s*(null|None)\s*$"#),
        (.array, #"^\s*[\[(]"#), (.object, #"^\s*\{"#),
    ]

    /// Whether no other text than the ending is excluded; then no automaton over scalars is needed.
    var excludesEndingOnly: Bool { excluded.count == 1 }

    /// All texts that are not excluded. There are few such sets, and every tool needs them, so they are cached per
    /// process.
    ///
    /// - Throws: never for the endings of known chat formats; an automaton of too many states otherwise.
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
    /// The sets that were compiled; cleared when it is full.
    private static let known = Mutex<[PlainText: ScalarAutomaton]>([:])
    private static let mostKnown = 64

    /// Patterns of the excluded texts.
    private var excluded: [String] {
        [Self.quoted(ending)] + Self.literalPatterns.filter { !$0.type.isDisjoint(with: readAs) }.map(\.pattern)
            + (excludesData ? ["^" + Self.quoted("<![CDATA[")] : [])
    }

    /// A pattern that finds exactly `text`.
    private static func quoted(_ text: String) -> String {
        text.unicodeScalars.reduce(into: "") { pattern, scalar in
            if "\\^$.*+?()[]{}|/".unicodeScalars.contains(scalar) { pattern += "\\" }
            pattern.unicodeScalars.append(scalar)
        }
    }
}

extension SchemaEmitter {
    /// The strings of a shape, without quotes.
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
                // Characters are counted one by one. None of them begins the ending, which is stricter than needed
                // but has no states.
                let first = text.ending.unicodeScalars.prefix(1).map { $0.value...$0.value }
                let character = builder.characters(ScalarRanges.complement(of: first))
                let maximum = shape.maximum.map { min($0, builder.limits.repetitions) }
                return try builder.repetition(character, shape.minimum, maximum)
            }
            return try plainText(.everything, shape, text)
        default: return builder.never()
        }
    }

    /// The strings of an automaton that are not excluded.
    private mutating func plainText(
        _ automaton: ScalarAutomaton, _ shape: StringShape, _ text: PlainText
    ) throws -> Node {
        let rest = try automaton.intersection(text.texts)
        return rest.isEmpty ? builder.never() : try texts(of: rest, shape, quote: nil)
    }
}
