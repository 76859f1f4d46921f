internal import MartletText

/// Puts a grammar together.
///
/// Equal expressions are one node. A budget that is used up, or a mistake in what is asked for, makes every further
/// node `never` and is thrown by `finish`.
package struct GrammarBuilder {
    /// An expression of this builder.
    package struct Node: Hashable, Sendable {
        let index: Int32
    }

    /// A rule of this builder. It may be referred to before it is defined.
    package struct Rule: Hashable, Sendable {
        let index: Int32
    }

    package let limits: GrammarLimits
    var table = ExpressionTable()
    var rules: [(name: String, body: Int32?)] = []
    var automata: [ByteAutomaton] = []
    var sharedRules: [ExactString: Rule] = [:]
    /// How many different automata there are.
    package var automatonCount: Int { automata.count }
    var automatonNumbers: [ByteAutomaton: Int32] = [:]
    var automatonStates = 0
    var cost = 0
    /// The first thing that went wrong.
    package internal(set) var failure: GrammarError?

    package init(limits: GrammarLimits = .standard) {
        self.limits = limits
    }

    var expressions: [GrammarExpression] { table.expressions }

    /// Matches the empty text.
    package mutating func empty() -> Node { Node(index: 1) }

    /// Matches nothing.
    package mutating func never() -> Node { Node(index: 0) }

    package mutating func bytes(_ bytes: some Sequence<UInt8>) -> Node {
        let bytes = Array(bytes)
        return bytes.isEmpty ? empty() : node(.literal(bytes))
    }

    /// The UTF-8 of `text`.
    package mutating func text(_ text: String) -> Node { bytes(text.utf8) }

    /// One byte of `set`.
    package mutating func byteSet(_ set: ByteSet) -> Node {
        switch set.count {
        case 0: never()
        case 1: node(.literal(set.bytes))
        default: node(.set(set))
        }
    }

    /// One Unicode scalar of `ranges`, as UTF-8. Surrogates are left out.
    package mutating func characters(_ ranges: [ClosedRange<UInt32>]) -> Node {
        let ranges = ScalarRanges.normalized(ranges)
        guard let first = ranges.first, let last = ranges.last else { return never() }
        if first.lowerBound == last.upperBound { return bytes(ScalarRanges.utf8(first.lowerBound)) }
        if last.upperBound < 0x80 {
            var set = ByteSet()
            for range in ranges { set.insert(UInt8(range.lowerBound)...UInt8(range.upperBound)) }
            return byteSet(set)
        }
        return ByteAutomaton.character(in: ranges).map { automaton($0) } ?? never()
    }

    package mutating func sequence(_ parts: [Node]) -> Node {
        var kept: [Int32] = []
        kept.reserveCapacity(parts.count)
        for part in parts where part.index != 1 {
            if part.index == 0 { return never() }
            kept.append(part.index)
        }
        return kept.count < 2 ? Node(index: kept.first ?? 1) : node(.sequence(kept))
    }

    package mutating func choice(_ alternatives: [Node]) -> Node {
        let kept = GrammarExpression.distinct(alternatives.map(\.index))
        return kept.count < 2 ? Node(index: kept.first ?? 0) : node(.choice(kept))
    }

    /// `node` at least `minimum` times, and at most `maximum` times; `nil` = without end.
    ///
    /// What is counted does not make the grammar larger.
    package mutating func repetition(_ node: Node, _ minimum: Int, _ maximum: Int?) throws(GrammarError) -> Node {
        guard minimum >= 0, maximum.map({ $0 >= minimum }) ?? true else {
            throw GrammarError(
                .syntax,
                "A repetition of at least \(minimum) and at most \(maximum.map(String.init) ?? "any number") times is none."
            )
        }
        if max(minimum, maximum ?? 0) > limits.repetitions {
            throw GrammarError(
                .limit,
                "A repetition of \(max(minimum, maximum ?? 0)) times is above the limit of \(limits.repetitions).")
        }
        if maximum == 0 || node.index == 1 { return empty() }
        if node.index == 0 { return minimum == 0 ? empty() : never() }
        if minimum == 1, maximum == 1 { return node }
        return self.node(.repetition(node.index, minimum: Int32(minimum), maximum: maximum.map(Int32.init)))
    }

    /// `node` or nothing.
    package mutating func optional(_ node: Node) -> Node {
        node.index <= 1 ? empty() : self.node(.repetition(node.index, minimum: 0, maximum: 1))
    }

    /// `node` any number of times.
    package mutating func star(_ node: Node) -> Node {
        node.index <= 1 ? empty() : self.node(.repetition(node.index, minimum: 0, maximum: nil))
    }

    /// A rule that is yet to be defined. Names are for error messages and need not be unique.
    package mutating func rule(named name: String) -> Rule {
        if rules.count >= limits.rules {
            fail(GrammarError(.limit, "The grammar has more than \(limits.rules) rules.", rule: name))
            if let last = rules.indices.last { return Rule(index: Int32(last)) }
        }
        rules.append((name, nil))
        return Rule(index: Int32(rules.count - 1))
    }

    /// The rule that all who ask for this name share; also whether it is new, so that it is to be defined.
    package mutating func sharedRule(named name: String) -> (rule: Rule, isNew: Bool) {
        if let rule = sharedRules[name] { return (rule, false) }
        let rule = rule(named: name)
        sharedRules[name] = rule
        return (rule, true)
    }

    /// Says what `rule` matches. What was said before counts no longer.
    package mutating func define(_ rule: Rule, as node: Node) {
        rules[Int(rule.index)].body = node.index
    }

    package mutating func reference(_ rule: Rule) -> Node { node(.reference(rule.index)) }

    package mutating func automaton(_ automaton: ByteAutomaton) -> Node {
        guard let trimmed = automaton.trimmed() else { return never() }
        if let number = automatonNumbers[trimmed] { return node(.automaton(number)) }
        guard automatonStates + trimmed.stateCount <= limits.automatonStates else {
            fail(GrammarError(.limit, "The grammar's automata have more than \(limits.automatonStates) states."))
            return never()
        }
        automatonStates += trimmed.stateCount
        automata.append(trimmed)
        automatonNumbers[trimmed] = Int32(automata.count - 1)
        return node(.automaton(Int32(automata.count - 1)))
    }

    /// Any bytes in which none of `delimiters` occurs; or any up to the first end of one, with it.
    package mutating func anything(until delimiters: [String], consumingDelimiter: Bool) -> Node {
        automaton(.anything(until: delimiters, consumingDelimiter: consumingDelimiter))
    }

    /// The vocabulary's control token with this text if it has one, else the text's bytes.
    package mutating func controlToken(_ text: String) -> Node { text.isEmpty ? empty() : token(.controlToken(text)) }

    /// One whole token.
    package mutating func token(_ term: TokenTerm) -> Node { node(.token(term)) }

    /// The bracket that begins an array of JSON or Python in which no two items may be equal.
    package mutating func distinctItemsOpening() -> Node { node(.itemBound(UInt8(ascii: "["), opens: true)) }

    /// The comma or the bracket that ends an item of such an array.
    package mutating func distinctItemEnd(_ byte: UInt8) -> Node { node(.itemBound(byte, opens: false)) }

    /// A rule that matches what `grammar` does.
    package mutating func include(_ grammar: Grammar) throws(GrammarError) -> Rule {
        let rules = grammar.rules.map { rule(named: $0.name) }
        var nodes: [Node] = []
        for expression in grammar.expressions {
            switch expression {
            case .never: nodes.append(never())
            case .empty: nodes.append(empty())
            case .literal(let text): nodes.append(bytes(text))
            case .set(let set): nodes.append(byteSet(set))
            case .sequence(let parts): nodes.append(sequence(parts.map { nodes[Int($0)] }))
            case .choice(let parts): nodes.append(choice(parts.map { nodes[Int($0)] }))
            case .repetition(let child, let minimum, let maximum):
                nodes.append(try repetition(nodes[Int(child)], Int(minimum), maximum.map(Int.init)))
            case .reference(let rule): nodes.append(reference(rules[Int(rule)]))
            case .automaton(let number): nodes.append(automaton(grammar.automata[Int(number)]))
            case .token(let term): nodes.append(token(term))
            case .itemBound(let byte, let opens): nodes.append(node(.itemBound(byte, opens: opens)))
            }
        }
        for (rule, source) in zip(rules, grammar.rules) { define(rule, as: nodes[Int(source.body)]) }
        return rules[Int(grammar.root)]
    }

    mutating func node(_ expression: GrammarExpression) -> Node {
        guard cost + expression.cost <= limits.nodes else {
            if let number = table.number(of: expression) { return Node(index: number) }
            fail(GrammarError(.limit, "The grammar has more than \(limits.nodes) nodes."))
            return never()
        }
        let count = table.expressions.count
        let number = table.add(expression)
        if Int(number) == count { cost += expression.cost }
        return Node(index: number)
    }

    private mutating func fail(_ error: GrammarError) {
        if failure == nil { failure = error }
    }
}
