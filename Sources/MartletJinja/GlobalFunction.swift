import OrderedCollections

/// The functions that every template can call.
///
///     {{ raise_exception("Only user and assistant roles are supported!") }}
///     {% for i in range(3) %}{{ i }}{% endfor %}      012
///
/// `range`, `dict`, `namespace`, `cycler` and `joiner` are Jinja's; `raise_exception` and `strftime_now` are those
/// that the Hugging Face library adds for chat templates. A variable of the same name hides them.
enum GlobalFunction: String, Sendable, CaseIterable {
    case cycler
    case dict
    case joiner
    case namespace
    case raiseException = "raise_exception"
    case range
    case strftimeNow = "strftime_now"
}

extension Interpreter {
    /// Calls a global function.
    ///
    ///     raise_exception("no system role")     ends the rendering with this message (kind `raised`)
    ///     strftime_now("%d %b %Y")              the current date; trusted if the format is
    ///     namespace(found=false)                an object whose attributes `set` can change within a loop
    ///     cycler("a", "b")                      an object whose method next() returns its values in turn
    ///     joiner(", ")                          an object whose first call returns "" and each further call ", "
    func call(_ function: GlobalFunction, _ arguments: Arguments) throws(TemplateError) -> TemplateValue {
        switch function {
        case .range: return try range(arguments)
        case .namespace:
            let object = NamespaceObject()
            register(object)
            for (name, value) in try makeMembers(arguments) {
                guard case .text(let name) = name else { continue }
                object.attributes[name.string] = value
            }
            return .namespace(object)
        case .dict: return try makeDictionary(DictionaryObject(try makeMembers(arguments)))
        case .raiseException:
            let message = try text(of: try only(arguments, "message", of: function.rawValue))
            throw TemplateError(.raised, message.string, line: line)
        case .strftimeNow:
            let format = try text(
                try only(arguments, "format", of: function.rawValue), default: .empty, of: function.rawValue)
            return try makeText(ProvenanceText(time.formatted(format.string), isTrusted: format.isWhollyTrusted))
        case .cycler:
            guard !arguments.positional.isEmpty else {
                throw failure("RuntimeError: at least one item has to be provided")
            }
            return .callable(.cycler(try makeListObject(arguments.positional)))
        case .joiner:
            let separator = try bind(arguments, ["sep"], of: function.rawValue)[0]
            return .callable(.joiner(try makeListObject([separator ?? .text(", ", isTrusted: true)])))
        }
    }

    /// A list object that the interpreter clears at the end.
    private func makeListObject(_ items: [TemplateValue]) throws(TemplateError) -> ListObject {
        let list = ListObject(items)
        register(list)
        return list
    }

    /// The members of `dict(…)` and `namespace(…)`: those of a mapping or of pairs, then the named arguments.
    private func makeMembers(
        _ arguments: Arguments
    ) throws(TemplateError) -> OrderedDictionary<DictionaryKey, TemplateValue> {
        let object = DictionaryObject()
        if let first = arguments.positional.first { try update(object, from: first) }
        // These names are part of the template's source, so they are trusted.
        for (name, value) in arguments.named { object.members[.text(ProvenanceText(name, isTrusted: true))] = value }
        return object.members
    }

    /// `range(stop)`, `range(start, stop)` or `range(start, stop, step)`.
    ///
    /// At most 100,000 numbers, as in Jinja's sandbox (`MAX_RANGE`). The numbers are trusted if all arguments are.
    private func range(_ arguments: Arguments) throws(TemplateError) -> TemplateValue {
        var bounds: [Int] = []
        for argument in arguments.positional { bounds.append(try integer(argument, default: 0, of: "range")) }
        guard (1...3).contains(bounds.count), arguments.named.isEmpty else {
            throw failure("TypeError: range expected 1 to 3 arguments, got \(bounds.count)")
        }
        let start = bounds.count == 1 ? 0 : bounds[0]
        let stop = bounds.count == 1 ? bounds[0] : bounds[1]
        let step = bounds.count == 3 ? bounds[2] : 1
        guard step != 0 else { throw failure("ValueError: range() arg 3 must not be zero") }
        let isTrusted = arguments.positional.allSatisfy { $0.integerForArithmetic?.isTrusted ?? false }
        var items: [TemplateValue] = []
        var current = start
        while step > 0 ? current < stop : current > stop {
            guard items.count < 100_000 else {
                throw failure("OverflowError: Range too big. The sandbox blocks ranges larger than 100000.")
            }
            items.append(.integer(current, isTrusted: isTrusted))
            let (next, overflow) = current.addingReportingOverflow(step)
            if overflow { break }
            current = next
        }
        return try makeList(items, kind: .range)
    }
}
