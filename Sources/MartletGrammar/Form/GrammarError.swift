/// The reason why a grammar is refused.
package struct GrammarError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The cause.
    package enum Kind: Sendable, Equatable {
        /// A text does not follow the notation.
        case syntax
        /// A rule is used and not defined.
        case undefinedRule
        /// A rule may begin with itself.
        case leftRecursion
        /// A rule, or the whole grammar, matches no finite text.
        case deadEnd
        /// The vocabulary lacks a token that the grammar names.
        case unknownToken
        /// A limit is exceeded.
        case limit
        /// Bytes are not an encoded grammar.
        case encoding
    }

    package var kind: Kind
    /// One sentence without line and column.
    package var message: String
    /// The rule that has the error, if known.
    package var rule: String?
    /// The line in the source text, counted from 1.
    package var line: Int?
    /// The byte in the line, counted from 1.
    package var column: Int?

    package init(_ kind: Kind, _ message: String, rule: String? = nil, line: Int? = nil, column: Int? = nil) {
        self.kind = kind
        self.message = message
        self.rule = rule
        self.line = line
        self.column = column
    }

    /// The message without its full stop.
    package var clause: String { message.hasSuffix(".") ? String(message.dropLast()) : message }

    package var description: String {
        guard let line, let column else { return message }
        return "\(message) at line \(line), column \(column)"
    }
}
