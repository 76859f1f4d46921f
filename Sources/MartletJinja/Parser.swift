/// Makes a tree of a template's tokens.
///
/// Recursive, so nesting is limited; the limit fits a thread with 512 KiB of stack.
struct Parser {
    /// Deepest nesting of tags and brackets together.
    static let maximumDepth = 64

    private let tokens: [TemplateToken]
    private var index = 0
    private var depth = 0
    private(set) var names = NameTable()
    var loopDepth = 0

    /// What a source says.
    struct Result: Sendable {
        var body: [Statement]
        var names: NameTable
    }

    static func parse(_ source: String) throws(TemplateError) -> Result {
        var parser = Parser(tokens: try Lexer.tokens(of: source))
        let body = try parser.parseBody(until: [], of: nil)
        return Result(body: body, names: parser.names)
    }

    private init(tokens: [TemplateToken]) { self.tokens = tokens }

    var current: TemplateToken { tokens[index] }
    var next: TemplateToken { tokens[min(index + 1, tokens.count - 1)] }

    mutating func advance() { if index < tokens.count - 1 { index += 1 } }

    mutating func number(of name: String) -> Int { names.number(of: name) }

    func error(_ message: String) -> TemplateError { TemplateError(.syntax, message, line: current.line) }

    func isAt(_ symbol: TemplateToken.Symbol) -> Bool { current.kind == .symbol(symbol) }

    func isAt(name: String) -> Bool {
        if case .name(let found) = current.kind { found == name } else { false }
    }

    mutating func skip(_ symbol: TemplateToken.Symbol) -> Bool {
        guard isAt(symbol) else { return false }
        advance()
        return true
    }

    mutating func skip(name: String) -> Bool {
        guard isAt(name: name) else { return false }
        advance()
        return true
    }

    mutating func expect(_ symbol: TemplateToken.Symbol) throws(TemplateError) {
        guard skip(symbol) else {
            throw error("expected '\(symbol.rawValue)', got \(current.kind.description)")
        }
    }

    mutating func expect(name: String) throws(TemplateError) {
        guard skip(name: name) else { throw error("expected '\(name)', got \(current.kind.description)") }
    }

    mutating func expectBlockEnd() throws(TemplateError) {
        guard current.kind == .blockEnd else {
            throw error("expected end of statement block, got \(current.kind.description)")
        }
        advance()
    }

    mutating func expectName() throws(TemplateError) -> String {
        guard case .name(let name) = current.kind else {
            throw error("expected a name, got \(current.kind.description)")
        }
        advance()
        return name
    }

    mutating func enter() throws(TemplateError) {
        depth += 1
        if depth > Self.maximumDepth { throw tooDeep }
    }

    var tooDeep: TemplateError {
        TemplateError(.budget, "the template is nested more than \(Self.maximumDepth) deep", line: current.line)
    }

    mutating func leave() { depth -= 1 }

    /// Reads statements up to a block whose tag is one of `ends`, and that block's name; or all, without `ends`.
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

/// The variables of a template, numbered.
struct NameTable: Sendable {
    private(set) var names: [String] = []
    private var numbers: [String: Int] = [:]

    mutating func number(of name: String) -> Int {
        if let number = numbers[name] { return number }
        numbers[name] = names.count
        names.append(name)
        return names.count - 1
    }

    func number(ofKnown name: String) -> Int? { numbers[name] }
}
