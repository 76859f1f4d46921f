/// An `OutputSyntax`, prepared for reading answers.
package struct AnswerSyntax: Sendable {
    package let syntax: OutputSyntax
    let plain: SyntaxPlan
    let withCalls: SyntaxPlan

    package init(_ syntax: OutputSyntax) {
        self.syntax = syntax
        plain = SyntaxPlan(syntax, readsCalls: false)
        withCalls = SyntaxPlan(syntax, readsCalls: true)
    }
}
