import MartletJSON
import MartletJinja
import OrderedCollections

/// Finds properties of a template by rendering small conversations and searching for their words.
///
/// Example: a conversation with the system message `Probeword` is rendered. If the result contains `Probeword`, the
/// template supports the system role. No property is read from the template's words, because templates of one model
/// differ.
struct TemplateProbe {
    let template: JinjaTemplate
    let toolUseTemplate: JinjaTemplate?
    let beginningToken: String
    let endToken: String

    /// The names under which clients and templates store an assistant's reasoning.
    static let reasoningFields = ["reasoning_content", "reasoning", "thinking"]

    /// Words that no template contains.
    private static let word = "Probeword"
    private static let otherWord = "Otherword"
    private static let user: JSONValue = ["role": "user", "content": "Hello"]

    /// The rendering, within a smaller budget than a request has; nil if the template refuses or exceeds it.
    func render(
        _ messages: [JSONValue], tools: [JSONValue]? = nil, addsGenerationPrompt: Bool = false,
        arguments: JSONObject = [:],
        endToken: String? = nil
    ) -> String? {
        var budget = TemplateBudget()
        budget.steps = 1_000_000
        budget.memoryBytes = 64 << 20
        let chosen = tools == nil ? template : toolUseTemplate ?? template
        let input = JinjaTemplate.Input(
            messages: messages, tools: tools, addsGenerationPrompt: addsGenerationPrompt, arguments: arguments,
            beginningToken: beginningToken, endToken: endToken ?? self.endToken,
            now: TemplateTime(year: 2026, month: 1, day: 1), conventions: .server)
        return try? chosen.render(input, budget: budget).text
    }

    /// All properties. Complexity: some 20 renderings.
    func capabilities() -> TemplateCapabilities {
        var result = TemplateCapabilities()
        for role in ["system", "user", "assistant", "tool"] {
            if shows(Self.word, conversation(with: role, content: .string(Self.word))) { result.textRoles.insert(role) }
            let parts: JSONValue = [["type": "text", "text": .string(Self.word)]]
            if let text = render(conversation(with: role, content: parts)), text.contains(Self.word),
                !text.contains("'\(Self.word)'"), !text.contains("\"\(Self.word)\"")
            {
                result.partsRoles.insert(role)
            }
        }
        result.supportsSystemRole = result.textRoles.contains("system") || result.partsRoles.contains("system")
        result.supportsDeveloperRole =
            template.source.contains("developer")
            && shows(Self.word, [["role": "developer", "content": .string(Self.word)], Self.user])
        probeTools(&result)
        result.reasoningSwitch = ["enable_thinking", "thinking"].first { name in
            let on = render([Self.user], addsGenerationPrompt: true, arguments: [name: true])
            let off = render([Self.user], addsGenerationPrompt: true, arguments: [name: false])
            return on != nil && off != nil && on != off
        }
        result.reasoningField = Self.reasoningFields.first { field in
            reasoningProbes(field).contains { shows(Self.word, $0) }
        }
        if let field = result.reasoningField {
            result.acceptsContentWithReasoningAndCalls = acceptsContentWithReasoningAndCalls(reasoningField: field)
        }
        probeAssistantParts(&result)
        return result
    }

    /// Properties of an assistant's content as a list of parts.
    private func probeAssistantParts(_ result: inout TemplateCapabilities) {
        func assistant(_ content: JSONValue) -> String? { render(conversation(with: "assistant", content: content)) }
        let reasoningText: JSONValue = ["type": "thinking", "thinking": .string(Self.word)]
        let text: JSONValue = ["type": "text", "text": .string(Self.otherWord)]
        if result.reasoningField == nil, let shown = assistant([reasoningText, text]),
            !shown.contains("'\(Self.word)'"),
            !shown.contains("\"\(Self.word)\"")
        {
            result.acceptsReasoningParts = shown.contains(Self.word) && shown.contains(Self.otherWord)
        }
        result.requiresPartsForEmptyText =
            result.textRoles.contains("assistant") && assistant("") == nil
            && assistant([["type": "text", "text": ""]]) != nil
    }

