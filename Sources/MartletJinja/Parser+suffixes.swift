/// Suffixes of an operand: `.name`, `[index]`, `(arguments)`, `| filter`, `is test`.
extension Parser {
    /// Parses all suffixes of an operand.
    ///
    /// Behind a filter or a test only calls, filters and tests follow: `x | first.name` is the filter `first.name`, as
    /// in Jinja.
    /// - Parameter allowsFilters: false behind a sign, as a filter applies to the signed value.
    mutating func parseSuffixes(of operand: TemplateExpression, allowsFilters: Bool) throws(TemplateError)
        -> TemplateExpression
    {
        var suffixes: [Suffix] = []
        var seesFilters = false
        while true {
            let line = current.line
            switch current.kind {
            case .symbol(.dot) where !seesFilters:
                advance()
                suffixes.append(Suffix(kind: try parseAttribute(), line: line))
            case .symbol(.openBracket) where !seesFilters:
                advance()
                suffixes.append(Suffix(kind: try parseSubscript(), line: line))
            case .symbol(.openParenthesis):
                suffixes.append(Suffix(kind: .call(try parseArguments()), line: line))
            case .symbol(.pipe) where allowsFilters:
                advance()
                seesFilters = true
                suffixes.append(Suffix(kind: .filter(try parseFilterCall()), line: line))
            case .name("is") where allowsFilters:
                advance()
                seesFilters = true
                suffixes.append(Suffix(kind: .test(try parseTest()), line: line))
            default:
                return suffixes.isEmpty ? operand : .postfix(operand, suffixes)
            }
        }
    }

    /// Parses the part behind a dot: a name, or a number, which is an element.
    private mutating func parseAttribute() throws(TemplateError) -> Suffix.Kind {
        switch current.kind {
        case .name(let name):
            advance()
            return .attribute(AttributeName(name))
        case .integer(let value):
            advance()
            return .element(.constant(.integer(value)))
        default: throw error("expected name or number, got \(current.kind.description)")
        }
    }

    /// Parses the part between brackets. Several expressions are a tuple, which is one key.
    private mutating func parseSubscript() throws(TemplateError) -> Suffix.Kind {
        var items: [Suffix.Kind] = []
        while !isAt(.closeBracket) {
            if !items.isEmpty { try expect(.comma) }
            items.append(try parseSubscriptItem())
        }
        advance()
        if items.count == 1 { return items[0] }
        var expressions: [TemplateExpression] = []
        for item in items {
            guard case .element(let expression) = item else { throw error("a slice cannot be part of a tuple") }
            expressions.append(expression)
        }
        return .element(.tuple(expressions))
    }

    /// Parses an index or a slice.
    private mutating func parseSubscriptItem() throws(TemplateError) -> Suffix.Kind {
        var parts: [TemplateExpression?] = [nil]
        if !isAt(.colon) {
            let first = try parseExpression()
            if !isAt(.colon) { return .element(first) }
            parts[0] = first
        }
        while skip(.colon), parts.count < 3 {
            let isEmpty = isAt(.colon) || isAt(.closeBracket) || isAt(.comma)
            parts.append(isEmpty ? nil : try parseExpression())
        }
        return .slice(start: parts[0], stop: parts[1], step: parts.count > 2 ? parts[2] : nil)
    }

    /// Parses the arguments of a call. `*sequence` and `**mapping` may stand once each, in Python's order.
    mutating func parseArguments() throws(TemplateError) -> ArgumentList {
        try expect(.openParenthesis)
        var list = ArgumentList()
        var isFirst = true
        while !isAt(.closeParenthesis) {
            if !isFirst { try expect(.comma) }
            isFirst = false
            if isAt(.closeParenthesis) { break }
            if skip(.multiply) {
                guard list.morePositional == nil, list.moreNamed == nil else { throw invalidArguments }
                list.morePositional = try parseExpression()
            } else if skip(.power) {
                guard list.moreNamed == nil else { throw invalidArguments }
                list.moreNamed = try parseExpression()
            } else if case .name(let name) = current.kind, next.kind == .symbol(.assign) {
                guard list.moreNamed == nil else { throw invalidArguments }
                advance()
                advance()
                list.named.append((name, try parseExpression()))
            } else {
                guard list.named.isEmpty, list.morePositional == nil, list.moreNamed == nil else {
                    throw invalidArguments
                }
                list.positional.append(try parseExpression())
            }
        }
        advance()
        return list
    }

    /// Jinja's error for arguments in a wrong order.
    private var invalidArguments: TemplateError { error("invalid syntax for function call expression") }

    /// Parses a filter with its arguments, without the bar in front.
    mutating func parseFilterCall() throws(TemplateError) -> FilterCall {
        let line = current.line
        let name = try parseDottedName()
        let arguments = isAt(.openParenthesis) ? try parseArguments() : ArgumentList()
        return FilterCall(name: name, arguments: arguments, line: line)
    }

    /// Parses a name with dots. No known filter or test has one, but Jinja's grammar allows it.
    private mutating func parseDottedName() throws(TemplateError) -> String {
        var name = try expectName()
        while skip(.dot) { name += "." + (try expectName()) }
        return name
    }

    /// Parses a test, without the `is` in front.
    private mutating func parseTest() throws(TemplateError) -> TestCall {
        let isNegated = skip(name: "not")
        let name = try parseDottedName()
        var arguments = ArgumentList()
        switch current.kind {
        case .symbol(.openParenthesis): arguments = try parseArguments()
        case .name("else"), .name("or"), .name("and"): break
        case .name("is"): throw error("You cannot chain multiple tests with is")
        case .name, .string, .integer, .float, .symbol(.openBracket), .symbol(.openBrace):
            // One argument may stand without parentheses: `x is divisibleby 3`.
            let argument = try parsePrimary()
            arguments.positional = [try parseSuffixes(of: argument, allowsFilters: false)]
        default: break
        }
        return TestCall(name: name, arguments: arguments, isNegated: isNegated)
    }
}
