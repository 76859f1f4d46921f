/// The arguments of one call of a function, filter, test or macro.
///
/// `f(1, 2, x=3)` has the positional arguments 1 and 2 and the named argument `x`. The value in front of a filter or a
/// test is not among them.
struct Arguments {
    /// Values without a name, in order.
    var positional: [TemplateValue] = []
    /// Values with a name, in order. A name may occur twice; `bind` refuses it.
    var named: [(name: String, value: TemplateValue)] = []

    /// Whether the call has no arguments.
    var isEmpty: Bool { positional.isEmpty && named.isEmpty }
}

extension Interpreter {
    /// Assigns the arguments to the parameters `names`, as Python binds a call.
    ///
    /// Example: `replace("a", new="b")` with the parameters `old`, `new`, `count` gives `["a", "b", nil]`.
    /// - Returns: one value per parameter; nil = the argument is missing. The caller decides whether it has a default.
    /// - Throws: Python's `TypeError` for too many, unknown and repeated arguments.
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

    /// The only argument of a function with one required parameter.
    /// - Throws: Python's `TypeError` if it is missing.
    func only(_ arguments: Arguments, _ name: String, of function: String) throws(TemplateError) -> TemplateValue {
        guard let value = try bind(arguments, [name], of: function)[0] else { throw missing(name, of: function) }
        return value
    }

    /// Python's `TypeError` for a required argument that is missing.
    func missing(_ name: String, of function: String) -> TemplateError {
        failure("TypeError: \(function)() missing 1 required positional argument: '\(name)'")
    }

    /// An argument that must be an integer. `true` counts as 1, as in Python, where `bool` is a kind of `int`.
    /// - Parameter fallback: the result if the argument is missing or `none`.
    /// - Throws: for any other type, and for undefined values with their own message.
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

    /// An argument that must be a string. No other value is converted, as Python's methods do not convert.
    /// - Parameter fallback: the result if the argument is missing or `none`.
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
