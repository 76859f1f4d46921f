/// A condition after which a grammar applies (`grammar_triggers` of llama-server).
package enum GrammarTrigger: Sendable, Hashable {
    /// The output contains this text, or the control token with this text.
    case text(String)
    /// The output contains the token with this number.
    case token(Int32)
}

extension Grammar {
    /// Any output up to a trigger, and from there on this grammar.
    ///
    /// - Parameter includesTrigger: whether the grammar's texts begin with the trigger, or after it.
    package func triggered(
        by triggers: [GrammarTrigger], includesTrigger: Bool, limits: GrammarLimits = .unlimited
    ) throws(GrammarError) -> Grammar {
        var builder = GrammarBuilder(limits: limits)
        let included = try builder.include(self)
        let grammar = builder.reference(included)
        var texts: [String] = []
        var ids: [Int32] = []
        for trigger in triggers {
            switch trigger {
            case .text(let text): texts.append(text)
            case .token(let id): ids.append(id)
            }
        }
        let free = builder.freeText(until: texts, excludingTokens: ids)
        var begun: [GrammarBuilder.Node] = []
        if includesTrigger {
            begun = [grammar]
        } else {
            for text in texts { begun.append(builder.sequence([builder.delimiter(text), grammar])) }
            for id in ids { begun.append(builder.sequence([builder.token(.id(id)), grammar])) }
        }
        let root = builder.rule(named: "root")
        builder.define(root, as: builder.sequence([free, builder.optional(builder.choice(begun))]))
        return try builder.finish(root: root)
    }

    /// Reasoning between two delimiters, to which this grammar does not apply, followed by this grammar.
    ///
    /// - Parameter isOpen: whether the output begins inside of the reasoning (the template wrote the opening
    ///   delimiter). Otherwise the reasoning is optional.
    package func afterReasoning(
        from start: String, to end: String, isOpen: Bool, limits: GrammarLimits = .unlimited
    ) throws(GrammarError) -> Grammar {
        var builder = GrammarBuilder(limits: limits)
        let space = try builder.repetition(builder.byteSet(ByteSet(" \t\r\n".utf8)), 0, 4)
        let reasoning = builder.sequence([builder.freeText(until: [end]), builder.delimiter(end), space])
        let block =
            isOpen ? reasoning : builder.optional(builder.sequence([space, builder.delimiter(start), reasoning]))
        let included = try builder.include(self)
        let root = builder.rule(named: "root")
        builder.define(root, as: builder.sequence([block, builder.reference(included)]))
        return try builder.finish(root: root)
    }
}

extension GrammarBuilder {
    /// Any text and any control tokens, as long as no delimiter occurs, neither as text nor as a token.
    package mutating func freeText(
        until delimiters: [String], excludingTokens ids: [Int32] = [], excludingDelimiters excluded: [String] = []
    ) -> Node {
        let text = anything(until: delimiters, consumingDelimiter: false)
        let tags = delimiters.flatMap { [$0] + Self.tags(in: $0) } + excluded
        let control = token(.controlOtherThan(texts: tags, ids: ids))
        return sequence([star(sequence([text, control])), text])
    }

    /// A delimiter, of which parts in angle brackets may be control tokens.
    ///
    /// Example: `<tool_call>{` is a control token followed by a brace in some vocabularies, and plain text in
    /// others.
    package mutating func delimiter(_ delimiter: String) -> Node {
        let tags = Self.tags(in: delimiter)
        guard tags != [delimiter], !tags.isEmpty else { return controlToken(delimiter) }
        var parts: [Node] = []
        var rest = delimiter[...]
        for tag in tags {
            guard let range = rest.firstRange(of: tag) else { continue }
            parts += [text(String(rest[..<range.lowerBound])), controlToken(tag)]
            rest = rest[range.upperBound...]
        }
        return sequence(parts + [text(String(rest))])
    }

    /// The parts of a text in angle brackets.
    private static func tags(in text: String) -> [String] {
        var tags: [String] = []
        var rest = text[...]
        while let open = rest.firstIndex(of: "<"), let close = rest[open...].firstIndex(of: ">") {
            tags.append(String(rest[open...close]))
            rest = rest[rest.index(after: close)...]
        }
        return tags
    }
}
