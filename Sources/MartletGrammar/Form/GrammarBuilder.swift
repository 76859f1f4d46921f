internal import MartletText

/// Builds a grammar.
///
/// Equal expressions are one node. The first error, such as an exceeded limit, is stored in `failure`; all further
/// nodes are `never`, and `finish` throws the error. Thus code that builds large grammars needs no `try` for each node.
///
/// A value with one owner: copying it copies its tables at the next change.
package struct GrammarBuilder {
    /// An expression of this builder.
    package struct Node: Hashable, Sendable {
        let index: Int32
    }

    /// A rule of this builder. It may be referred to before it is defined, as recursion needs.
    package struct Rule: Hashable, Sendable {
        let index: Int32
    }

    /// The limits; the first exceeded one becomes the builder's failure.
    package let limits: GrammarLimits
    /// The expressions; the numbers of `Node` are theirs.
    var table = ExpressionTable()
    var rules: [(name: String, body: Int32?)] = []
    var automata: [ByteAutomaton] = []
    /// The rules that several parts of a grammar share, by name.
    var sharedRules: [ExactString: Rule] = [:]
    /// The number of different automata.
    package var automatonCount: Int { automata.count }
    /// The number of each automaton; equal automata are stored once.
    var automatonNumbers: [ByteAutomaton: Int32] = [:]
    /// The states of all automata together, and the cost of all expressions; both are limited.
    var automatonStates = 0
    var cost = 0
    /// The first error.
    package internal(set) var failure: GrammarError?

    /// Creates an empty builder.
    package init(limits: GrammarLimits = .standard) {
        self.limits = limits
    }

    var expressions: [GrammarExpression] { table.expressions }

    /// The empty text.
    package mutating func empty() -> Node { Node(index: 1) }

    /// No text.
    package mutating func never() -> Node { Node(index: 0) }

    /// Exactly these bytes.
    package mutating func bytes(_ bytes: some Sequence<UInt8>) -> Node {
        let bytes = Array(bytes)
        return bytes.isEmpty ? empty() : node(.literal(bytes))
    }

    /// The UTF-8 bytes of `text`.
    package mutating func text(_ text: String) -> Node { bytes(text.utf8) }

    /// One byte of `set`.
    package mutating func byteSet(_ set: ByteSet) -> Node {
        switch set.count {
        case 0: never()
        case 1: node(.literal(set.bytes))
        default: node(.set(set))
        }
    }

    /// One Unicode scalar of `ranges` as UTF-8. Surrogates are left out.
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

    /// The parts one after the other.
    package mutating func sequence(_ parts: [Node]) -> Node {
        var kept: [Int32] = []
        kept.reserveCapacity(parts.count)
        for part in parts where part.index != 1 {
            if part.index == 0 { return never() }
            kept.append(part.index)
        }
        return kept.count < 2 ? Node(index: kept.first ?? 1) : node(.sequence(kept))
    }

    /// Any of the alternatives.
    package mutating func choice(_ alternatives: [Node]) -> Node {
        let kept = GrammarExpression.distinct(alternatives.map(\.index))
        return kept.count < 2 ? Node(index: kept.first ?? 0) : node(.choice(kept))
    }

    /// `node` at least `minimum` times, and at most `maximum` times; without a maximum if it is `nil`.
    ///
    /// The count is a number in the matcher's state, so that a large count does not make the grammar larger.
    ///
    /// - Throws: an error for bounds that are negative, reversed, or above `limits.repetitions`.
    package mutating func repetition(_ node: Node, _ minimum: Int, _ maximum: Int?) throws(GrammarError) -> Node {
        guard minimum >= 0, maximum.map({ $0 >= minimum }) ?? true else {
            throw GrammarError(
                .syntax,
                "A repetition of at least \(minimum) and at most \(maximum.map(String.init) ?? "any number") times is empty."
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

    /// `node` or the empty text.
    package mutating func optional(_ node: Node) -> Node {
        node.index <= 1 ? empty() : self.node(.repetition(node.index, minimum: 0, maximum: 1))
    }

    /// `node` any number of times.
    package mutating func star(_ node: Node) -> Node {
        node.index <= 1 ? empty() : self.node(.repetition(node.index, minimum: 0, maximum: nil))
    }

    /// A rule that is to be defined. The name appears in error messages and need not be unique.
    package mutating func rule(named name: String) -> Rule {
        if rules.count >= limits.rules {
            fail(GrammarError(.limit, "The grammar has more than \(limits.rules) rules.", rule: name))
            if let last = rules.indices.last { return Rule(index: Int32(last)) }
        }
        rules.append((name, nil))
        return Rule(index: Int32(rules.count - 1))
    }

    /// The rule that all callers with the same name share, and whether the caller has to define it.
    package mutating func sharedRule(named name: String) -> (rule: Rule, isNew: Bool) {
        if let rule = sharedRules[name] { return (rule, false) }
        let rule = rule(named: name)
        sharedRules[name] = rule
        return (rule, true)
    }

    /// Defines or redefines the texts of `rule`.
    package mutating func define(_ rule: Rule, as node: Node) {
        rules[Int(rule.index)].body = node.index
    }

    /// The texts of a rule.
    package mutating func reference(_ rule: Rule) -> Node { node(.reference(rule.index)) }

    /// The texts of an automaton.
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

    /// Any bytes in which no delimiter occurs; or, if `consumingDelimiter`, any bytes up to and including the first
    /// delimiter.
    package mutating func anything(until delimiters: [String], consumingDelimiter: Bool) -> Node {
        automaton(.anything(until: delimiters, consumingDelimiter: consumingDelimiter))
    }

    /// The control token of the vocabulary with this text if there is one, otherwise the bytes of the text.
    package mutating func controlToken(_ text: String) -> Node { text.isEmpty ? empty() : token(.controlToken(text)) }

    /// One whole token.
    package mutating func token(_ term: TokenTerm) -> Node { node(.token(term)) }

    /// The opening bracket of a JSON or Python array in which no two items may be equal.
    package mutating func distinctItemsOpening() -> Node { node(.itemBound(UInt8(ascii: "["), opens: true)) }

    /// The comma or bracket that ends an item of such an array.
    package mutating func distinctItemEnd(_ byte: UInt8) -> Node { node(.itemBound(byte, opens: false)) }

    /// Adds a finished grammar as a rule.
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

    /// The node of an expression, which is added if it is new and within the limit.
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

    /// Stores the first error.
    private mutating func fail(_ error: GrammarError) {
        if failure == nil { failure = error }
    }
}
