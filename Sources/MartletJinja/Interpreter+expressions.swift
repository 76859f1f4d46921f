import OrderedCollections

extension Interpreter {
    /// The value of an expression.
    ///
    /// Counts one step, and one level of depth for nested expressions. Each kind of expression has a function of its
    /// own, so that the stack frame of one level stays small.
    func evaluate(_ expression: TemplateExpression) throws(TemplateError) -> TemplateValue {
        try spend()
        switch expression {
        case .constant(let constant): return TemplateValue(constant)
        case .variable(let number): return variable(number)
        default: break
        }
        try enter()
        defer { leave() }
        return try evaluateNested(expression)
    }

    /// The value of an expression that contains others.
    private func evaluateNested(_ expression: TemplateExpression) throws(TemplateError) -> TemplateValue {
        switch expression {
        case .constant, .variable: .none
        case .postfix(let operand, let suffixes): try evaluatePostfix(operand, suffixes)
        case .arithmetic(let first, let links): try evaluateArithmetic(first, links)
        case .concatenation(let operands): try evaluateConcatenation(operands)
        case .comparison(let first, let links, let line): try evaluateComparison(first, links, line)
        case .and(let operands): try evaluateLogic(operands, stopsAt: false)
        case .or(let operands): try evaluateLogic(operands, stopsAt: true)
        case .not(let operand): .boolean(!(try evaluate(operand).isTrue))
        case .negative(let operand, let line): try negated(try evaluate(operand), line)
        case .positive(let operand, let line): try positive(try evaluate(operand), line)
        case .conditional(let then, let condition, let otherwise):
            try evaluateConditional(then, condition, otherwise)
        case .list(let items): try makeList(try evaluateAll(items))
        case .tuple(let items): try makeList(try evaluateAll(items), kind: .tuple)
        case .dictionary(let members): try evaluateDictionary(members)
        }
    }

    /// The values of expressions, in order.
    private func evaluateAll(_ expressions: [TemplateExpression]) throws(TemplateError) -> [TemplateValue] {
        var values: [TemplateValue] = []
        values.reserveCapacity(expressions.count)
        for expression in expressions { values.append(try evaluate(expression)) }
        return values
    }

    /// The dictionary of a literal `{key: value}`. Of equal keys the last value counts, at the place of the first.
    private func evaluateDictionary(
        _ members: [(key: TemplateExpression, value: TemplateExpression)]
    ) throws(TemplateError) -> TemplateValue {
        let dictionary = DictionaryObject()
        for member in members {
            let key = try key(from: try evaluate(member.key))
            dictionary.members[key] = try evaluate(member.value)
        }
        return try makeDictionary(dictionary)
    }

    /// `then if condition else otherwise`. Without `else` a false condition gives an undefined value, which prints as
    /// nothing.
    private func evaluateConditional(
        _ then: TemplateExpression, _ condition: TemplateExpression, _ otherwise: TemplateExpression?
    ) throws(TemplateError) -> TemplateValue {
        if try evaluate(condition).isTrue { return try evaluate(then) }
        guard let otherwise else {
            return .undefined(
                .hint("the inline if-expression on line \(line) evaluated to false and no else section was defined."))
        }
        return try evaluate(otherwise)
    }

    /// `a and b`, `a or b`: the value of the operand that decides, not a boolean. `"" or "x"` is `x`, as in Python.
    private func evaluateLogic(_ operands: [TemplateExpression], stopsAt truth: Bool) throws(TemplateError)
        -> TemplateValue
    {
        var value = TemplateValue.none
        for operand in operands {
            value = try evaluate(operand)
            if value.isTrue == truth { return value }
        }
        return value
    }

    /// `a ~ b`: the texts of both, whatever their types. Each part retains its provenance.
    private func evaluateConcatenation(_ operands: [TemplateExpression]) throws(TemplateError) -> TemplateValue {
        var result = ProvenanceText.empty
        for operand in operands { result.append(try text(of: try evaluate(operand))) }
        return try makeText(result)
    }

    /// A chain of comparisons, as in Python: `1 < x < 5` means `1 < x and x < 5`, and `x` is evaluated once.
    private func evaluateComparison(
        _ first: TemplateExpression, _ links: [(operation: ComparisonOperator, operand: TemplateExpression)],
        _ line: Int
    ) throws(TemplateError) -> TemplateValue {
        var left = try evaluate(first)
        for link in links {
            let right = try evaluate(link.operand)
            self.line = line
            guard try compare(left, link.operation, right) else { return .boolean(false) }
            left = right
        }
        return .boolean(true)
    }

