extension GrammarBuilder {
    /// The grammar whose texts are those of `root`.
    ///
    /// - Parameter refusesDeadEnds: whether any rule that matches no finite text is an error. Otherwise what leads to
    ///   it is left out, and only a `root` that matches nothing is one.
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
        // What alternatives were before they were put together is in it still.
        if grammar.hasUnused {
            var builder = GrammarBuilder(limits: .unlimited)
            let rule = try builder.include(grammar)
            grammar = try builder.finish(root: rule)
        }
        try grammar.refuseAmbiguity(limits)
        return grammar
    }

    /// Of each node, whether it matches some finite text. A rule that is not defined matches none.
    package func areProductive(_ nodes: [Node]) -> [Bool] {
        let graph = ExpressionGraph(expressions: expressions, bodies: rules.map { $0.body ?? 0 }, automata: automata)
        let productive = graph.productive()
        return nodes.map { productive[Int($0.index)] }
    }

    /// Only what is reached from the root and has an end.
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
    /// Whether some expressions are of no rule.
    fileprivate var hasUnused: Bool {
        var isUsed = [Bool](repeating: false, count: expressions.count)
        for rule in rules { isUsed[Int(rule.body)] = true }
        for index in expressions.indices.reversed() where isUsed[index] {
            for part in expressions[index].children { isUsed[Int(part)] = true }
        }
        return isUsed.dropFirst(2).contains(false)
    }
}

/// Expressions numbered anew, simplified where parts of them were left out.
private struct PrunedExpressions {
    private var table = ExpressionTable()

    var expressions: [GrammarExpression] { table.expressions }

    /// So many are followed one by one.
    private static let fewAlternatives = 64

    /// Alternatives by what they begin with.
    private mutating func joined(_ alternatives: [Int32]) -> Int32 {
        var tree = ChoiceTree()
        for alternative in alternatives { tree.add(alternative, of: table.expressions) }
        return tree.number { table.add($0) }
    }

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
