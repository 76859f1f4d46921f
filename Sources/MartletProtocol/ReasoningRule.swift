/// How the reasoning of a model is recognised, and how it is ended before the model ends it.
package struct ReasoningRule: Sendable, Equatable {
    /// The opening delimiter, such as `<think>`. Not empty.
    package var start: String
    /// The closing delimiter, such as `</think>`. Not empty.
    package var end: String
    /// The beginnings of tool calls, which end reasoning as well. None is empty.
    package var callStarts: [String] = []
    /// The text that is forced to end reasoning: `end` together with the text that the template puts around it.
    package var closing: String
    /// Whether the prompt ends within reasoning.
    package var isOpen: Bool
    /// The largest number of reasoning tokens, over all blocks of the output; `nil` = no limit. A character that the
    /// limit would split is completed first.
    package var budget: Int?
    /// Text that is forced before `closing`.
    package var message: String
    /// The largest number of reasoning tokens in the user's turn, including earlier outputs; `nil` = no limit.
    package var turnBudget: Int?
    /// The reasoning of earlier outputs in the turn, such as those that called tools.
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
