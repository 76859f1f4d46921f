extension GrammarBuilder {
    /// The grammar of the texts of `root`.
    ///
    /// - Parameter refusesDeadEnds: whether each rule without a finite text is an error. Otherwise such alternatives
    ///   are removed, and only a `root` without a finite text is an error.
    /// - Throws: the first failure of the builder, an undefined rule, left recursion, a dead end, or too much
    ///   ambiguity.
    /// - Complexity: linear in expressions, apart from the check for ambiguity.
    package consuming func finish(root: Rule, refusesDeadEnds: Bool = false) throws(GrammarError) -> Grammar {
        if let failure { throw failure }
        var bodies: [Int32] = []
        for rule in rules {
            guard let body = rule.body else {
                throw GrammarError(.undefinedRule, "Rule '\(rule.name)' is not defined.", rule: rule.name)
            }
            bodies.append(body)
        }
        let expressions = expressions
        let graph = ExpressionGraph(expressions: expressions, bodies: bodies, automata: automata)
        if case .cycle(let cycle) = graph.order(nullable: graph.nullable()) {
            let names = cycle.prefix(8).map { rules[Int($0)].name }
            let path = (names + (cycle.count > 8 ? ["…"] : []) + [names[0]]).joined(separator: " → ")
            throw GrammarError(
                .leftRecursion, "Rule '\(names[0])' may begin with itself (\(path)): that is left recursion.",
                rule: names[0])
        }
        let productive = graph.productive()
        let isRootProductive = productive[Int(bodies[Int(root.index)])]
        let deadEnd =
            refusesDeadEnds
            ? bodies.indices.first { !productive[Int(bodies[$0])] } : isRootProductive ? nil : Int(root.index)
        if let deadEnd {
            let name = rules[deadEnd].name
            throw GrammarError(.deadEnd, "Rule '\(name)' matches no finite text.", rule: name)
        }
        var grammar = pruned(bodies: bodies, productive: productive, root: root)
        // Alternatives that a `ChoiceTree` has replaced are still among the expressions.
        if grammar.hasUnused {
            var builder = GrammarBuilder(limits: .unlimited)
            let rule = try builder.include(grammar)
            grammar = try builder.finish(root: rule)
        }
        try grammar.refuseAmbiguity(limits)
        return grammar
    }

    /// For each node, whether it matches some finite text. An undefined rule matches none.
    package func areProductive(_ nodes: [Node]) -> [Bool] {
        let graph = ExpressionGraph(expressions: expressions, bodies: rules.map { $0.body ?? 0 }, automata: automata)
        let productive = graph.productive()
        return nodes.map { productive[Int($0.index)] }
    }

    /// The grammar without expressions that are unreachable or match no finite text.
    private func pruned(bodies: [Int32], productive: [Bool], root: Rule) -> Grammar {
        let expressions = expressions
        let reached = reachable(bodies: bodies, productive: productive, root: root)
        var pruned = PrunedExpressions()
        var ruleNumbers = [Int32](repeating: -1, count: rules.count)
        var keptRules: [Int] = []
        for rule in rules.indices where reached.rules[rule] {
            ruleNumbers[rule] = Int32(keptRules.count)
            keptRules.append(rule)
        }
        var automatonNumbers = [Int32](repeating: -1, count: automata.count)
        var keptAutomata: [ByteAutomaton] = []
        var numbers = [Int32](repeating: 0, count: expressions.count)
        for index in expressions.indices where reached.expressions[index] {
            let expression: GrammarExpression
            switch expressions[index] {
            case .sequence(let parts): expression = .sequence(parts.map { numbers[Int($0)] })
            case .choice(let parts): expression = .choice(parts.map { numbers[Int($0)] })
            case .repetition(let child, let minimum, let maximum):
                expression = .repetition(numbers[Int(child)], minimum: minimum, maximum: maximum)
            case .reference(let rule): expression = .reference(ruleNumbers[Int(rule)])
            case .automaton(let number):
                if automatonNumbers[Int(number)] < 0 {
                    automatonNumbers[Int(number)] = Int32(keptAutomata.count)
                    keptAutomata.append(automata[Int(number)])
                }
                expression = .automaton(automatonNumbers[Int(number)])
            case let other: expression = other
            }
            numbers[index] = pruned.number(of: expression)
        }
        return Grammar(
            expressions: pruned.expressions,
            rules: keptRules.map { .init(name: rules[$0].name, body: numbers[Int(bodies[$0])]) },
            automata: keptAutomata, root: ruleNumbers[Int(root.index)])
    }

    /// The expressions and rules that are reachable from the root.
    private func reachable(
        bodies: [Int32], productive: [Bool], root: Rule
    ) -> (expressions: [Bool], rules: [Bool]) {
        let expressions = expressions
        var seen = [Bool](repeating: false, count: expressions.count)
        var seenRules = [Bool](repeating: false, count: rules.count)
        seenRules[Int(root.index)] = true
        var work = [bodies[Int(root.index)]]
        while let index = work.popLast() {
            guard productive[Int(index)], !seen[Int(index)] else { continue }
            seen[Int(index)] = true
            work += expressions[Int(index)].children
            if case .reference(let rule) = expressions[Int(index)], !seenRules[Int(rule)] {
                seenRules[Int(rule)] = true
                work.append(bodies[Int(rule)])
            }
        }
        return (seen, seenRules)
    }
}

extension Grammar {
    /// Whether some expressions belong to no rule.
    fileprivate var hasUnused: Bool {
        var isUsed = [Bool](repeating: false, count: expressions.count)
        for rule in rules { isUsed[Int(rule.body)] = true }
        for index in expressions.indices.reversed() where isUsed[index] {
            for part in expressions[index].children { isUsed[Int(part)] = true }
        }
        return isUsed.dropFirst(2).contains(false)
    }
}

/// Expressions with new numbers, simplified where parts were removed.
private struct PrunedExpressions {
    private var table = ExpressionTable()

    var expressions: [GrammarExpression] { table.expressions }

    /// Up to so many alternatives are followed one by one; more are joined by their beginnings.
    private static let fewAlternatives = 64

    /// The alternatives as a prefix tree.
    private mutating func joined(_ alternatives: [Int32]) -> Int32 {
        var tree = ChoiceTree()
        for alternative in alternatives { tree.add(alternative, of: table.expressions) }
        return tree.number { table.add($0) }
    }

    /// The number of an expression after simplification.
    mutating func number(of expression: GrammarExpression) -> Int32 {
        switch expression {
        case .sequence(let parts) where parts.contains(1):
            let kept = parts.filter { $0 != 1 }
            return kept.count < 2 ? kept.first ?? 1 : table.add(.sequence(kept))
        case .choice(let parts):
            let kept = GrammarExpression.distinct(parts)
            if kept.count > Self.fewAlternatives { return joined(kept) }
            return kept.count < 2 ? kept.first ?? 0 : table.add(.choice(kept))
        case .repetition(0, _, _), .repetition(1, _, _): return 1
        default: return table.add(expression)
        }
    }
}
