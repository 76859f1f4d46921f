package import MartletJSON
import OrderedCollections

/// A Jinja template, parsed once and rendered any number of times.
///
///     let template = try JinjaTemplate("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}")
///     let text = try template.render(JinjaTemplate.Input(messages: messages, now: .now)).text
///
/// The language is that of Jinja 3.1 as the Hugging Face library sets it up for chat templates: `trim_blocks`,
/// `lstrip_blocks`, loop controls, a sandbox. `design.md` describes the parts. Immutable. Thread: any.
///
/// Missing, because no chat template needs them or because they would reach Python's objects:
/// - tags that read other files or extend templates: `include`, `import`, `extends`, `block`
/// - `autoescape`, `do`, `trans`, and line statements
/// - integers beyond 64 bits, except in data of a request that is only printed
/// - attributes of Python's objects, such as `__class__`
package struct JinjaTemplate: Sendable {
    /// The source as it was passed to `init`.
    package let source: String
    private let program: Parser.Result

    /// Parses a source. Linear in its length.
    /// - Throws: `syntax` with line and text of the line; `budget` for a nesting beyond `Parser.maximumDepth`.
    package init(_ source: String) throws(TemplateError) {
        self.source = source
        do {
            program = try Parser.parse(source)
        } catch {
            throw error.locating(in: source)
        }
    }

    /// Whether the template names the variable `messages` anywhere.
    package var readsMessages: Bool { program.names.number(ofKnown: "messages") != nil }

    /// The behaviour where Python's library and llama-server differ.
    package enum Conventions: Sendable {
        /// `map`, `selectattr` and the like return generators, which have neither a length nor JSON. A member of an
        /// undefined value is an error.
        case python
        /// They return lists, and a member of an undefined value is undefined. `datetime` and `date_string` are the
        /// current date, and `functions` is the JSON text of the tools. Variables of the client override these.
        case server
    }

    /// The variables of a rendering.
    package struct Input: Sendable {
        /// The conversation, as the template receives it.
        package var messages: [JSONValue]
        /// The tools. nil leaves the variable undefined, which templates test.
        package var tools: [JSONValue]?
        /// Whether the prompt ends with the beginning of a reply.
        package var addsGenerationPrompt: Bool
        /// Further variables from the client (`chat_template_kwargs`).
        package var arguments: JSONObject
        /// `bos_token`: trusted, as it comes from the model file.
        package var beginningToken: String
        /// `eos_token`: trusted as well.
        package var endToken: String
        /// The time of `strftime_now`.
        package var now: TemplateTime
        /// Whose behaviour applies.
        package var conventions: Conventions

        /// - Parameter conventions: Python's by default, so that tests compare with Python's library.
        package init(
            messages: [JSONValue], tools: [JSONValue]? = nil, addsGenerationPrompt: Bool = true,
            arguments: JSONObject = [:], beginningToken: String = "", endToken: String = "", now: TemplateTime,
            conventions: Conventions = .python
        ) {
            self.messages = messages
            self.tools = tools
            self.addsGenerationPrompt = addsGenerationPrompt
            self.arguments = arguments
            self.beginningToken = beginningToken
            self.endToken = endToken
            self.now = now
            self.conventions = conventions
        }
    }

    /// Renders the template. Nothing is adapted to the template; `MessageAdapter` of MartletChat does that.
    ///
    /// The standard variables override variables of the client with the same name, except the three of
    /// `Conventions.server`.
    /// - Throws: `raised` by the template itself, `evaluation`, `input` for data nested too deeply, `budget`.
    package func render(_ input: Input, budget: TemplateBudget = TemplateBudget()) throws(TemplateError) -> RenderedText
    {
        let interpreter = Interpreter(
            names: program.names, time: input.now, conventions: input.conventions, budget: budget)
        do {
            func set(_ name: String, _ value: () throws(TemplateError) -> TemplateValue) throws(TemplateError) {
                if let number = program.names.number(ofKnown: name) { interpreter.globals[number] = try value() }
            }
            if input.conventions == .server {
                try set("datetime") { .text(input.now.formatted("%b %d %Y"), isTrusted: true) }
                try set("date_string") { .text(input.now.formatted("%d %b %Y"), isTrusted: true) }
                try set("functions") { () throws(TemplateError) in
                    try input.tools.map { tools throws(TemplateError) in try interpreter.jsonText(of: tools) }
                        ?? .text(.empty)
                }
            }
            for (name, value) in input.arguments {
                try set(name) { () throws(TemplateError) in try interpreter.importValue(value) }
            }
            try set("messages") { () throws(TemplateError) in try interpreter.importMessages(input.messages) }
            if let tools = input.tools {
                try set("tools") { () throws(TemplateError) in try interpreter.importList(tools) }
            }
            try set("add_generation_prompt") { .boolean(input.addsGenerationPrompt) }
            try set("bos_token") { .text(input.beginningToken, isTrusted: true) }
            try set("eos_token") { .text(input.endToken, isTrusted: true) }
            _ = try interpreter.run(program.body)
        } catch {
            throw error.locating(in: source)
        }
        return RenderedText(interpreter.output)
    }
}

extension Interpreter {
    /// The roles of the API. These words are trusted as the `role` of a message, and nowhere else: some templates
    /// build a delimiter from them, such as `<|user|>`. Any other role of a client is untrusted text.
    private static let trustedRoles: Set<String> = ["system", "developer", "user", "assistant", "tool", "function"]

    /// The messages as values, with trusted roles.
    fileprivate func importMessages(_ messages: [JSONValue]) throws(TemplateError) -> TemplateValue {
        let role = DictionaryKey.text(ProvenanceText("role", isTrusted: true))
        let list = try importList(messages)
        guard case .list(let object) = list else { return list }
        for case .dictionary(let message) in object.items {
            if case .text(let name)? = message.members[role], Self.trustedRoles.contains(name.string) {
                message.members[role] = .text(name.string, isTrusted: true)
            }
        }
        return list
    }
}

/// The text that a template wrote, in maximal pieces of one provenance.
package struct RenderedText: Sendable, Equatable {
    /// The pieces in order; adjoining pieces differ in trust.
    package var segments: [PromptSegment]

    /// Divides a text where its provenance changes.
    init(_ text: ProvenanceText) {
        segments = text.runs.map { PromptSegment(text: text.slice($0.range).string, isTrusted: $0.isTrusted) }
    }

    /// The whole text.
    package var text: String { segments.count == 1 ? segments[0].text : segments.map(\.text).joined() }
}

/// A piece of a prompt.
package struct PromptSegment: Sendable, Equatable {
    /// The bytes of the piece; never empty in a rendered text.
    package var text: String
    /// Whether the template's author wrote the piece. Only then are control tokens in it recognised.
    package var isTrusted: Bool

    /// A piece with its provenance.
    package init(text: String, isTrusted: Bool) {
        self.text = text
        self.isTrusted = isTrusted
    }
}
