/// Expressions, by precedence.
///
///     or, and, not, comparison and in, + -, ~, * / // %, **, unary + -, then suffixes and filters
///
/// The loosest operator stands first. Two ranks differ from Python: `~` does not exist there, and unary minus binds
/// tighter than `**`. Source: jinja2/parser.py.
extension Parser {
    /// Parses an expression with an optional `if … else`.
    /// - Parameter allowsConditional: false where `if` belongs to a tag, as in `{% for x in y if z %}`.
    mutating func parseExpression(allowsConditional: Bool = true) throws(TemplateError) -> TemplateExpression {
        try enter()
        defer { leave() }
        var value = try parseOperators(minimum: .or)
        guard allowsConditional else { return value }
        // `a if b if c` nests to the left. The parser does not recurse for it, but the interpreter does, so the links
        // are limited.
        var links = 0
        while skip(name: "if") {
            links += 1
            if links > Self.maximumDepth { throw tooDeep }
            let condition = try parseOperators(minimum: .or)
            let otherwise = skip(name: "else") ? try parseExpression() : nil
            value = .conditional(then: value, condition: condition, otherwise: otherwise)
        }
        return value
    }

    /// Ranks of operators with two operands, the loosest first.
    private enum Rank: Int {
        case or, and, comparison, sum, concatenation, product, power
        var tighter: Rank? { Rank(rawValue: rawValue + 1) }
    }

    /// An operator with two operands.
    private enum BinaryOperator {
        case or
        case and
        case comparison(ComparisonOperator)
        case arithmetic(ArithmeticOperator)
        case concatenation

        var rank: Rank {
            switch self {
            case .or: .or
            case .and: .and
            case .comparison: .comparison
            case .concatenation: .concatenation
            case .arithmetic(let operation):
                switch operation.rank {
                case 0: .sum
                case 1: .product
                default: .power
                }
            }
        }
    }

    /// The operator at the current token; nil if there is none. `not in` consists of two tokens.
    private var binaryOperator: BinaryOperator? {
        switch current.kind {
        case .name("or"): .or
        case .name("and"): .and
        case .name("in"): .comparison(.contained)
        case .name("not") where next.kind == .name("in"): .comparison(.notContained)
        case .symbol(.equal): .comparison(.equal)
        case .symbol(.notEqual): .comparison(.notEqual)
        case .symbol(.less): .comparison(.less)
        case .symbol(.lessOrEqual): .comparison(.lessOrEqual)
        case .symbol(.greater): .comparison(.greater)
        case .symbol(.greaterOrEqual): .comparison(.greaterOrEqual)
        case .symbol(.plus): .arithmetic(.add)
        case .symbol(.minus): .arithmetic(.subtract)
        case .symbol(.tilde): .concatenation
        case .symbol(.multiply): .arithmetic(.multiply)
        case .symbol(.divide): .arithmetic(.divide)
        case .symbol(.floorDivide): .arithmetic(.floorDivide)
        case .symbol(.modulo): .arithmetic(.modulo)
        case .symbol(.power): .arithmetic(.power)
        default: nil
        }
    }

    /// Parses operands joined by operators of rank `minimum` or tighter (precedence climbing).
    private mutating func parseOperators(minimum: Rank) throws(TemplateError) -> TemplateExpression {
        try enter()
        defer { leave() }
        var left: TemplateExpression
        if minimum.rawValue <= Rank.comparison.rawValue, skip(name: "not") {
            // `not` binds looser than comparisons and tighter than `and`.
            left = .not(try parseOperators(minimum: .comparison))
        } else {
            left = try parseUnary(allowsFilters: true)
        }
        while let operation = binaryOperator, operation.rank.rawValue >= minimum.rawValue {
            left = try parse(operation, after: left)
        }
        return left
    }

    /// Parses the right side of an operator. A chain of operators of one rank becomes one flat node.
    ///
    /// So the depth of the tree does not grow with the length of a chain such as `a ~ b ~ c ~ …`, which templates
    /// write.
    private mutating func parse(_ operation: BinaryOperator, after left: TemplateExpression) throws(TemplateError)
        -> TemplateExpression
    {
        let line = current.line
        let rank = operation.rank
        switch operation {
        case .or, .and:
            var operands = [left]
            let word = rank == .or ? "or" : "and"
            while skip(name: word) { operands.append(try parseOperand(tighterThan: rank)) }
            return rank == .or ? .or(operands) : .and(operands)
        case .concatenation:
            var operands = [left]
            while skip(.tilde) { operands.append(try parseOperand(tighterThan: rank)) }
            return .concatenation(operands)
        case .comparison:
            var links: [(operation: ComparisonOperator, operand: TemplateExpression)] = []
            while case .comparison(let comparison)? = binaryOperator {
                advance()
                if comparison == .notContained { advance() }
                links.append((comparison, try parseOperand(tighterThan: rank)))
            }
            return .comparison(left, links, line: line)
        case .arithmetic:
            var links: [(operation: ArithmeticOperator, operand: TemplateExpression, line: Int)] = []
            while case .arithmetic(let arithmetic)? = binaryOperator, BinaryOperator.arithmetic(arithmetic).rank == rank
            {
                let line = current.line
                advance()
                links.append((arithmetic, try parseOperand(tighterThan: rank), line))
            }
            return .arithmetic(left, links)
        }
    }

