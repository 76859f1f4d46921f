/// Statements: the tags between `{%` and `%}`.
extension Parser {
    /// Parses the statement `name`, whose name is the current token, up to its end.
    ///
    /// Supported are the tags of Jinja that chat templates use, `break` and `continue` (Jinja's loop controls), and
    /// `generation` (Hugging Face's tag around a reply, which only marks it). Tags that read other files (`include`,
    /// `import`, `extends`) are unknown: a template of a model file has no other files.
    /// - Throws: Jinja's error for an unknown tag, with the innermost open tag.
    mutating func parseStatement(named name: String, within tag: String?) throws(TemplateError) -> Statement? {
        let line = current.line
        advance()
        switch name {
        case "if": return try parseConditional(line)
        case "for": return try parseLoop(line)
        case "set": return try parseSet(line)
        case "macro": return try parseMacro(line)
        case "call": return try parseCall(line)
        case "filter": return try parseFilterBlock(line)
        case "with": return try parseWith(line)
        case "generation":
            try expectBlockEnd()
            return .scope(try parseBlock(of: name))
        case "break", "continue":
            guard loopDepth > 0 else {
                throw TemplateError(.syntax, "'\(name)' outside loop", line: line)
            }
            try expectBlockEnd()
            return name == "break" ? .leaveLoop : .continueLoop
        default:
            let open = tag.map { " (the innermost open tag is '\($0)')" } ?? ""
            throw TemplateError(.syntax, "Encountered unknown tag '\(name)'\(open)", line: line)
        }
    }

    /// Parses a body up to `end` + `tag`, and that end.
    private mutating func parseBlock(of tag: String) throws(TemplateError) -> [Statement] {
        let body = try parseBody(until: ["end" + tag], of: tag)
        advance()
        try expectBlockEnd()
        return body
    }

    /// Parses `{% if %}` with its `elif` and `else` branches.
    private mutating func parseConditional(_ line: Int) throws(TemplateError) -> Statement {
        var branches: [(condition: TemplateExpression, line: Int, body: [Statement])] = []
        var branchLine = line
        while true {
            let condition = try parseTuple(allowsConditional: false)
            try expectBlockEnd()
            let body = try parseBody(until: ["elif", "else", "endif"], of: "if")
            branches.append((condition, branchLine, body))
            branchLine = current.line
            if skip(name: "elif") { continue }
            var otherwise: [Statement] = []
            if skip(name: "else") {
                try expectBlockEnd()
                otherwise = try parseBody(until: ["endif"], of: "if")
            }
            advance()
            try expectBlockEnd()
            return .conditional(branches, otherwise: otherwise)
        }
    }

    /// Parses `{% for target in sequence if condition recursive %}` with its `else` branch.
    private mutating func parseLoop(_ line: Int) throws(TemplateError) -> Statement {
        let target = try parseTarget()
        try expect(name: "in")
        let sequence = try parseTuple(allowsConditional: false, end: "recursive")
        let condition = skip(name: "if") ? try parseExpression() : nil
        let isRecursive = skip(name: "recursive")
        try expectBlockEnd()
        loopDepth += 1
        let body = try parseBody(until: ["endfor", "else"], of: "for")
        loopDepth -= 1
        var otherwise: [Statement] = []
        if skip(name: "else") {
            try expectBlockEnd()
            otherwise = try parseBody(until: ["endfor"], of: "for")
        }
        advance()
        try expectBlockEnd()
        return .loop(
            Loop(
                target: target, sequence: sequence, condition: condition, body: body, otherwise: otherwise,
                isRecursive: isRecursive, line: line))
    }

    /// Parses the target of `for` and `set`: a name, `name.attribute`, or several with commas, also in parentheses.
    /// - Throws: for `loop` and the constants, which cannot be assigned, as in Jinja.
    private mutating func parseTarget() throws(TemplateError) -> AssignmentTarget {
        try enter()
        defer { leave() }
        var targets: [AssignmentTarget] = []
        var isTuple = false
        while true {
            if skip(.openParenthesis) {
                targets.append(try parseTarget())
                try expect(.closeParenthesis)
            } else if case .name(let name) = current.kind, !["in", "recursive"].contains(name) {
                if ["true", "false", "none", "True", "False", "None", "loop"].contains(name) {
                    throw error("can't assign to '\(name)'")
                }
                advance()
                let variable = number(of: name)
                if skip(.dot) {
                    targets.append(.attribute(variable, try expectName()))
                } else {
                    targets.append(.variable(variable))
                }
            } else if targets.isEmpty {
                throw error("expected a name, got \(current.kind.description)")
            } else {
                break
            }
            guard skip(.comma) else { break }
            isTuple = true
        }
        return isTuple ? .tuple(targets) : targets[0]
    }

