package import MartletJSON
package import MartletJinja
import OrderedCollections

/// The input of `martlet template render`: a conversation as the template receives it, without adaptation.
///
///     {"messages": [{"role": "user", "content": "Hello"}], "add_generation_prompt": true}
package struct TemplateRenderInput: Sendable {
    private var input: JinjaTemplate.Input

    /// Decodes the input.
    ///
    /// Fields: `messages`, `tools`, `add_generation_prompt` (default: true), `kwargs`, `bos_token`, `eos_token`, and
    /// `now` as in `2026-01-15T10:30:00` (default: the system's time). `null` counts as absent. Another field is an
    /// error.
    package init(_ json: JSONValue) throws(InputError) {
        let fields = try InputFields(
            json, known: ["messages", "tools", "add_generation_prompt", "kwargs", "bos_token", "eos_token", "now"])
        guard let messages = try fields.value("messages", "an array", \.arrayValue) else {
            throw InputError(message: "'messages' is missing")
        }
        var now = TemplateTime.now
        if let text = try fields.value("now", "a string", \.stringValue) {
            guard let time = TemplateTime(text) else {
                throw InputError(message: "'now' must be a date and time as in 2026-01-15T10:30:00, not '\(text)'")
            }
            now = time
        }
        input = JinjaTemplate.Input(
            messages: messages, tools: try fields.value("tools", "an array", \.arrayValue),
            addsGenerationPrompt: try fields.value("add_generation_prompt", "a boolean", \.boolValue) ?? true,
            arguments: try fields.value("kwargs", "an object", \.objectValue) ?? [:],
            beginningToken: try fields.value("bos_token", "a string", \.stringValue) ?? "",
            endToken: try fields.value("eos_token", "a string", \.stringValue) ?? "", now: now)
    }

    /// An error of the input.
    package struct InputError: Error, Sendable, Equatable, CustomStringConvertible {
        /// Field, rule and value.
        package var message: String

        package var description: String { message }
    }

    /// Renders the template with Python's conventions.
    /// - Throws: `syntax`, `raised`, `evaluation` or `budget`.
    package func render(source: String) throws(TemplateError) -> RenderedText {
        try JinjaTemplate(source).render(input)
    }
}

extension RenderedText {
    /// The segments as JSON, for the command line and tests: `[{"text": …, "trusted": …}, …]`.
    package var segmentsJSON: JSONValue {
        .array(segments.map { ["text": .string($0.text), "trusted": .bool($0.isTrusted)] })
    }
}
