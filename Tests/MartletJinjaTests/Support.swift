import MartletJSON

@testable import MartletJinja

/// The members of a JSON object; none by default.
func members(_ value: JSONValue = [:]) -> JSONObject {
    guard case .object(let members) = value else { preconditionFailure("not an object") }
    return members
}

/// The rendering of `source` with these variables, which count as a client's.
func render(
    _ source: String, _ variables: JSONValue = [:], messages: [JSONValue] = [], tools: [JSONValue]? = nil,
    budget: TemplateBudget = TemplateBudget()
) throws(TemplateError) -> RenderedText {
    try JinjaTemplate(source).render(
        JinjaTemplate.Input(
            messages: messages, tools: tools, arguments: members(variables), beginningToken: "<s>", endToken: "</s>",
            now: TemplateTime(year: 2026, month: 1, day: 15, hour: 10, minute: 30)),
        budget: budget)
}

/// The error of rendering `source`; nil if it renders.
func renderingError(
    _ source: String, _ variables: JSONValue = [:], budget: TemplateBudget = TemplateBudget()
) -> TemplateError? {
    do {
        _ = try render(source, variables, budget: budget)
        return nil
    } catch {
        return error
    }
}
