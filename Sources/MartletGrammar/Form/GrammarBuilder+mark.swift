extension GrammarBuilder {
    /// How far a grammar has come.
    package struct Mark: Sendable {
        var expressionCount: Int
        var ruleCount: Int
        var automatonCount: Int
        var automatonStates: Int
        var cost: Int
        var failure: GrammarError?
    }

    package var mark: Mark {
        Mark(
            expressionCount: expressions.count, ruleCount: rules.count, automatonCount: automata.count,
            automatonStates: automatonStates, cost: cost, failure: failure)
    }

    /// Takes out what was added since `mark`. Rules that were there before keep their definitions.
    package mutating func forget(since mark: Mark) {
        table.truncate(to: mark.expressionCount)
        rules.removeLast(rules.count - mark.ruleCount)
        automata.removeLast(automata.count - mark.automatonCount)
        sharedRules = sharedRules.filter { $0.value.index < mark.ruleCount }
        automatonNumbers = automatonNumbers.filter { $0.value < mark.automatonCount }
        automatonStates = mark.automatonStates
        cost = mark.cost
        failure = mark.failure
    }
}
