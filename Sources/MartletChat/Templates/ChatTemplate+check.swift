import MartletJSON
import MartletJinja

extension ChatTemplate {
    /// A word that no template contains.
    private static let word = "Probeword"

    /// Renders small conversations, and refuses a template that can render none.
    ///
    /// Example: `{{ messages | nofilter }}` parses, and every rendering of it fails. A template that reads `messages`
    /// in a branch that never runs renders the same prompt for every conversation.
    ///
    /// A template that raises an exception of its own is accepted: it may require roles or arguments that a request
    /// has.
    /// - Throws: the error of the first rendering, or `unsuited` if no rendering contains the user's message.
    static func checkRenderings(of template: JinjaTemplate) throws(TemplateError) {
        let text: JSONValue = .string(word)
        let parts: JSONValue = [["type": "text", "text": text]]
        let system: JSONValue = ["role": "system", "content": "Be brief."]
        let conversations: [[JSONValue]] = [
            [["role": "user", "content": text]], [["role": "user", "content": parts]],
            [system, ["role": "user", "content": text]],
        ]
        // A template for tool use may need a tool.
        let tool: JSONValue = [
            "type": "function",
            "function": ["name": "probe", "description": "", "parameters": ["type": "object", "properties": [:]]],
        ]
        var failure: TemplateError?
        for tools in [nil, [tool]] {
            for messages in conversations {
                let input = JinjaTemplate.Input(
                    messages: messages, tools: tools, now: TemplateTime(year: 2026, month: 1, day: 1),
                    conventions: .server)
                do throws(TemplateError) {
                    if try template.render(input).text.contains(word) { return }
                } catch {
                    if error.kind == .raised { return }
                    failure = failure ?? error
                }
            }
        }
        throw failure ?? TemplateError(.unsuited, "the template shows no message of a user", line: 0)
    }
}
