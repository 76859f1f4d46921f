package import MartletJSON
import OrderedCollections

/// A template, parsed once, rendered many times, on any thread.
package struct JinjaTemplate: Sendable {
    /// As it was given.
    package let source: String
    private let program: Parser.Result

    package init(_ source: String) throws(TemplateError) {
        self.source = source
        do {
            program = try Parser.parse(source)
        } catch {
            throw error.locating(in: source)
        }
    }

    /// Whether it names `messages` anywhere.
    package var readsMessages: Bool { program.names.number(ofKnown: "messages") != nil }

    /// Whose habits the rendering follows where Python's library and llama-server differ.
    package enum Conventions: Sendable {
        /// `map`, `selectattr` and the like make generators, which have neither a length nor JSON.
        case python
        /// They make lists, all of which have JSON. `datetime` and `date_string` are the current date, `functions` is
        /// the JSON text of the tools. Variables of the client win over these.
        case server
    }

    /// What a template is rendered with.
    package struct Input: Sendable {
        package var messages: [JSONValue]
        /// Left undefined when there are none.
        package var tools: [JSONValue]?
        package var addsGenerationPrompt: Bool
        /// More variables, from the client.
        package var arguments: JSONObject
        package var beginningToken: String
        package var endToken: String
        package var now: TemplateTime
        package var conventions: Conventions

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

    /// Renders as Python's Jinja would, but for `Input.conventions`: nothing is adapted to the template.
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
    /// The roles that the API knows. Only these words are trusted as roles, and only as the `role` of a message: some
    /// templates build a marker from them, such as `<|user|>`.
    private static let trustedRoles: Set<String> = ["system", "developer", "user", "assistant", "tool", "function"]

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

/// What a template wrote, in maximal pieces of one provenance.
package struct RenderedText: Sendable, Equatable {
    package var segments: [PromptSegment]

    init(_ text: ProvenanceText) {
        segments = text.runs.map { PromptSegment(text: text.slice($0.range).string, isTrusted: $0.isTrusted) }
    }

    package var text: String { segments.count == 1 ? segments[0].text : segments.map(\.text).joined() }
}

/// A piece of a prompt.
package struct PromptSegment: Sendable, Equatable {
    package var text: String
    /// Whether the template's author wrote it, so that control tokens in it are meant.
    package var isTrusted: Bool

    package init(text: String, isTrusted: Bool) {
        self.text = text
        self.isTrusted = isTrusted
    }
}