    /// A chain of operators of one rank, from left to right.
    ///
    /// Powers too are evaluated from the left, as Jinja's parser builds them: `2 ** 3 ** 2` is 64, not 512 as in
    /// Python.
    private func evaluateArithmetic(
        _ first: TemplateExpression, _ links: [(operation: ArithmeticOperator, operand: TemplateExpression, line: Int)]
    ) throws(TemplateError) -> TemplateValue {
        var left = try evaluate(first)
        for link in links {
            let right = try evaluate(link.operand)
            line = link.line
            left = try calculate(left, link.operation, right)
        }
        return left
    }

    /// An operand with its suffixes, from left to right. The line of each suffix is set for error messages.
    private func evaluatePostfix(_ operand: TemplateExpression, _ suffixes: [Suffix]) throws(TemplateError)
        -> TemplateValue
    {
        var value = try evaluate(operand)
        for suffix in suffixes {
            line = suffix.line
            switch suffix.kind {
            case .attribute(let name): value = try attribute(name, of: value)
            case .element(let index): value = try element(try evaluate(index), of: value)
            case .slice(let start, let stop, let step): value = try evaluateSlice(of: value, start, stop, step)
            case .call(let list): value = try evaluateCall(of: value, list, suffix.line)
            case .filter(let call): value = try apply(call, to: value)
            case .test(let call): value = .boolean(try apply(call, to: value))
            }
        }
        return value
    }

    /// The result of a call. Counts a step besides those of the arguments.
    private func evaluateCall(of function: TemplateValue, _ list: ArgumentList, _ line: Int) throws(TemplateError)
        -> TemplateValue
    {
        try spend()
        let arguments = try evaluate(list)
        self.line = line
        return try call(function, arguments)
    }

    /// The arguments of a call, evaluated in the order of Python: positional, named, `*more`, `**more`.
    func evaluate(_ list: ArgumentList) throws(TemplateError) -> Arguments {
        var arguments = Arguments()
        if list.isEmpty { return arguments }
        arguments.positional = try evaluateAll(list.positional)
        for argument in list.named { arguments.named.append((argument.name, try evaluate(argument.value))) }
        if let more = list.morePositional { arguments.positional += try items(of: try evaluate(more)) }
        if let more = list.moreNamed {
            guard case .dictionary(let dictionary) = try evaluate(more) else {
                throw failure("TypeError: argument after ** must be a mapping")
            }
            for (key, value) in dictionary.members {
                guard case .text(let name) = key else { throw failure("TypeError: keywords must be strings") }
                arguments.named.append((name.string, value))
            }
        }
        return arguments
    }

    /// The result of a filter. An unknown filter fails here, when it is reached.
    func apply(_ call: FilterCall, to value: TemplateValue) throws(TemplateError) -> TemplateValue {
        guard let filter = call.filter else { throw failure("No filter named '\(call.name)'.") }
        let arguments = try evaluate(call.arguments)
        line = call.line
        return try apply(filter, to: value, arguments)
    }

    /// Whether a value passes a test; `is not` negates the result.
    private func apply(_ call: TestCall, to value: TemplateValue) throws(TemplateError) -> Bool {
        guard let test = call.test else { throw failure("No test named '\(call.name)'.") }
        let result = try apply(test, to: value, try evaluate(call.arguments))
        return result != call.isNegated
    }

    /// The value of `value[start:stop:step]`, whose bounds are expressions.
    private func evaluateSlice(
        of value: TemplateValue, _ start: TemplateExpression?, _ stop: TemplateExpression?, _ step: TemplateExpression?
    ) throws(TemplateError) -> TemplateValue {
        let bounds = (try bound(start), try bound(stop), try bound(step))
        return try slice(value, start: bounds.0, stop: bounds.1, step: bounds.2)
    }

    /// A bound of a slice; nil for a missing bound and for `none`.
    private func bound(_ expression: TemplateExpression?) throws(TemplateError) -> Int? {
        guard let expression else { return nil }
        switch try evaluate(expression) {
        case .none: return nil
        case .integer(let value, _): return value
        case .boolean(let value): return value ? 1 : 0
        case .undefined(let reason): throw failure(reason.message)
        default:
            throw failure("TypeError: slice indices must be integers or None or have an __index__ method")
        }
    }
}
