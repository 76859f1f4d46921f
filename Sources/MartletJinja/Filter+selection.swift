extension Interpreter {
    /// Applies `map`, `select`, `reject`, `selectattr`, `rejectattr` or `attr`.
    ///
    ///     messages | selectattr("role", "equalto", "user") | map(attribute="content") | list
    ///
    /// The result is a generator as in Jinja 3, or a list under `Conventions.server`, where templates take its length.
    /// `attr` never finds members of a dictionary, as in Jinja.
    func applySelection(_ filter: Filter, to value: TemplateValue, _ arguments: Arguments) throws(TemplateError)
        -> TemplateValue
    {
        if filter == .attr {
            let name = try text(try only(arguments, "name", of: "attr"), default: .empty, of: "attr")
            if case .dictionary = value { return .undefined(.attribute(of: "dict", name: name.string)) }
            return try attribute(AttributeName(name.string), of: value)
        }
        // A false value is an empty sequence, whatever its type: `none | map("trim")` is empty.
        let items = value.isTrue ? try items(of: value) : []
        var result: [TemplateValue] = []
        if filter == .map {
            for item in items { result.append(try mapped(item, arguments)) }
        } else {
            let keeps = filter == .select || filter == .selectattr
            for item in items where try isSelected(item, filter, arguments) == keeps { result.append(item) }
        }
        return try makeList(result, kind: .generator)
    }

    /// The result of `map` for an item: `map(attribute=…, default=…)` or `map("filter", arguments…)`.
    private func mapped(_ item: TemplateValue, _ arguments: Arguments) throws(TemplateError) -> TemplateValue {
        guard let first = arguments.positional.first else {
            guard let attribute = arguments.named.first(where: { $0.name == "attribute" })?.value else {
                throw failure("map requires a filter argument")
            }
            let value = try lookUp(attribute, in: item)
            guard value.isUndefined else { return value }
            return arguments.named.first { $0.name == "default" }?.value ?? value
        }
        let name = try text(first, default: .empty, of: "map").string
        guard let filter = Filter(rawValue: name) else { throw failure("No filter named '\(name)'.") }
        let rest = Arguments(positional: Array(arguments.positional.dropFirst()), named: arguments.named)
        try enter()
        defer { leave() }
        return try apply(filter, to: item, rest)
    }

    /// Whether an item passes the test of `select` and the like. Without a test its truth decides.
    private func isSelected(_ item: TemplateValue, _ filter: Filter, _ arguments: Arguments) throws(TemplateError)
        -> Bool
    {
        var positional = arguments.positional[...]
        var subject = item
        if filter == .selectattr || filter == .rejectattr {
            guard let attribute = positional.popFirst() else { throw missing("attribute", of: filter.rawValue) }
            subject = try lookUp(attribute, in: item)
        }
        try spend()
        guard let first = positional.popFirst() else { return subject.isTrue }
        let name = try text(first, default: .empty, of: filter.rawValue).string
        guard let test = ValueTest(rawValue: name) else { throw failure("No test named '\(name)'.") }
        return try apply(test, to: subject, Arguments(positional: Array(positional), named: arguments.named))
    }
}
