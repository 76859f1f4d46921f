package import MartletJSON
package import MartletJinja
import OrderedCollections

/// How a model wants to be asked: its template, analysed once.
///
/// Rendering adapts messages to what the template can take; see `MessageAdapter`. Thread: any.
package struct ChatTemplate: Sendable {
    package let template: JinjaTemplate
    /// Used in place of `template` when a request has tools.
    package let toolUseTemplate: JinjaTemplate?
    package let beginningToken: String
    package let endToken: String

    package let capabilities: TemplateCapabilities
    /// `nil` when the model is not known to think.
    package let delimiters: ReasoningDelimiters?
    /// How the model writes its answers.
    package let format: PreparedChatFormat
    package let formatSource: TemplateAnalysisSource
    /// What found that out.
    let recognition: ChatFormatRecognition
    /// What the template puts between thinking and answer, end delimiter included; empty without delimiters.
    package let closing: String
    /// The template's text before an answer without thinking: an empty think block, or nothing.
    let emptyReasoning: String
    /// What the template puts in front of an answer.
    package let generationPrompt: String
    /// All of what it may put there, longest first.
    private let generationPrompts: [String]

    /// For models without a template.
    package static let chatML = """
        {%- for message in messages -%}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' -}}
        {%- endfor -%}
        {%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}
        """

    /// Parses what must be a chat template: one that never reads `messages` asks the model the same whatever they are.
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

    /// Parses and analyses; takes some 20 renderings of small conversations.
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
    }

    /// The prompt for a conversation.
    /// - Throws: `raised` in the template's own words when it refuses the messages; `input` when they cannot be
    ///   adapted.
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
        return RenderedPrompt(
            segments: rendered.segments, reasoning: reasoning, delimiters: delimiters,
            closing: closing, opening: opening(of: rendered, reasoning), warnings: warnings)
    }

    /// Which part of the last message an answer goes on with.
    package enum Continuation: Sendable {
        /// The content, or the thinking of a message that has nothing else.
        case any
        /// The content, behind thinking that has ended.
        case content
        /// The thinking. Content of the message is left out.
        case reasoning
    }

    /// A prompt that asks for an answer, with the beginning of that answer.
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

    private static func reasoningText(in message: JSONValue) -> String {
        TemplateProbe.reasoningFields.lazy.compactMap { message[$0]?.stringValue }.first ?? ""
    }

    /// For `GenerationRequest.visibleDelimiters`: what the answer's text must show where it is a control token.
    package func visibleDelimiters(withToolCalls withCalls: Bool) -> [String] {
        format.format.tokens(withCalls: withCalls)
    }

    /// What of the prompt is the beginning of the answer.
    private func opening(of rendered: RenderedText, _ reasoning: RenderedPrompt.Reasoning) -> String {
        guard let last = rendered.segments.last, last.isTrusted else { return "" }
        if let prompt = generationPrompts.first(where: last.text.hasSuffix) { return prompt }
        switch reasoning {
        case .undecided: return ""
        case .open: return delimiters?.start ?? ""
        case .closed: return delimiters.map { $0.start + $0.end } ?? ""
        }
    }

    /// Reads from the template's own last words whether a think block is open or was closed.
    private func reasoning(after rendered: RenderedText) -> RenderedPrompt.Reasoning {
        guard let delimiters, let last = rendered.segments.last, last.isTrusted else { return .undecided }
        let tail = ProvenanceText(last.text, isTrusted: true).stripped(start: false)
        if tail.hasSuffix(ProvenanceText(delimiters.start, isTrusted: true)) { return .open }
        return tail.hasSuffix(ProvenanceText(delimiters.end, isTrusted: true)) ? .closed : .undecided
    }
}
