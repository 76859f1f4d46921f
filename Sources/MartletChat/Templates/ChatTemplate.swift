package import MartletJSON
package import MartletJinja
import OrderedCollections

/// A model's chat template, analysed once: how it renders conversations, and which chat format its output has.
///
///     let template = try ChatTemplate(source: source, beginningToken: "<s>", endToken: "</s>")
///     let prompt = try template.render(messages: messages, tools: tools)
///     var parser = OutputParser(template.format, tools: offered, after: prompt.opening)
///
/// `render` adapts messages to what the template accepts (`MessageAdapter`). Immutable. Thread: any.
package struct ChatTemplate: Sendable {
    package let template: JinjaTemplate
    /// The template for requests with tools; nil = `template` renders them too.
    package let toolUseTemplate: JinjaTemplate?
    /// The text of the model's begin-of-sequence token.
    package let beginningToken: String
    /// The text of the model's end-of-sequence token.
    package let endToken: String

    /// The properties that rendering probes found.
    package let capabilities: TemplateCapabilities
    /// The delimiters of reasoning; nil if the model is not known to reason.
    package let delimiters: ReasoningDelimiters?
    /// The chat format of the model's output.
    package let format: PreparedChatFormat
    /// The way in which the format was found.
    package let formatSource: TemplateAnalysisSource
    /// The recognition that found the format; tests inspect it.
    let recognition: ChatFormatRecognition
    /// The text that the template puts between reasoning and content, including the end delimiter. Empty without
    /// delimiters.
    package let closing: String
    /// The text that the template puts in front of content without reasoning: an empty pair of delimiters, or nothing.
    let emptyReasoning: String
    /// The text that the template puts in front of a reply.
    package let generationPrompt: String
    /// The text with which the template begins a message of the user; empty if no such text was found.
    let userHead: String
    /// Every text that it may put there, the longest first: with and without tools, reasoning on and off.
    private let generationPrompts: [String]

    /// The template for models without one.
    package static let chatML = """
        {%- for message in messages -%}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' -}}
        {%- endfor -%}
        {%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}
        """

    /// Parses a source that must be a chat template.
    ///
    /// A template that never reads `messages`, or renders no user's message, is refused: its prompt would be the same
    /// for every conversation.
    /// - Throws: `syntax`; `unsuited` for such a template and for an empty source; the error of the first rendering if
    ///   every rendering fails.
    package static func parse(_ source: String) throws(TemplateError) -> JinjaTemplate {
        guard source.contains(where: { !$0.isWhitespace }) else {
            throw TemplateError(.unsuited, "the template is empty", line: 0)
        }
        let template = try JinjaTemplate(source)
        guard template.readsMessages else {
            throw TemplateError(.unsuited, "the template never reads 'messages'", line: 0)
        }
        try checkRenderings(of: template)
        return template
    }

    /// Parses and analyses the template. Complexity: some 20 renderings of small conversations, within
    /// `TemplateBudget`.
    package init(
        source: String, toolUseSource: String? = nil, beginningToken: String, endToken: String
    ) throws(TemplateError) {
        template = try Self.parse(source)
        toolUseTemplate = if let toolUseSource { try Self.parse(toolUseSource) } else { nil }
        self.beginningToken = beginningToken
        self.endToken = endToken
        let probe = TemplateProbe(
            template: template, toolUseTemplate: toolUseTemplate, beginningToken: beginningToken, endToken: endToken)
        capabilities = probe.capabilities()
        let reasoningField = capabilities.reasoningField
        recognition = ChatFormatRecognition(
            probe: probe, capabilities: capabilities,
            delimiters: probe.delimiters(reasoningField: reasoningField))
        let (format, source) = recognition.format()
        self.format = PreparedChatFormat(format)
        formatSource = source
        delimiters = format.reasoning.map { enclosure in
            ReasoningDelimiters(
                start: String(decoding: ChatFormatPlan.trimmed(enclosure.start), as: UTF8.self),
                end: String(decoding: ChatFormatPlan.trimmed(enclosure.ends[0]), as: UTF8.self))
        }
        generationPrompts = probe.generationPrompts(reasoningSwitch: capabilities.reasoningSwitch)
        closing = delimiters.map { probe.closing($0, of: format.name, reasoningField: reasoningField) } ?? ""
        emptyReasoning = delimiters.map { probe.emptyReasoning($0) } ?? ""
        generationPrompt = probe.generationPrompt()
        userHead = probe.userHead()
    }

    /// Renders the prompt for a conversation.
    /// - Parameters:
    ///   - addGenerationPrompt: whether the prompt ends with the beginning of a reply.
    ///   - continuation: whether the reply continues the last message, and which part of it.
    ///   - arguments: `chat_template_kwargs`; more variables for the template.
    /// - Returns: the prompt in segments of one provenance, with warnings about messages that had to change.
    /// - Throws: `raised` with the template's own message if it refuses the conversation; `input` if messages cannot
    ///   be adapted; `budget` beyond a limit.
    package func render(
        messages: [JSONValue], tools: [JSONValue]? = nil, addGenerationPrompt: Bool = true,
        continuing continuation: Continuation? = nil, arguments: JSONObject = JSONObject(), now: TemplateTime = .now,
        budget: TemplateBudget = TemplateBudget()
    ) throws(TemplateError) -> RenderedPrompt {
        if let continuation, let last = messages.last {
            let rendered = try render(
                messages: messages.dropLast(), tools: tools, arguments: arguments, now: now, budget: budget)
            return continued(rendered, with: last, continuation)
        }
        let tools = tools.flatMap { $0.isEmpty ? nil : $0 }
        var arguments = arguments
        if let name = capabilities.reasoningSwitch, arguments[name] == nil, let value = arguments["enable_thinking"] {
            arguments[name] = value
        }
        let adapter = MessageAdapter(capabilities)
        let (messages, warnings) = try adapter.adapted(messages)
        let input = JinjaTemplate.Input(
            messages: messages, tools: tools.map { $0.map(adapter.adapted(tool:)) },
            addsGenerationPrompt: addGenerationPrompt, arguments: arguments, beginningToken: beginningToken,
            endToken: endToken, now: now, conventions: .server)
        let chosen = tools == nil ? template : toolUseTemplate ?? template
        let rendered = try chosen.render(input, budget: budget)
        let reasoning = reasoning(after: rendered)
        var prompt = RenderedPrompt(
            segments: rendered.segments, reasoning: reasoning, delimiters: delimiters,
            closing: closing, opening: opening(of: rendered, reasoning), warnings: warnings)
        prompt.findBoundaries(userHead: userHead, opensReply: addGenerationPrompt)
        return prompt
    }

    /// The part of the last message that the reply continues.
    package enum Continuation: Sendable {
        /// The content; the reasoning of a message without content.
        case any
        /// The content, behind reasoning that has ended.
        case content
        /// The reasoning. Content of the message is ignored.
        case reasoning
    }

    /// A prompt that requests a reply, followed by the beginning of that reply.
    ///
    /// Delimiters are written by the server and are trusted; the message's texts are not.
    private func continued(
        _ prompt: RenderedPrompt, with message: JSONValue, _ continuation: Continuation
    ) -> RenderedPrompt {
        let content =
            continuation == .reasoning
            ? "" : message["content"]?.stringValue ?? MessageAdapter.joinedText(of: message["content"])
        let reasoningText = Self.reasoningText(in: message)
        var parts: [PromptSegment] = []
        func write(_ text: String, isTrusted: Bool) {
            if !text.isEmpty { parts.append(PromptSegment(text: text, isTrusted: isTrusted)) }
        }
        let isReasoningOpen = OutputParser(format, after: prompt.opening).isInReasoning
        let format = format.format
        let hasReasoning = !reasoningText.isEmpty || continuation == .reasoning
        if hasReasoning, let reasoning = format.reasoning {
            if !isReasoningOpen {
                write(ChatFormat.unwrittenPart(of: reasoning.start, in: prompt.opening), isTrusted: true)
            }
            write(reasoningText, isTrusted: false)
        }
        if !content.isEmpty || continuation == .content {
            let isAfterReasoning = isReasoningOpen || hasReasoning
            if isAfterReasoning, let reasoning = format.reasoning {
                write(reasoning.ends[0], isTrusted: true)
            } else if prompt.reasoning == .undecided {
                write(ChatFormat.unwrittenPart(of: emptyReasoning, in: prompt.opening), isTrusted: true)
            }
            let start = format.contentStart
            write(
                isAfterReasoning ? start : ChatFormat.unwrittenPart(of: start, in: prompt.opening), isTrusted: true)
            write(content, isTrusted: false)
        }
        var result = prompt
        result.segments += parts
        result.continuation = parts.map(\.text).joined()
        return result
    }

    /// The reasoning of a message, under any of the names that clients use.
    private static func reasoningText(in message: JSONValue) -> String {
        TemplateProbe.reasoningFields.lazy.compactMap { message[$0]?.stringValue }.first ?? ""
    }

    /// The delimiters for `GenerationRequest.visibleDelimiters`: texts that the output must show even if they are
    /// control tokens.
    package func visibleDelimiters(withToolCalls withCalls: Bool) -> [String] {
        format.format.tokens(withCalls: withCalls)
    }

    /// The end of the prompt that belongs to the output, such as `<think>\n`. Untrusted text never belongs to it.
    private func opening(of rendered: RenderedText, _ reasoning: RenderedPrompt.Reasoning) -> String {
        guard let last = rendered.segments.last, last.isTrusted else { return "" }
        if let prompt = generationPrompts.first(where: last.text.hasSuffix) { return prompt }
        switch reasoning {
        case .undecided: return ""
        case .open: return delimiters?.start ?? ""
        case .closed: return delimiters.map { $0.start + $0.end } ?? ""
        }
    }

    /// Whether the prompt ends within reasoning or behind it, according to the template's own last words.
    private func reasoning(after rendered: RenderedText) -> RenderedPrompt.Reasoning {
        guard let delimiters, let last = rendered.segments.last, last.isTrusted else { return .undecided }
        let tail = ProvenanceText(last.text, isTrusted: true).stripped(start: false)
        if tail.hasSuffix(ProvenanceText(delimiters.start, isTrusted: true)) { return .open }
        return tail.hasSuffix(ProvenanceText(delimiters.end, isTrusted: true)) ? .closed : .undecided
    }
}
