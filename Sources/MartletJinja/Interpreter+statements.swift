import OrderedCollections

extension Interpreter {
    /// The ways in which a body ends.
    enum Flow {
        /// After its last statement.
        case normal
        /// By `{% break %}`.
        case leaveLoop
        /// By `{% continue %}`.
        case continueLoop
    }

    /// Runs statements in order, up to the first `break` or `continue`. Counts one level of depth.
    func run(_ body: [Statement]) throws(TemplateError) -> Flow {
        try enter()
        defer { leave() }
        for statement in body {
            let flow = try run(statement)
            if flow != .normal { return flow }
        }
        return .normal
    }

    /// Runs one statement. Counts one step.
    private func run(_ statement: Statement) throws(TemplateError) -> Flow {
        try spend()
        switch statement {
        case .text(let text): try write(text)
        case .output(let expression, let line):
            self.line = line
            try write(try text(of: try evaluate(expression)))
        case .conditional(let branches, let otherwise):
            for branch in branches {
                line = branch.line
                if try evaluate(branch.condition).isTrue { return try run(branch.body) }
            }
            return try run(otherwise)
        case .set(let target, let expression, let line):
            self.line = line
            try assign(try evaluate(expression), to: target)
        case .loop(let loop):
            line = loop.line
            try run(loop)
        case .leaveLoop: return .leaveLoop
        case .continueLoop: return .continueLoop
        default: try runBlock(statement)
        }
        return .normal
    }

    /// Runs a statement that captures text or has a scope of its own.
    ///
    /// Scopes follow Jinja: `for`, `with`, `macro`, `call` and `filter` have their own variables, `if` has none. A
    /// `set` within a loop is lost with the iteration; `namespace` objects exist for that reason.
    private func runBlock(_ statement: Statement) throws(TemplateError) {
        switch statement {
        case .setBlock(let target, let filters, let body, let line):
            self.line = line
            try assign(try filtered(body, by: filters), to: target)
        case .filter(let filters, let body, let line):
            self.line = line
            try write(try text(of: try filtered(body, by: filters)))
        case .macro(let definition):
            set(definition.variable, .callable(.macro(makeMacro(definition))))
        case .call(let definition, let call, let line):
            self.line = line
            try runCall(definition, call)
        case .with(let assignments, let body, let line):
            self.line = line
            try runWith(assignments, body)
        case .scope(let body):
            try inScope(of: scope) { () throws(TemplateError) in _ = try run(body) }
        default: break
        }
    }

    /// The text of a body, after filters.
    private func filtered(_ body: [Statement], by filters: [FilterCall]) throws(TemplateError) -> TemplateValue {
        let text = try capture { () throws(TemplateError) in
            try inScope(of: scope) { () throws(TemplateError) in _ = try run(body) }
        }
        var value = TemplateValue.text(text)
        for filter in filters { value = try apply(filter, to: value) }
        return value
    }

    /// A macro object that refers to the current scope and loop.
    private func makeMacro(_ definition: MacroDefinition) -> MacroObject {
        let macro = MacroObject(definition, scope: scope, loop: loop)
        register(macro)
        if let scope { register(scope) }
        return macro
    }

    /// Runs a call block: the macro is called with the body as `caller`.
    private func runCall(_ definition: MacroDefinition, _ call: TemplateExpression) throws(TemplateError) {
        guard case .postfix(let callee, var suffixes) = call, case .call(let list)? = suffixes.popLast()?.kind else {
            return
        }
        let function = try evaluate(suffixes.isEmpty ? callee : .postfix(callee, suffixes))
        var arguments = try evaluate(list)
        arguments.named.append(("caller", .callable(.macro(makeMacro(definition)))))
        try write(try text(of: try self.call(function, arguments)))
    }

    /// Runs `{% with a = 1, b = 2 %}`. All values are evaluated before the first is assigned, as in Jinja.
    private func runWith(
        _ assignments: [(target: AssignmentTarget, value: TemplateExpression)], _ body: [Statement]
    ) throws(TemplateError) {
        var values: [TemplateValue] = []
        for assignment in assignments { values.append(try evaluate(assignment.value)) }
        try inScope(of: scope) { () throws(TemplateError) in
            for (assignment, value) in zip(assignments, values) { try assign(value, to: assignment.target) }
            _ = try run(body)
        }
    }

    /// Assigns a value to a variable, to an attribute of a namespace, or item by item to a tuple of targets.
    /// - Throws: for an attribute of anything but a namespace; Python's `ValueError` for a wrong number of items.
    func assign(_ value: TemplateValue, to target: AssignmentTarget) throws(TemplateError) {
        switch target {
        case .variable(let number): set(number, value)
        case .attribute(let number, let name):
            guard case .namespace(let object) = variable(number) else {
                throw failure("cannot assign attribute on non-namespace object")
            }
            object.attributes[name] = value
        case .tuple(let targets):
            let values = try items(of: value)
            guard values.count == targets.count else {
                throw failure(
                    values.count < targets.count
                        ? "ValueError: not enough values to unpack (expected \(targets.count), got \(values.count))"
                        : "ValueError: too many values to unpack (expected \(targets.count))")
            }
            for (target, value) in zip(targets, values) { try assign(value, to: target) }
        }
    }

    /// Runs a loop in the current scope.
    private func run(_ loop: Loop) throws(TemplateError) {
        try run(loop, over: try evaluate(loop.sequence), in: scope, depth: loopDepth)
    }

    /// Runs the body of a loop for each item that passes the loop's condition.
    ///
    /// The condition filters before the loop begins, so `loop.length` and `loop.last` count only items that pass.
    /// `else` runs if no item passes.
    /// - Parameters:
    ///   - parent: the scope around the loop. In recursion it is that of the outermost loop.
    ///   - depth: the number of loops around this one, for `loop.depth`.
    func run(_ loop: Loop, over sequence: TemplateValue, in parent: VariableScope?, depth: Int) throws(TemplateError) {
        var items = try items(of: sequence)
        let outer = scope
        defer { scope = outer }
        if let condition = loop.condition {
            var kept: [TemplateValue] = []
            for item in items {
                scope = VariableScope(parent: parent)
                try assign(item, to: loop.target)
                if try evaluate(condition).isTrue { kept.append(item) }
            }
            items = kept
        }
        scope = parent
        if items.isEmpty {
            try inScope(of: parent) { () throws(TemplateError) in _ = try run(loop.otherwise) }
            return
        }
        let object = LoopObject(loop, items: items, depth: depth, scope: parent, outer: self.loop)
        register(object)
        let outerLoop = enter(object)
        defer { _ = enter(outerLoop) }
        var turn = VariableScope(parent: parent)
        for (index, item) in items.enumerated() {
            try spend()
            object.index = index
            // The scope of the previous iteration is used again unless a macro still refers to it. It saves an
            // allocation per item.
            scope = nil
            if index > 0 {
                if isKnownUniquelyReferenced(&turn) {
                    turn.removeVariables()
                } else {
                    turn = VariableScope(parent: parent)
                }
            }
            scope = turn
            try assign(item, to: loop.target)
            if try run(loop.body) == .leaveLoop { return }
        }
    }
}