    /// Parses an operand that binds tighter than `rank`.
    private mutating func parseOperand(tighterThan rank: Rank) throws(TemplateError) -> TemplateExpression {
        guard let tighter = rank.tighter else { return try parseUnary(allowsFilters: true) }
        return try parseOperators(minimum: tighter)
    }

    /// Parses signs and an operand with its suffixes. A filter applies to the signed value: `-1 | abs` is `(-1) |
    /// abs`.
    private mutating func parseUnary(allowsFilters: Bool) throws(TemplateError) -> TemplateExpression {
        try enter()
        defer { leave() }
        let line = current.line
        let operand: TemplateExpression
        if skip(.minus) {
            operand = .negative(try parseUnary(allowsFilters: false), line: line)
        } else if skip(.plus) {
            operand = .positive(try parseUnary(allowsFilters: false), line: line)
        } else {
            operand = try parsePrimary()
        }
        return try parseSuffixes(of: operand, allowsFilters: allowsFilters)
    }

    /// Parses a literal, a variable, or an expression in brackets. Adjoining strings are joined, as in Python.
    mutating func parsePrimary() throws(TemplateError) -> TemplateExpression {
        let token = current
        switch token.kind {
        case .name(let name):
            advance()
            switch name {
            case "true", "True": return .constant(.boolean(true))
            case "false", "False": return .constant(.boolean(false))
            case "none", "None": return .constant(.none)
            default: return .variable(number(of: name))
            }
        case .string(let first):
            advance()
            var text = first
            while case .string(let more) = current.kind {
                text += more
                advance()
            }
            return .constant(.text(ProvenanceText(text, isTrusted: true)))
        case .integer(let value):
            advance()
            return .constant(.integer(value))
        case .float(let value):
            advance()
            return .constant(.float(value))
        case .symbol(.openParenthesis):
            advance()
            let value = try parseTuple(isParenthesised: true)
            try expect(.closeParenthesis)
            return value
        case .symbol(.openBracket): return try parseList()
        case .symbol(.openBrace): return try parseDictionary()
        default: throw error("unexpected \(token.kind.description)")
        }
    }

    /// Parses one expression, or several with commas, which are a tuple.
    /// - Parameters:
    ///   - isParenthesised: whether an empty tuple `()` is allowed.
    ///   - end: the name behind which the tuple ends, such as `recursive`.
    mutating func parseTuple(
        allowsConditional: Bool = true, isParenthesised: Bool = false, end: String? = nil
    ) throws(TemplateError) -> TemplateExpression {
        var items: [TemplateExpression] = []
        var isTuple = false
        while !isAtTupleEnd(end) {
            items.append(try parseExpression(allowsConditional: allowsConditional))
            guard skip(.comma) else { break }
            isTuple = true
        }
        if isTuple { return .tuple(items) }
        if let item = items.first { return item }
        guard isParenthesised else {
            throw error("Expected an expression, got \(current.kind.description)")
        }
        return .tuple([])
    }

    /// Whether a tuple ends at the current token.
    private func isAtTupleEnd(_ end: String?) -> Bool {
        switch current.kind {
        case .variableEnd, .blockEnd, .symbol(.closeParenthesis): true
        case .name(let name): name == end
        default: false
        }
    }

    /// Parses a list literal. A comma may follow the last item.
    private mutating func parseList() throws(TemplateError) -> TemplateExpression {
        try expect(.openBracket)
        var items: [TemplateExpression] = []
        while !isAt(.closeBracket) {
            if !items.isEmpty { try expect(.comma) }
            if isAt(.closeBracket) { break }
            items.append(try parseExpression())
        }
        advance()
        return .list(items)
    }

    /// Parses a dictionary literal. A comma may follow the last member.
    private mutating func parseDictionary() throws(TemplateError) -> TemplateExpression {
        try expect(.openBrace)
        var items: [(key: TemplateExpression, value: TemplateExpression)] = []
        while !isAt(.closeBrace) {
            if !items.isEmpty { try expect(.comma) }
            if isAt(.closeBrace) { break }
            let key = try parseExpression()
            try expect(.colon)
            items.append((key, try parseExpression()))
        }
        advance()
        return .dictionary(items)
    }
}