    /// Parses `{% set target = value %}`, or `{% set target | filter %}body{% endset %}`.
    private mutating func parseSet(_ line: Int) throws(TemplateError) -> Statement {
        let target = try parseTarget()
        if skip(.assign) {
            let value = try parseTuple()
            try expectBlockEnd()
            return .set(target, value, line: line)
        }
        var filters: [FilterCall] = []
        while skip(.pipe) { filters.append(try parseFilterCall()) }
        try expectBlockEnd()
        return .setBlock(target, filters: filters, body: try parseBlockBody(of: "set"), line: line)
    }

    /// Parses a body in which `break` and `continue` cannot refer to the loop around it: its text is captured first.
    private mutating func parseBlockBody(of tag: String) throws(TemplateError) -> [Statement] {
        let outer = loopDepth
        loopDepth = 0
        defer { loopDepth = outer }
        return try parseBlock(of: tag)
    }

    /// Parses `{% macro name(parameters) %}body{% endmacro %}`.
    private mutating func parseMacro(_ line: Int) throws(TemplateError) -> Statement {
        let name = try expectName()
        let variable = number(of: name)
        let parameters = try parseParameters()
        try expectBlockEnd()
        return .macro(
            MacroDefinition(
                name: name, variable: variable, parameters: parameters, body: try parseBlockBody(of: "macro"),
                line: line))
    }

    /// Parses the parameters of a macro. Parameters with defaults stand behind those without, as in Python.
    private mutating func parseParameters() throws(TemplateError) -> [MacroDefinition.Parameter] {
        try expect(.openParenthesis)
        var parameters: [MacroDefinition.Parameter] = []
        while !isAt(.closeParenthesis) {
            if !parameters.isEmpty { try expect(.comma) }
            if isAt(.closeParenthesis) { break }
            let name = try expectName()
            var parameter = MacroDefinition.Parameter(name: name, variable: number(of: name))
            if skip(.assign) {
                parameter.defaultValue = try parseExpression()
            } else if parameters.last?.defaultValue != nil {
                throw error("non-default argument follows default argument")
            }
            parameters.append(parameter)
        }
        advance()
        return parameters
    }

    /// Parses `{% call(parameters) macro(arguments) %}body{% endcall %}`.
    private mutating func parseCall(_ line: Int) throws(TemplateError) -> Statement {
        let parameters = isAt(.openParenthesis) ? try parseParameters() : []
        let call = try parseExpression()
        guard case .postfix(_, let suffixes) = call, case .call? = suffixes.last?.kind else {
            throw TemplateError(.syntax, "expected call", line: line)
        }
        try expectBlockEnd()
        let body = try parseBlockBody(of: "call")
        let definition = MacroDefinition(
            name: "caller", variable: number(of: "caller"), parameters: parameters, body: body, line: line)
        return .call(definition, call, line: line)
    }

    /// Parses `{% filter name | other %}body{% endfilter %}`.
    private mutating func parseFilterBlock(_ line: Int) throws(TemplateError) -> Statement {
        var filters = [try parseFilterCall()]
        while skip(.pipe) { filters.append(try parseFilterCall()) }
        try expectBlockEnd()
        return .filter(filters, body: try parseBlockBody(of: "filter"), line: line)
    }

    /// Parses `{% with a = 1, b = 2 %}body{% endwith %}`.
    private mutating func parseWith(_ line: Int) throws(TemplateError) -> Statement {
        var assignments: [(target: AssignmentTarget, value: TemplateExpression)] = []
        while current.kind != .blockEnd {
            if !assignments.isEmpty { try expect(.comma) }
            let variable = AssignmentTarget.variable(number(of: try expectName()))
            try expect(.assign)
            assignments.append((variable, try parseExpression()))
        }
        advance()
        return .with(assignments, body: try parseBlock(of: "with"), line: line)
    }
}
