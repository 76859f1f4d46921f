/// A grammar with the properties of its expressions that the translation needs.
struct ProgramSource {
    let expressions: [GrammarExpression]
    let automata: [ByteAutomaton]
    /// The body of each rule.
    let bodies: [Int32]
    let root: Int32
    let limits: GrammarLimits
    /// The vocabulary's meaning of each token term; a missing term matches nothing.
    let terms: [TokenTerm: ResolvedTerm]
    /// For each expression, whether it matches the empty text.
    let nullable: [Bool]
    /// For each expression, a number above those of the expressions that it may begin with.
    let ranks: [Int32]
    /// For each expression, whether it becomes a rule because several expressions use it.
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
        // Every grammar, decoded ones included, comes from `GrammarBuilder.finish`, which throws if there is a cycle.
        // Afterwards parts are only removed, so that no new cycle arises.
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
            // Counters are rules in any case.
            default: false
            }
        }
    }
}
