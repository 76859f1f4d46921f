/// Why something is no grammar that can be honoured.
package struct GrammarError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// A text does not follow the notation.
        case syntax
        /// A rule is used that nothing defines.
        case undefinedRule
        /// A rule may begin with itself.
        case leftRecursion
        /// A rule, or the whole grammar, matches no finite text.
        case deadEnd
        /// A vocabulary lacks a token that is named.
        case unknownToken
        /// A budget is used up.
        case limit
        /// Bytes are no encoded grammar.
        case encoding
    }

    package var kind: Kind
    /// One sentence without its place.
    package var message: String
    /// The rule that is at fault, if one is.
    package var rule: String?
    /// Where the fault is in a text, counted from 1.
    package var line: Int?
    /// In bytes, counted from 1.
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
