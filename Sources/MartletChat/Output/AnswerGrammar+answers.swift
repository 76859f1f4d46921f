import MartletGrammar

/// What an answer consists of: calls, text, or a value.
extension AnswerGrammar {
    func answer(
        of calls: CallSyntax, _ tools: [Tool], _ demand: Demand, allowsSeveral: Bool, _ builder: inout GrammarBuilder
    ) throws(GrammarError) -> Answer? {
        var section = try section(of: calls, tools, allowsSeveral: allowsSeveral, &builder)
        let alone = builder.sequence([section, try space(&builder), try messageEnd(&builder)])
        if case .anything = demand {
        } else {
            section = builder.sequence([
                try emptyText(&builder), try heads(of: tools, &builder), section,
            ])
        }
        section = builder.sequence([section, try space(&builder), try messageEnd(&builder)])
        switch demand {
        case .calls: return Answer(free: section, calls: alone)
        case .value(let grammar):
            let value = builder.reference(try builder.include(grammar))
            return Answer(free: section, value: try text(value, &builder), calls: alone)
        case .anything:
            if calls.startsBare { return Answer(free: try bareAnswer(of: calls, tools, section, &builder)) }
            if let head = syntax.messageHead, head.call == "" {
                return Answer(free: try headedAnswer(head, tools, section, &builder))
            }
            let starts = triggers
            guard !starts.isEmpty else { return nil }
            let free = builder.freeText(until: starts, excludingMarkers: starts.flatMap(OutputSyntax.tags))
            return Answer(free: builder.sequence([free, builder.optional(section)]), calls: alone)
        }
    }

    /// A call, or a text that does not begin as one does: `{"name":` or, in Python's form, `[NAME(`.
    private func bareAnswer(
        of calls: CallSyntax, _ tools: [Tool], _ section: Node, _ builder: inout GrammarBuilder
    ) throws(GrammarError) -> Node {
        var beginnings: [String] = []
        if case .object(let name, _, _) = calls.form {
            beginnings = ["{ \"\(name)\" :"]
        } else {
            beginnings = tools.map { "[ \($0.name) (" }
        }
        let others = calls.otherOpenings.map { String(decoding: SyntaxPlan.trimmed($0), as: UTF8.self) }
        let opened = builder.choice(try markers(others, &builder))
        let call = builder.sequence([try space(&builder), builder.optional(opened), section])
        let prefixes = CallBeginnings(beginnings)
        // Where one of the other openings comes, a call follows.
        let rest = builder.sequence([
            builder.freeText(until: others, excludingMarkers: others),
            builder.optional(builder.sequence([opened, section])),
        ])
        return builder.choice([
            call, builder.automaton(prefixes.parts), builder.sequence([builder.automaton(prefixes.departures), rest]),
        ])
    }

    private func markers(_ texts: [String], _ builder: inout GrammarBuilder) throws(GrammarError) -> [Node] {
        var nodes: [Node] = []
        for text in texts { nodes.append(try literal(text, &builder)) }
        return nodes
    }

    /// A text behind its own head, with calls behind it, or calls alone; each head is a line.
    private func headedAnswer(
        _ head: OutputSyntax.MessageHead, _ tools: [Tool], _ section: Node, _ builder: inout GrammarBuilder
    ) throws(GrammarError) -> Node {
        let start = head.starts[0]
        let calls = tools.map { start + $0.name + head.end }
        let lead = opening.hasSuffix(start) ? "" : start
        let free = builder.freeText(until: calls, excludingMarkers: [start])
        let behind = builder.optional(builder.sequence([try literal(start, &builder), section]))
        return builder.sequence([
            try literal(lead, &builder),
            builder.choice([
                section, builder.sequence([builder.text(head.content[0] + head.end), free, behind]),
            ]),
        ])
    }
}
