/// What a function, filter, test or macro was called with.
struct Arguments {
    var positional: [TemplateValue] = []
    var named: [(name: String, value: TemplateValue)] = []

    /// Whether nothing was given.
    var isEmpty: Bool { positional.isEmpty && named.isEmpty }
}

extension Interpreter {
    /// Sorts `arguments` under the parameters `names`, as Python binds a call.
    func bind(_ arguments: Arguments, _ names: [String], of function: String) throws(TemplateError) -> [TemplateValue?]
    {
        var values = [TemplateValue?](repeating: nil, count: names.count)
        guard arguments.positional.count <= names.count else {
            throw failure(
                "TypeError: \(function)() takes at most \(names.count) arguments (\(arguments.positional.count) given)")
        }
        for (index, value) in arguments.positional.enumerated() { values[index] = value }
        for (name, value) in arguments.named {
            guard let index = names.firstIndex(of: name) else {
                throw failure("TypeError: \(function)() got an unexpected keyword argument '\(name)'")
            }
            guard values[index] == nil else {
                throw failure("TypeError: \(function)() got multiple values for argument '\(name)'")
            }
            values[index] = value
        }
        return values
    }

    /// The only argument, which must be given.
    func only(_ arguments: Arguments, _ name: String, of function: String) throws(TemplateError) -> TemplateValue {
        guard let value = try bind(arguments, [name], of: function)[0] else { throw missing(name, of: function) }
        return value
    }

    func missing(_ name: String, of function: String) -> TemplateError {
        failure("TypeError: \(function)() missing 1 required positional argument: '\(name)'")
    }

    /// The integer in `value`; `fallback` where none was given.
    func integer(_ value: TemplateValue?, default fallback: Int, of function: String) throws(TemplateError) -> Int {
        switch value {
        case nil, .some(.none): return fallback
        case .integer(let value, _)?: return value
        case .boolean(let value)?: return value ? 1 : 0
        case .undefined(let reason)?: throw failure(reason.message)
        case let value?:
            throw failure(
                "TypeError: '\(value.typeName)' object cannot be interpreted as an integer (in \(function))")
        }
    }

    /// The text in `value`; `fallback` where none was given.
    func text(_ value: TemplateValue?, default fallback: ProvenanceText, of function: String) throws(TemplateError)
        -> ProvenanceText
    {
        switch value {
        case nil, .some(.none): return fallback
        case .text(let text)?: return text
        case .undefined(let reason)?: throw failure(reason.message)
        case let value?:
            throw failure("TypeError: \(function) expects a string, not \(value.typeName)")
        }
    }
}
