/// Builds the syntax tree of a template from its tokens (recursive descent).
///
/// Two outputs: the statements, and the table of variable names. A variable is its number in that table, so the
/// interpreter compares no strings to find it.
///
/// The parser recurses over the nesting of the source, which comes with a model file. So the nesting is limited, to a
/// depth that fits a thread with 512 KiB of stack.
struct Parser {
    /// Deepest nesting of tags and brackets together.
    static let maximumDepth = 64

    /// All tokens; the last is `end`, and the parser never passes it.
    private let tokens: [TemplateToken]
    /// The index of the current token.
    private var index = 0
    /// The current nesting.
    private var depth = 0
    /// The names of variables so far.
    private(set) var names = NameTable()
    /// The number of loops that `break` could leave.
    var loopDepth = 0

    /// A parsed template: the statements, and the names of its variables.
    struct Result: Sendable {
        var body: [Statement]
        var names: NameTable
    }

    /// Parses a whole source.
    /// - Throws: `syntax`, or `budget` for a nesting beyond `maximumDepth`.
    static func parse(_ source: String) throws(TemplateError) -> Result {
        var parser = Parser(tokens: try Lexer.tokens(of: source))
        let body = try parser.parseBody(until: [], of: nil)
        return Result(body: body, names: parser.names)
    }

    private init(tokens: [TemplateToken]) { self.tokens = tokens }

    /// The current token.
    var current: TemplateToken { tokens[index] }
    /// The token behind the current one.
    var next: TemplateToken { tokens[min(index + 1, tokens.count - 1)] }

    /// Moves to the next token.
    mutating func advance() { if index < tokens.count - 1 { index += 1 } }

    /// The number of a variable; a new one for a name that occurs first here.
    mutating func number(of name: String) -> Int { names.number(of: name) }

    /// A syntax error at the current token.
    func error(_ message: String) -> TemplateError { TemplateError(.syntax, message, line: current.line) }

    /// Whether the current token is this symbol.
    func isAt(_ symbol: TemplateToken.Symbol) -> Bool { current.kind == .symbol(symbol) }

    /// Whether the current token is this name. Keywords are names too: they are reserved only in their place.
    func isAt(name: String) -> Bool {
        if case .name(let found) = current.kind { found == name } else { false }
    }

    /// Skips a symbol if it is here. Returns whether it was.
    mutating func skip(_ symbol: TemplateToken.Symbol) -> Bool {
        guard isAt(symbol) else { return false }
        advance()
        return true
    }

    /// Skips a name if it is here. Returns whether it was.
    mutating func skip(name: String) -> Bool {
        guard isAt(name: name) else { return false }
        advance()
        return true
    }

    /// Skips a symbol that must be here.
    mutating func expect(_ symbol: TemplateToken.Symbol) throws(TemplateError) {
        guard skip(symbol) else {
            throw error("expected '\(symbol.rawValue)', got \(current.kind.description)")
        }
    }

    /// Skips a name that must be here.
    mutating func expect(name: String) throws(TemplateError) {
        guard skip(name: name) else { throw error("expected '\(name)', got \(current.kind.description)") }
    }

    /// Skips the end of a tag, which must be here.
    mutating func expectBlockEnd() throws(TemplateError) {
        guard current.kind == .blockEnd else {
            throw error("expected end of statement block, got \(current.kind.description)")
        }
        advance()
    }

    /// Consumes a name, which must be here.
    mutating func expectName() throws(TemplateError) -> String {
        guard case .name(let name) = current.kind else {
            throw error("expected a name, got \(current.kind.description)")
        }
        advance()
        return name
    }

    /// Enters a level of nesting.
    mutating func enter() throws(TemplateError) {
        depth += 1
        if depth > Self.maximumDepth { throw tooDeep }
    }

    /// The error for a nesting beyond the limit.
    var tooDeep: TemplateError {
        TemplateError(.budget, "the template is nested more than \(Self.maximumDepth) deep", line: current.line)
    }

    /// Leaves a level of nesting.
    mutating func leave() { depth -= 1 }

    /// Parses statements up to a tag that is one of `ends`, and that tag's name. Without `ends`, parses to the end.
    /// - Parameter tag: the open tag, for the error at a missing end.
    mutating func parseBody(until ends: [String], of tag: String?) throws(TemplateError) -> [Statement] {
        try enter()
        var body: [Statement] = []
        while true {
            switch current.kind {
            case .data(let text):
                body.append(.text(ProvenanceText(text, isTrusted: true)))
                advance()
            case .variableBegin:
                let line = current.line
                advance()
                let value = try parseTuple()
                guard current.kind == .variableEnd else {
                    throw error("expected end of print statement, got \(current.kind.description)")
                }
                advance()
                body.append(.output(value, line: line))
            case .blockBegin:
                advance()
                guard case .name(let name) = current.kind else {
                    throw error("tag name expected, got \(current.kind.description)")
                }
                if ends.contains(name) {
                    leave()
                    return body
                }
                if let statement = try parseStatement(named: name, within: tag) { body.append(statement) }
            default:
                if !ends.isEmpty {
                    throw error(
                        "unexpected end of template: the tag '\(tag ?? "")' misses its '\(ends[ends.count - 1])'")
                }
                leave()
                return body
            }
        }
    }
}

/// The names of a template's variables, numbered in the order of their first occurrence.
struct NameTable: Sendable {
    /// The names by number.
    private(set) var names: [String] = []
    private var numbers: [String: Int] = [:]

    /// The number of a name, which is added if it is new.
    mutating func number(of name: String) -> Int {
        if let number = numbers[name] { return number }
        numbers[name] = names.count
        names.append(name)
        return names.count - 1
    }

    /// The number of a name; nil if the template never names it. Then the interpreter need not import the variable.
    func number(ofKnown name: String) -> Int? { numbers[name] }
}