    /// Whether the rendering contains `word`.
    private func shows(_ word: String, _ messages: [JSONValue], tools: [JSONValue]? = nil) -> Bool {
        render(messages, tools: tools)?.contains(word) ?? false
    }

    /// A conversation in which a message of `role` with `content` stands where such a message belongs.
    private func conversation(with role: String, content: JSONValue) -> [JSONValue] {
        switch role {
        case "system": [["role": "system", "content": content], Self.user]
        case "assistant": [Self.user, ["role": "assistant", "content": content], Self.user]
        case "tool":
            [
                Self.user, call(arguments: ["x": 1], content: ""),
                ["role": "tool", "tool_call_id": "call00001", "name": "probeone", "content": content],
            ]
        default: [["role": .string(role), "content": content]]
        }
    }

    /// An assistant's message with `count` calls.
    private func call(
        arguments: JSONValue, content: JSONValue, count: Int = 1, id: String = "call0000"
    ) -> JSONValue {
        let calls = (1...count).map { number -> JSONValue in
            [
                "id": .string("\(id)\(number)"), "type": "function",
                "function": ["name": .string(number == 1 ? "probeone" : "probetwo"), "arguments": arguments],
            ]
        }
        return ["role": "assistant", "content": content, "tool_calls": .array(calls)]
    }

    /// A tool with one argument of the JSON Schema type `type`.
    private func tool(of type: JSONValue, isDescribed: Bool = true) -> JSONValue {
        var argument: JSONObject = ["type": type]
        var function: JSONObject = ["name": "probeone"]
        if isDescribed {
            argument["description"] = "y"
            function["description"] = .string(Self.word)
        }
        function["parameters"] = ["type": "object", "properties": ["x": .object(argument)], "required": ["x"]]
        return ["type": "function", "function": .object(function)]
    }

    /// Properties of tools, calls and results.
    private func probeTools(_ result: inout TemplateCapabilities) {
        let tools = [tool(of: "string")]
        result.supportsTools = shows(Self.word, [Self.user], tools: tools)
        let object: JSONValue = [Self.word: .string(Self.otherWord)]
        let text = JSONValue.string("{\"\(Self.word)\": \"\(Self.otherWord)\"}")
        let asObject = render([Self.user, call(arguments: object, content: "")], tools: tools)
        let asText = render([Self.user, call(arguments: text, content: "")], tools: tools)
        let acceptsObject = asObject.map { $0.contains(Self.word) && $0.contains(Self.otherWord) } ?? false
        // Text that the template encodes once more shows its quotes behind backslashes.
        let acceptsText = asText.map { $0.contains(Self.word) && !$0.contains("\\\"\(Self.word)") } ?? false
        result.supportsToolCalls = [asObject, asText].contains { $0?.contains("probeone") ?? false }
        result.argumentEncoding = acceptsObject == acceptsText ? .either : acceptsObject ? .objects : .texts
        let arguments = acceptsObject ? object : text
        let several = render([Self.user, call(arguments: arguments, content: "", count: 2)], tools: tools)
        result.supportsParallelToolCalls = several?.contains("probetwo") ?? false
        let withLongID = render(
            [Self.user, call(arguments: arguments, content: "", id: "call_0123456789")], tools: tools)
        result.demandsShortCallIDs = result.supportsToolCalls && withLongID == nil
        result.supportsToolResponses = result.textRoles.contains("tool") || result.partsRoles.contains("tool")
        let withNull = render([Self.user, call(arguments: arguments, content: .null)], tools: tools)
        let withEmpty = render([Self.user, call(arguments: arguments, content: "")], tools: tools)
        result.acceptsNullContent = withNull != nil && withNull == withEmpty
        if render([Self.user], tools: tools) != nil {
            result.acceptsNullTypes = render([Self.user], tools: [tool(of: ["string", "null"])]) != nil
            result.acceptsMissingDescriptions =
                render([Self.user], tools: [tool(of: "string", isDescribed: false)]) != nil
        }
    }

