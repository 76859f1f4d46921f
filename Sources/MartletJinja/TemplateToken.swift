/// A piece of a template's source.
struct TemplateToken: Sendable {
    enum Kind: Sendable, Equatable {
        /// Template text between tags, white space control applied.
        case data(String)
        case variableBegin
        case variableEnd
        case blockBegin
        case blockEnd
        case name(String)
        case string(String)
        case integer(Int)
        case float(Double)
        case symbol(Symbol)
        case end
    }

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
    /// From 1.
    var line: Int
}

extension TemplateToken.Kind {
    /// What an error message calls it.
    var description: String {
        switch self {
        case .data: "text"
        case .variableBegin: "'{{'"
        case .variableEnd: "end of print statement"
        case .blockBegin: "'{%'"
        case .blockEnd: "end of statement block"
        case .name(let name): "'\(name)'"
        case .string(let text): "the string '\(text.unicodeScalars.count > 40 ? text.prefix(40) + "…" : text[...])'"
        case .integer(let value): "'\(value)'"
        case .float(let value): "'\(value)'"
        case .symbol(let symbol): "'\(symbol.rawValue)'"
        case .end: "end of template"
        }
    }
}
