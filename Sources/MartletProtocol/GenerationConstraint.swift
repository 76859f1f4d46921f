package import MartletGrammar

/// What a generation may write.
///
/// The grammar is of everything that is generated: what comes before it holds, such as thinking, is part of it
/// (`Grammar.afterReasoning`, `Grammar.triggered`).
package struct GenerationConstraint: Sendable, Equatable {
    package var grammar: Grammar

    package init(_ grammar: Grammar) { self.grammar = grammar }

    /// Anything until a trigger was written, and the grammar from there on.
    ///
    /// - Parameter includesTrigger: whether the grammar's texts begin with the trigger, or behind it.
    package init(
        _ grammar: Grammar, after triggers: [GrammarTrigger], includesTrigger: Bool
    ) throws(GrammarError) {
        self.grammar = try grammar.triggered(by: triggers, includesTrigger: includesTrigger)
    }
}