    /// Whether an assistant's message may contain reasoning, content and a call.
    ///
    /// True as well if reasoning with a call fails without content: then content is not the reason.
    func acceptsContentWithReasoningAndCalls(reasoningField field: String) -> Bool {
        let tools = [tool(of: "string")]
        func renders(content: JSONValue, reasoningText: JSONValue) -> Bool {
            var members = call(arguments: ["x": "y"], content: content).objectValue ?? [:]
            members[field] = reasoningText
            return render([Self.user, .object(members)], tools: tools) != nil
        }
        return renders(content: .string(Self.word), reasoningText: .string(Self.otherWord))
            || !renders(content: "", reasoningText: .string(Self.otherWord))
    }

    /// Conversations in which the assistant's reasoning is `word`, followed by content or by a call.
    private func reasoningProbes(_ field: String) -> [[JSONValue]] {
        let reasoningText = JSONValue.string(Self.word)
        var calls = call(arguments: ["x": "y"], content: "").objectValue ?? [:]
        calls[field] = reasoningText
        return [
            [Self.user, ["role": "assistant", "content": .string(Self.otherWord), field: reasoningText]],
            [Self.user, .object(calls)],
        ]
    }

    /// Renderings of reasoning, under every name, and of a request with reasoning on.
    func reasoningTexts() -> [String] {
        let turns = Self.reasoningFields.flatMap { reasoningProbes($0) }.compactMap { render($0) }
        return turns
            + [render([Self.user], addsGenerationPrompt: true, arguments: ["enable_thinking": true])].compactMap { $0 }
    }

    /// Every text that may stand at the end of a prompt that requests a reply, the longest first.
    func generationPrompts(reasoningSwitch: String?) -> [String] {
        var prompts: [String] = []
        for tools in [nil, ChatFormatRecognition.tools] {
            for value in [nil, true, false] as [Bool?] {
                var arguments: JSONObject = [:]
                if let value { arguments[reasoningSwitch ?? "enable_thinking"] = .bool(value) }
                let prompt = generationPrompt(tools: tools, arguments: arguments)
                if !prompt.isEmpty, !prompts.contains(prompt) { prompts.append(prompt) }
            }
        }
        return prompts.sorted { $0.utf8.count > $1.utf8.count }
    }

    /// The delimiters that the template puts around reasoning; else a known pair of which both occur in its source.
    func delimiters(reasoningField: String?) -> ReasoningDelimiters? {
        if let field = reasoningField,
            let text = render(reasoningProbes(field)[0], arguments: ["enable_thinking": true]),
            let reasoningText = text.range(of: Self.word), let assistant = text.range(of: Self.otherWord),
            reasoningText.upperBound <= assistant.lowerBound
        {
            let between = ProvenanceText(String(text[reasoningText.upperBound..<assistant.lowerBound]), isTrusted: true)
                .stripped().string
            if let start = ReasoningDelimiters.start(for: between), text[..<reasoningText.lowerBound].contains(start) {
                return ReasoningDelimiters(start: start, end: between)
            }
        }
        let sources = [template.source, toolUseTemplate?.source ?? ""]
        let rendered = render([Self.user], addsGenerationPrompt: true) ?? ""
        return ReasoningDelimiters.known.first { pair in
            sources.contains { $0.contains(pair.end) && ($0.contains(pair.start) || rendered.contains(pair.start)) }
        }
    }

    /// The text that the template puts between reasoning and content. Harmony's renders reasoning only next to calls,
    /// so its text is fixed.
    func closing(_ delimiters: ReasoningDelimiters, of name: String, reasoningField: String?) -> String {
        if name == "harmony" { return "<|end|><|start|>assistant<|channel|>final<|message|>" }
        guard let field = reasoningField,
            let text = render(reasoningProbes(field)[0], arguments: ["enable_thinking": true]),
            let reasoningText = text.range(of: Self.word), let assistant = text.range(of: Self.otherWord),
            reasoningText.upperBound <= assistant.lowerBound
        else { return delimiters.end }
        let between = String(text[reasoningText.upperBound..<assistant.lowerBound])
        return between.contains(delimiters.end) ? between : delimiters.end
    }

