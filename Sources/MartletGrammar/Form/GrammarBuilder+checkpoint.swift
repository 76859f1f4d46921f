extension GrammarBuilder {
    /// The extent of a builder at some moment.
    package struct Checkpoint: Sendable {
        var expressionCount: Int
        var ruleCount: Int
        var automatonCount: Int
        var automatonStates: Int
        var cost: Int
        var failure: GrammarError?
    }

    /// The current extent.
    package var checkpoint: Checkpoint {
        Checkpoint(
            expressionCount: expressions.count, ruleCount: rules.count, automatonCount: automata.count,
            automatonStates: automatonStates, cost: cost, failure: failure)
    }

    /// Removes everything that was added since `checkpoint`. Rules that existed before keep their definitions.
    package mutating func removeAll(since checkpoint: Checkpoint) {
        table.truncate(to: checkpoint.expressionCount)
        rules.removeLast(rules.count - checkpoint.ruleCount)
        automata.removeLast(automata.count - checkpoint.automatonCount)
        sharedRules = sharedRules.filter { $0.value.index < checkpoint.ruleCount }
        automatonNumbers = automatonNumbers.filter { $0.value < checkpoint.automatonCount }
        automatonStates = checkpoint.automatonStates
        cost = checkpoint.cost
        failure = checkpoint.failure
    }
}
