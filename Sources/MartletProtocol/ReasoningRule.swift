/// How a model's thinking is recognised, and how it is ended before the model ends it.
package struct ReasoningRule: Sendable, Equatable {
    /// What thinking begins with, such as `<think>`. Not empty.
    package var start: String
    /// What it ends with, such as `</think>`. Not empty.
    package var end: String
    /// What begins a tool call, which ends thinking as well. None is empty.
    package var callStarts: [String] = []
    /// What is forced in order to end it: `end`, with what the template puts around it.
    package var closing: String
    /// Whether the prompt ends inside of a think block.
    package var isOpen: Bool
    /// Most tokens of thinking, all blocks of the answer together; `nil` = no limit. A character that is cut by the
    /// limit is finished first.
    package var budget: Int?
    /// Forced before `closing`.
    package var message: String
    /// Most tokens of thinking in the user's turn, that of earlier answers included; `nil` = no limit.
    package var turnBudget: Int?
    /// The thinking of earlier answers in the turn, such as those that called tools.
    package var earlierReasoning: [String] = []

    package init(
        start: String, end: String, closing: String, isOpen: Bool, budget: Int? = nil, message: String = ""
    ) {
        self.start = start
        self.end = end
        self.closing = closing
        self.isOpen = isOpen
        self.budget = budget
        self.message = message
    }
}