    /// The text that the template puts in front of content without reasoning: an empty pair of delimiters, or nothing.
    func emptyReasoning(_ delimiters: ReasoningDelimiters) -> String {
        let assistant: JSONValue = ["role": "assistant", "content": .string(Self.word)]
        let prompt = generationPrompt()
        guard !prompt.isEmpty, let text = render([Self.user, assistant]), let word = text.range(of: Self.word),
            let head = ProvenanceText(text, isTrusted: true).occurrences(of: ProvenanceText(prompt, isTrusted: true))
                .last
        else { return "" }
        let start = text.utf8.index(text.utf8.startIndex, offsetBy: head + prompt.utf8.count)
        guard start <= word.lowerBound else { return "" }
        let between = String(text[start..<word.lowerBound])
        return between.contains(delimiters.start) && between.contains(delimiters.end) ? between : ""
    }

    /// The text with which the template begins a message of the user, such as `<|im_start|>user\n`; "" if none is found.
    ///
    /// The text between a reply and the user's next message is the end of the reply and this text. The end of a message
    /// is known from the text behind the last one.
    func userHead() -> String {
        func content(_ text: String, isPart: Bool) -> JSONValue {
            isPart ? [["type": "text", "text": .string(text)]] : .string(text)
        }
        for isPart in [false, true] {
            let messages: [JSONValue] = [
                ["role": "user", "content": content("Hello", isPart: isPart)],
                ["role": "assistant", "content": content(Self.word, isPart: isPart)],
                ["role": "user", "content": content(Self.otherWord, isPart: isPart)],
            ]
            guard let text = render(messages), let reply = text.range(of: Self.word),
                let next = text.range(of: Self.otherWord), reply.upperBound <= next.lowerBound
            else { continue }
            let between = String(text[reply.upperBound..<next.lowerBound])
            // A list that is printed as a list.
            guard !between.contains("'type'"), !between.contains("\"type\"") else { continue }
            let end = ProvenanceText.commonPrefix(of: between, String(text[next.upperBound...]))
            let head = String(decoding: between.utf8.dropFirst(end), as: UTF8.self)
            return !endToken.isEmpty && head.hasPrefix(endToken) ? String(head.dropFirst(endToken.count)) : head
        }
        return ""
    }

    /// The text that `add_generation_prompt` adds to a prompt: the difference of two renderings.
    func generationPrompt(tools: [JSONValue]? = nil, arguments: JSONObject = [:]) -> String {
        // Some templates write the end token where other templates write the generation prompt, so it is empty here.
        guard
            let withPrompt = render(
                [Self.user], tools: tools, addsGenerationPrompt: true, arguments: arguments, endToken: ""),
            let plain = render([Self.user], tools: tools, arguments: arguments, endToken: "")
        else { return "" }
        let common = ProvenanceText.commonPrefix(of: withPrompt, plain)
        return String(decoding: withPrompt.utf8.dropFirst(common), as: UTF8.self)
    }
}

extension ProvenanceText {
    /// The number of bytes of the common beginning of two strings, in whole code points.
    static func commonPrefix(of left: String, _ right: String) -> Int {
        zip(left.unicodeScalars, right.unicodeScalars).prefix { $0 == $1 }.reduce(0) { $0 + UTF8.width($1.0) }
    }
}

extension String {
    /// The first occurrence of `word`, which is not empty. Compared by bytes.
    fileprivate func range(of word: String) -> Range<String.Index>? {
        guard
            let offset = ProvenanceText(self, isTrusted: true).occurrences(
                of: ProvenanceText(word, isTrusted: true), limit: 1
            ).first
        else { return nil }
        let start = utf8.index(utf8.startIndex, offsetBy: offset)
        return start..<utf8.index(start, offsetBy: word.utf8.count)
    }
}
