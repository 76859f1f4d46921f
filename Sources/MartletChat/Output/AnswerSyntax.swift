import MartletGrammar

/// An `OutputSyntax`, prepared for reading answers and for making grammars of them.
package struct AnswerSyntax: Sendable {
    package let syntax: OutputSyntax
    let plain: SyntaxPlan
    let withCalls: SyntaxPlan
    let grammars = GrammarCache()

    /// What begins a call that ends thinking.
    package var callStarts: [String] { syntax.callStarts }

    package init(_ syntax: OutputSyntax) {
        self.syntax = syntax
        plain = SyntaxPlan(syntax, readsCalls: false)
        withCalls = SyntaxPlan(syntax, readsCalls: true)
    }
}
