import OrderedCollections

extension Interpreter {
    /// Calls a value: a macro, a function, a method, a joiner or a recursive loop.
    /// - Throws: Python's `TypeError: … object is not callable` for other values.
    func call(_ function: TemplateValue, _ arguments: Arguments) throws(TemplateError) -> TemplateValue {
        switch function {
        case .callable(.macro(let macro)): return try call(macro, arguments)
        case .callable(.global(let global)): return try call(global, arguments)
        case .callable(.method(let value, let name)): return try call(name, of: value, arguments)
        case .callable(.joiner(let list)):
            // The first call returns an empty text, later calls the separator. A second item marks that the first call
            // was made.
            guard list.items.count == 1 else { return list.items.first ?? .none }
            list.items.append(.none)
            return .text(.empty)
        case .loop(let loop): return try callLoop(loop, arguments)
        case .undefined(let reason): throw failure(reason.message)
        default: throw failure("TypeError: '\(function.typeName)' object is not callable")
        }
    }

    /// Calls a method of a value. A method of safe text returns safe text, if it returns text.
    ///
    /// `loop.changed(x)` is true unless its arguments equal those of the previous call; `loop.cycle(a, b)` returns the
    /// argument for the current index.
    private func call(_ name: MethodName, of value: TemplateValue, _ arguments: Arguments) throws(TemplateError)
        -> TemplateValue
    {
        switch (name, value) {
        case (.text(let method), .text(let text)):
            let result = try call(method, of: text, arguments)
            guard text.isMarkup, case .text(let made) = result else { return result }
            return .text(made.marked())
        case (.list(let method), .list(let list)): return try call(method, of: list, arguments)
        case (.dictionary(let method), .dictionary(let dictionary)):
            return try call(method, of: dictionary, arguments)
        case (.cycle, .loop(let loop)):
            guard !arguments.positional.isEmpty else { throw failure("TypeError: no items for cycling given") }
            return arguments.positional[loop.index % arguments.positional.count]
        case (.changed, .loop(let loop)):
            var isSame = loop.lastChanged?.count == arguments.positional.count
            for (old, new) in zip(loop.lastChanged ?? [], arguments.positional) where isSame {
                isSame = try areEqual(old, new)
            }
            loop.lastChanged = arguments.positional
            return .boolean(!isSame)
        case (.next, .callable(.cycler(let list))):
            let first = list.items.removeFirst()
            list.items.append(first)
            return first
        default: throw failure("TypeError: '\(value.typeName)' object is not callable")
        }
    }

    /// Renders the body of a recursive loop again, for the items of the argument: `{{ loop(item.children) }}`.
    private func callLoop(_ loop: LoopObject, _ arguments: Arguments) throws(TemplateError) -> TemplateValue {
        guard loop.loop.isRecursive else {
            throw failure(
                "TypeError: The loop must have the 'recursive' marker to be called recursively.")
        }
        let sequence = try only(arguments, "iterable", of: "loop")
        try enter(levels: 4)
        defer { leave(levels: 4) }
        let caller = beginCall(scope: scope, loop: self.loop)
        defer { endCall(caller) }
        try run(loop.loop, over: sequence, in: loop.scope, depth: loop.depth + 1)
        try spend(bytes: output.byteCount)
        return .text(output)
    }

    /// Calls a macro: renders its body in a new scope and returns the text.
    ///
    /// The scope is that in which the macro was defined, not that of the call, as in Jinja.
    private func call(_ macro: MacroObject, _ arguments: Arguments) throws(TemplateError) -> TemplateValue {
        // One call uses the stack of several evaluations.
        try enter(levels: 4)
        defer { leave(levels: 4) }
        let caller = beginCall(scope: VariableScope(parent: macro.scope), loop: macro.loop)
        defer { endCall(caller) }
        try bind(arguments, to: macro.definition)
        _ = try run(macro.definition.body)
        try spend(bytes: output.byteCount)
        return .text(output)
    }

    /// Binds the arguments to the parameters of a macro, in the current scope.
    ///
    /// Further arguments become `varargs` and `kwargs` if the macro's template names these variables anywhere;
    /// otherwise they are an error. Jinja looks in the macro's body only; a template that uses them elsewhere accepts
    /// more calls here. A parameter without a value is undefined, and a default may refer to parameters in front of
    /// it.
    private func bind(_ arguments: Arguments, to macro: MacroDefinition) throws(TemplateError) {
        var values = [TemplateValue?](repeating: nil, count: macro.parameters.count)
        for (index, value) in arguments.positional.prefix(values.count).enumerated() { values[index] = value }
        let more = arguments.positional.dropFirst(values.count)
        let others = DictionaryObject()
        var caller: TemplateValue?
        for (name, value) in arguments.named {
            if let index = macro.parameters.firstIndex(where: { $0.name == name }) {
                guard values[index] == nil else {
                    throw failure("TypeError: macro '\(macro.name)' got multiple values for argument '\(name)'")
                }
                values[index] = value
            } else if name == "caller" {
                caller = value
            } else {
                others.members[.text(ProvenanceText(name, isTrusted: false))] = value
            }
        }
        if let number = names.number(ofKnown: "varargs") {
            set(number, try makeList(Array(more), kind: .tuple))
        } else if !more.isEmpty {
            throw failure(
                "TypeError: macro '\(macro.name)' takes not more than \(macro.parameters.count) argument(s)")
        }
        if let number = names.number(ofKnown: "kwargs") {
            set(number, try makeDictionary(others))
        } else if let name = others.members.keys.first {
            throw failure(
                "TypeError: macro '\(macro.name)' takes no keyword argument '\(try text(of: name.value).string)'")
        }
        if macro.name != "caller", let number = names.number(ofKnown: "caller") {
            set(number, caller ?? .undefined(.hint("No caller defined")))
        }
        for (parameter, value) in zip(macro.parameters, values) {
            if let value {
                set(parameter.variable, value)
            } else if let expression = parameter.defaultValue {
                set(parameter.variable, try evaluate(expression))
            } else {
                set(parameter.variable, .undefined(.parameter(parameter.name)))
            }
        }
    }
}
