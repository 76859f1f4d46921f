import MartletText

/// A token of a template's source.
struct TemplateToken: Sendable {
    /// The kinds of tokens. Keywords are names, as their meaning depends on their place.
    enum Kind: Sendable, Equatable {
        /// Text outside tags, after white space control.
        case data(String)
        /// `{{`
        case variableBegin
        /// `}}`
        case variableEnd
        /// `{%`
        case blockBegin
        /// `%}`
        case blockEnd
        /// A name or a keyword.
        case name(String)
        /// A string with its escapes resolved.
        case string(String)
        case integer(Int)
        case float(Double)
        /// An operator or a bracket.
        case symbol(Symbol)
        /// The end of the source; always the last token.
        case end
    }

    /// Operators and brackets, by their text.
    enum Symbol: String, Sendable, CaseIterable {
        case power = "**"
        case floorDivide = "//"
        case equal = "=="
        case notEqual = "!="
        case greaterOrEqual = ">="
        case lessOrEqual = "<="
        case plus = "+"
        case minus = "-"
        case divide = "/"
        case multiply = "*"
        case modulo = "%"
        case tilde = "~"
        case openBracket = "["
        case closeBracket = "]"
        case openParenthesis = "("
        case closeParenthesis = ")"
        case openBrace = "{"
        case closeBrace = "}"
        case greater = ">"
        case less = "<"
        case assign = "="
        case dot = "."
        case colon = ":"
        case pipe = "|"
        case comma = ","
    }

    var kind: Kind
    /// The line of its first byte, from 1.
    var line: Int
}

extension TemplateToken.Kind {
    /// The token in error messages, in Jinja's words.
    var description: String {
        switch self {
        case .data: "text"
        case .variableBegin: "'{{'"
        case .variableEnd: "end of print statement"
        case .blockBegin: "'{%'"
        case .blockEnd: "end of statement block"
        case .name(let name): "'\(name)'"
        case .string(let text): "the string '\(text.excerpt(bytes: 40))'"
        case .integer(let value): "'\(value)'"
        case .float(let value): "'\(value)'"
        case .symbol(let symbol): "'\(symbol.rawValue)'"
        case .end: "end of template"
        }
    }
}
