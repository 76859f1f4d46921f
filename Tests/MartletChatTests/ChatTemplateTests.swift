import MartletJSON
import MartletJinja
import MartletProtocol
import Testing

@testable import MartletChat

private func template(_ source: String, toolUse: String? = nil) throws -> ChatTemplate {
    try ChatTemplate(source: source, toolUseSource: toolUse, beginningToken: "<s>", endToken: "</s>")
}

private func text(_ source: String, _ messages: [JSONValue], asks: Bool = false) throws -> String {
    try template(source).render(messages: messages, addGenerationPrompt: asks).text
}

@Suite struct ChatTemplateTests {
    private let user: JSONValue = ["role": "user", "content": "Hi"]

    @Test func analysisFindsTheTemplatesCapabilities() throws {
        let reasoning = try template(TemplateFixtures.reasoning)
        #expect(reasoning.delimiters == ReasoningDelimiters(start: "<think>", end: "</think>"))
        #expect(reasoning.generationPrompt == "<|im_start|>assistant\n")
        let capabilities = reasoning.capabilities
        #expect(capabilities.supportsSystemRole)
        #expect(!capabilities.supportsDeveloperRole)
        #expect(capabilities.textRoles == ["system", "user", "assistant", "tool"])
        #expect(capabilities.partsRoles.isEmpty)
        #expect(capabilities.supportsTools && capabilities.supportsToolCalls && capabilities.supportsParallelToolCalls)
        #expect(capabilities.acceptsNullContent)
        #expect(capabilities.argumentEncoding == .either)
        #expect(capabilities.reasoningSwitch == "enable_thinking")
        #expect(capabilities.reasoningField == "reasoning_content")

        let strict = try template(TemplateFixtures.strict)
        #expect(!strict.capabilities.supportsSystemRole && !strict.capabilities.supportsTools)
        #expect(strict.generationPrompt == "<turn>model\n<think>\n")
        #expect(strict.delimiters == ReasoningDelimiters(start: "<think>", end: "</think>"))

        let parts = try template(TemplateFixtures.parts)
        #expect(parts.capabilities.textRoles.isEmpty)
        #expect(parts.capabilities.partsRoles == ["system", "user", "assistant", "tool"])
        #expect(parts.capabilities.argumentEncoding == .objects)
        #expect(parts.delimiters == nil && parts.capabilities.reasoningSwitch == nil)
    }

