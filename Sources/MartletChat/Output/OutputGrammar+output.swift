import MartletGrammar

/// The rule for a whole output: calls, text, or a value of a response schema.
extension OutputGrammar {
    /// The alternatives of an output for `requirement`.
    /// - Returns: nil if calls cannot be distinguished from free text, so that a grammar would constrain nothing.
    func output(
        of calls: ToolCallFormat, _ tools: [Tool], _ requirement: Requirement, allowsSeveral: Bool,
        _ builder: inout GrammarBuilder
    ) throws(GrammarError) -> Output? {
        var section = try section(of: calls, tools, allowsSeveral: allowsSeveral, &builder)
        let alone = builder.sequence([section, try space(&builder), try messageEnd(&builder)])
        if case .anything = requirement {
        } else {
            section = builder.sequence([
                try emptyText(&builder), try heads(of: tools, &builder), section,
            ])
        }
        section = builder.sequence([section, try space(&builder), try messageEnd(&builder)])
        switch requirement {
        case .calls: return Output(free: section, calls: alone)
        case .value(let grammar):
            let value = builder.reference(try builder.include(grammar))
            return Output(free: section, value: try text(value, &builder), calls: alone)
        case .anything:
            if calls.startsBare { return Output(free: try bareOutput(of: calls, tools, section, &builder)) }
            if let head = format.messageHead, head.call == "" {
                return Output(free: try headedOutput(head, tools, section, &builder))
            }
            let starts = triggers
            guard !starts.isEmpty else { return nil }
            let free = builder.freeText(until: starts, excludingDelimiters: starts.flatMap(ChatFormat.tags))
            return Output(free: builder.sequence([free, builder.optional(section)]), calls: alone)
        }
    }

    /// A call, or a text that does not begin as a call does: `{"name":`, or `[NAME(` in Python's notation.
    ///
    /// For formats without an opening delimiter. The first bytes decide: at the first byte that departs from a call's
    /// beginning the output becomes free text. Example: `{"name":` is a call, `{"title":` is text.
    private func bareOutput(
        of calls: ToolCallFormat, _ tools: [Tool], _ section: Node, _ builder: inout GrammarBuilder
    ) throws(GrammarError) -> Node {
        var beginnings: [String] = []
        if case .object(let name, _, _) = calls.shape {
            beginnings = ["{ \"\(name)\" :"]
        } else {
            beginnings = tools.map { "[ \($0.name) (" }
        }
        let others = calls.otherOpenings.map { String(decoding: ChatFormatPlan.trimmed($0), as: UTF8.self) }
        let opened = builder.choice(try delimiters(others, &builder))
        let call = builder.sequence([try space(&builder), builder.optional(opened), section])
        let prefixes = ToolCallPrefixes(beginnings)
        // The other openings are real delimiters, such as `<|python_tag|>`. Behind them a call is required.
        let rest = builder.sequence([
            builder.freeText(until: others, excludingDelimiters: others),
            builder.optional(builder.sequence([opened, section])),
        ])
        return builder.choice([
            call, builder.automaton(prefixes.parts), builder.sequence([builder.automaton(prefixes.departures), rest]),
        ])
    }

    /// One literal node per text.
    private func delimiters(_ texts: [String], _ builder: inout GrammarBuilder) throws(GrammarError) -> [Node] {
        var nodes: [Node] = []
        for text in texts { nodes.append(try literal(text, &builder)) }
        return nodes
    }

    /// For formats in which each message has a head of one line (Functionary): a text behind its own head with calls
    /// behind it, or calls only.
    ///
    ///     >>>all
    ///     Text.>>>get_weather
    ///     {"city": "Oslo"}
    private func headedOutput(
        _ head: ChatFormat.MessageHead, _ tools: [Tool], _ section: Node, _ builder: inout GrammarBuilder
    ) throws(GrammarError) -> Node {
        let start = head.starts[0]
        let calls = tools.map { start + $0.name + head.end }
        let lead = opening.hasSuffix(start) ? "" : start
        let free = builder.freeText(until: calls, excludingDelimiters: [start])
        let behind = builder.optional(builder.sequence([try literal(start, &builder), section]))
        return builder.sequence([
            try literal(lead, &builder),
            builder.choice([
                section, builder.sequence([builder.text(head.content[0] + head.end), free, behind]),
            ]),
        ])
    }
}
