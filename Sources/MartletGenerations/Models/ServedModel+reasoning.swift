internal import MartletChat
internal import MartletConversation
internal import MartletJSON
internal import MartletProtocol
internal import OrderedCollections

extension ServedModel {
    /// Budgets in tokens for `reasoning_effort`, for templates that do not read it.
    private static let efforts = ["minimal": 128, "low": 512, "medium": 2_048, "high": 8_192]

    /// The delimiters and limits of the model's reasoning; nil if the delimiters are not known.
    func reasoningRule(for request: ChatCompletionRequest, _ rendered: RenderedPrompt) -> ReasoningRule? {
        guard let delimiters = rendered.delimiters else { return nil }
        var budget = request.reasoningBudget
        if budget == nil, let effort = arguments(of: request)["reasoning_effort"]?.stringValue,
            !templateSource.contains("reasoning_effort")
        {
            budget = Self.efforts[effort]
        }
        var rule = ReasoningRule(
            start: rendered.reasoningStart, end: delimiters.end, closing: rendered.closing,
            isOpen: rendered.reasoning == .open,
            budget: budget, message: request.reasoningMessage)
        if request.tools.isActive, let template = try? template.get() { rule.callStarts = template.format.callStarts }
        if let turnBudget = request.reasoningTurnBudget {
            rule.turnBudget = turnBudget
            rule.earlierReasoning = request.priorReasoning
        }
        return rule
    }
}