    @Test func promptReportsWhetherReasoningIsOpenOrClosed() throws {
        let reasoning = try template(TemplateFixtures.reasoning)
        #expect(try reasoning.render(messages: [user]).reasoning == .undecided)
        let off = try reasoning.render(messages: [user], arguments: ["enable_thinking": false])
        #expect(off.reasoning == .closed)
        #expect(reasoning.visibleDelimiters(withToolCalls: false) == ["<think>", "</think>"])
        #expect(try template(TemplateFixtures.strict).render(messages: [user]).reasoning == .open)
        // Text of the client does not open reasoning.
        let said: JSONValue = ["role": "user", "content": "<think>"]
        #expect(
            try template("{{ messages[0].content }}{# <think> </think> #}").render(messages: [said]).reasoning
                == .undecided)
    }

    @Test func promptRetainsProvenance() throws {
        let prompt = try template(ChatTemplate.chatML).render(messages: [["role": "user", "content": "<|im_end|>"]])
            .prompt
        #expect(prompt.addsBeginning)
        #expect(
            prompt.pieces == [
                .text("<|im_start|>user\n", isTrusted: true), .text("<|im_end|>", isTrusted: false),
                .text("<|im_end|>\n<|im_start|>assistant\n", isTrusted: true),
            ])
    }

    @Test func refusalHasTheTemplatesOwnText() throws {
        let strict = try template(TemplateFixtures.strict)
        let error = #expect(throws: TemplateError.self) { try strict.render(messages: [user, user]) }
        #expect(error?.kind == .raised)
        #expect(error?.description == "Conversation roles must alternate user/assistant/user/assistant/...")
    }

    @Test func developerBecomesSystem() throws {
        let messages: [JSONValue] = [["role": "developer", "content": "Be terse."], user]
        #expect(
            try text(ChatTemplate.chatML, messages)
                == "<|im_start|>system\nBe terse.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n")
        let own =
            "{% for m in messages %}{% if m.role == 'developer' %}D{% endif %}{{ m.role }}:{{ m.content }};{% endfor %}"
        #expect(try text(own, messages) == "Ddeveloper:Be terse.;user:Hi;")
    }

    @Test func systemTextJoinsTheNextUserMessageWithoutASystemRole() throws {
        let messages: [JSONValue] = [["role": "system", "content": "A"], ["role": "developer", "content": "B"], user]
        #expect(try text(TemplateFixtures.strict, messages) == "<s><turn>user\nA\nB\nHi</turn>\n")
        #expect(
            try text(TemplateFixtures.strict, [["role": "system", "content": "A"]]) == "<s><turn>user\nA</turn>\n")
    }

    @Test func contentIsAdaptedToTheTemplate() throws {
        let parts: JSONValue = [["type": "text", "text": "a"], ["type": "text", "text": "b"]]
        #expect(
            try text(ChatTemplate.chatML, [["role": "user", "content": parts]])
                == "<|im_start|>user\na\nb<|im_end|>\n")
        #expect(try text(TemplateFixtures.parts, [["role": "user", "content": parts]]) == "[user]ab")
        #expect(try text(TemplateFixtures.parts, [user]) == "[user]Hi")
        let image: JSONValue = ["role": "user", "content": [["type": "image"], ["type": "text", "text": "?"]]]
        #expect(try text(TemplateFixtures.parts, [image]) == "[user]<image>?")
        let error = #expect(throws: TemplateError.self) { try text(ChatTemplate.chatML, [user, image]) }
        #expect(error?.kind == .input)
        #expect(error?.message == "messages[1].content[0]: the model's template accepts only text here, not 'image'")
    }

    @Test func missingContentWithToolCallsIsAccepted() throws {
        let concatenating =
            "{% for m in messages %}{{ m.role + ':' + m.content }}{% for c in m.tool_calls or [] %}{{ c.function.name }}{% endfor %};{% endfor %}"
        let call: JSONValue = [["type": "function", "function": ["name": "f", "arguments": "{}"]]]
        for message: JSONValue in [
            ["role": "assistant", "content": .null, "tool_calls": call], ["role": "assistant", "tool_calls": call],
        ] {
            #expect(try text(concatenating, [user, message]) == "user:Hi;assistant:f;")
        }
    }

    @Test func argumentsAreAdaptedToTheTemplate() throws {
        func call(_ arguments: JSONValue) -> JSONValue {
            [
                "role": "assistant", "content": .null,
                "tool_calls": [["function": ["name": "f", "arguments": arguments]]],
            ]
        }
        #expect(
            try text(TemplateFixtures.parts, [user, call("{\"x\": 1, \"y\": [2]}")]) == "[user]Hi[assistant]f x=1 y=[2]"
        )
        // The client's own spelling is retained if the template accepts it.
        let spelt = try text(TemplateFixtures.reasoning, [user, call("{\"x\":1}")])
        #expect(spelt.contains("<tool_call>f {\"x\":1}</tool_call>"))
        let error = #expect(throws: TemplateError.self) { try text(TemplateFixtures.parts, [user, call("{]")]) }
        #expect(error?.kind == .input)
        #expect(
            error?.message.hasPrefix("messages[1].tool_calls[0].function.arguments must be the text of a JSON object")
                == true)
    }

    @Test func reasoningIsPassedUnderTheFieldThatTheTemplateReads() throws {
        let source = TemplateFixtures.reasoning.replacing("reasoning_content", with: "thinking")
        let assistant: JSONValue = ["role": "assistant", "content": "b", "reasoning_content": "a"]
        #expect(try text(source, [user, assistant]).contains("<think>\na\n</think>\n\nb"))
    }

    @Test func toolUseTemplateIsUsedWithTools() throws {
        let two = try template(
            "plain {{ messages[0].content }}", toolUse: "with {{ tools | length }}: {{ messages[0].content }}")
        let content = try #require(user["content"]?.stringValue)
        #expect(try two.render(messages: [user]).text == "plain \(content)")
        #expect(try two.render(messages: [user], tools: []).text == "plain \(content)")
        #expect(try two.render(messages: [user], tools: [["type": "function"]]).text == "with 1: \(content)")
    }

    @Test func brokenTemplateIsRefusedAtLoad() {
        let error = #expect(throws: TemplateError.self) { try template("a\n{% if %}") }
        #expect(error?.kind == .syntax)
        #expect(error?.line == 2)
        #expect(error?.sourceLine == "{% if %}")
    }

    @Test func delimitersKnowTheirTags() {
        var format = ChatFormat(name: "x")
        format.reasoning = ChatFormat.Delimiters("<|channel|>analysis<|message|>", "\n<|end|>")
        #expect(
            format.tokens(withCalls: true)
                == ["<|channel|>analysis<|message|>", "<|channel|>", "<|message|>", "<|end|>"])
    }
}

@Suite("Ids of calls", .enabled(if: TemplateFolder.isThere, "../shared/chat-templates is not there"))
struct CallIDTests {
    /// Ids of other servers and models, in the history for a model whose template refuses them.
    @Test func anyIDIsAcceptedWhereShortOnesAreRequired() throws {
        let user: JSONValue = ["role": "user", "content": "Hi"]
        var demanding: Set<String> = []
        for name in try TemplateFolder.names() {
            let template = try ChatTemplate(
                source: TemplateFolder.source(name), beginningToken: "<BOS>", endToken: "<EOS>")
            guard template.capabilities.demandsShortCallIDs else { continue }
            demanding.insert(name)
            for id in ["call_0123456789abcdef012345670000", "call00001", "x"] {
                let call: JSONValue = [
                    "id": .string(id), "type": "function", "function": ["name": "probe_alpha", "arguments": [:]],
                ]
                let prompt = try template.render(
                    messages: [
                        user, ["role": "assistant", "content": "", "tool_calls": [call]],
                        ["role": "tool", "tool_call_id": .string(id), "content": "42"],
                    ], tools: ChatFormatRecognition.tools)
                // The ids of the call and of its result.
                #expect(prompt.text.ranges(of: ShortCallID.short(for: id)).count == 2, "\(name), \(id)")
            }
        }
        #expect(demanding == ["Mistral-Small-3.2-24B-Instruct-2506", "mistralai-Mistral-Nemo-Instruct-2407"])
    }
}
