package import MartletJSON
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
    package let markers: ReasoningMarkers?
    /// What the template puts between thinking and answer, end marker included; empty without markers.
    package let closing: String
    /// What the template puts in front of an answer.
    package let generationPrompt: String

    /// For models without a template.
    package static let chatML = """
        {%- for message in messages -%}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' -}}
        {%- endfor -%}
        {%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}
        """

    /// Parses and analyses; takes some 20 renderings of small conversations.
    package init(
        source: String, toolUseSource: String? = nil, beginningToken: String, endToken: String
    ) throws(TemplateError) {
        template = try JinjaTemplate(source)
        toolUseTemplate = if let toolUseSource { try JinjaTemplate(toolUseSource) } else { nil }
        self.beginningToken = beginningToken
        self.endToken = endToken
        let probe = TemplateProbe(
            template: template, toolUseTemplate: toolUseTemplate, beginningToken: beginningToken, endToken: endToken)
        let probed = probe.capabilities()
        capabilities = probed
        markers = probe.markers(reasoningField: probed.reasoningField)
        closing = markers.map { probe.closing($0, reasoningField: probed.reasoningField) } ?? ""
        generationPrompt = probe.generationPrompt()
    }

    /// The prompt for a conversation.
    /// - Throws: `raised` in the template's own words when it refuses the messages; `input` when they cannot be adapted.
    package func render(
        messages: [JSONValue], tools: [JSONValue]? = nil, addGenerationPrompt: Bool = true,
        arguments: JSONObject = JSONObject(), now: TemplateTime = .now, budget: TemplateBudget = TemplateBudget()
    ) throws(TemplateError) -> RenderedPrompt {
        let tools = tools.flatMap { $0.isEmpty ? nil : $0 }
        var arguments = arguments
        if let name = capabilities.thinkingSwitch, arguments[name] == nil, let value = arguments["enable_thinking"] {
            arguments[name] = value
        }
        let input = JinjaTemplate.Input(
            messages: try MessageAdapter(capabilities).adapted(messages), tools: tools,
            addsGenerationPrompt: addGenerationPrompt, arguments: arguments, beginningToken: beginningToken,
            endToken: endToken, now: now)
        let chosen = tools == nil ? template : toolUseTemplate ?? template
        let rendered = try chosen.render(input, budget: budget)
        return RenderedPrompt(
            segments: rendered.segments, reasoning: reasoning(after: rendered), markers: markers, closing: closing)
    }

    /// Reads from the template's own last words whether a think block is open or was closed.
    private func reasoning(after rendered: RenderedText) -> RenderedPrompt.Reasoning {
        guard let markers, let last = rendered.segments.last, last.isTrusted else { return .undecided }
        let tail = Text(last.text, isTrusted: true).stripped(start: false)
        if tail.hasSuffix(Text(markers.start, isTrusted: true)) { return .open }
        return tail.hasSuffix(Text(markers.end, isTrusted: true)) ? .closed : .undecided
    }
}
