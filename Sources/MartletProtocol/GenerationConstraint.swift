package import MartletGrammar

/// The grammar of an output.
///
/// It covers everything that is generated. Output before the constrained part, such as reasoning, is part of the
/// grammar (`Grammar.afterReasoning`, `Grammar.triggered`).
package struct GenerationConstraint: Sendable, Equatable {
    package var grammar: Grammar

    package init(_ grammar: Grammar) { self.grammar = grammar }

    /// Allows any output up to a trigger, and the grammar from there on.
    ///
    /// - Parameter includesTrigger: whether the texts of the grammar begin with the trigger; otherwise they begin
    ///   behind it.
    package init(
        _ grammar: Grammar, after triggers: [GrammarTrigger], includesTrigger: Bool
    ) throws(GrammarError) {
        self.grammar = try grammar.triggered(by: triggers, includesTrigger: includesTrigger)
    }
}
