/// A grammar with what its translation asks of all its expressions.
struct ProgramSource {
    let expressions: [GrammarExpression]
    let automata: [ByteAutomaton]
    /// Body of each rule.
    let bodies: [Int32]
    let root: Int32
    let limits: GrammarLimits
    /// What the vocabulary makes of each token term; one that is missing matches nothing.
    let terms: [TokenTerm: ResolvedTerm]
    /// For each expression, whether it matches the empty text.
    let nullable: [Bool]
    /// For each expression, a number above those of what it may begin with.
    let ranks: [Int32]
    /// For each expression, whether it is put out once, as a rule, for all places where it is used.
    let isShared: [Bool]

    init(_ grammar: Grammar, terms: [TokenTerm: ResolvedTerm], limits: GrammarLimits) {
        expressions = grammar.expressions
        automata = grammar.automata
        bodies = grammar.rules.map(\.body)
        root = grammar.rules[Int(grammar.root)].body
        self.limits = limits
        self.terms = terms
        let graph = ExpressionGraph(expressions: expressions, bodies: bodies, automata: automata)
        nullable = graph.nullable()
        switch graph.order(nullable: nullable) {
        case .ranks(let ranks): self.ranks = ranks
        // Every grammar comes from `GrammarBuilder.finish`, the decoded ones too. It throws where there is a cycle, and
        // then only leaves out parts: what an expression may begin with becomes less.
        case .cycle: preconditionFailure("left recursion is refused when a grammar is made")
        }
        var uses = [Int32](repeating: 0, count: expressions.count)
        for expression in expressions {
            for child in expression.children { uses[Int(child)] += 1 }
        }
        isShared = zip(grammar.expressions, uses).map { expression, uses in
            switch expression {
            case .sequence, .choice, .repetition(_, 0, nil), .repetition(_, 1, nil), .repetition(_, 0, 1):
                uses > 1
            // Counters are rules anyway.
            default: false
            }
        }
    }
}
