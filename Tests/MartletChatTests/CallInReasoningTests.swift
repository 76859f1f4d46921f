import MartletGrammar
import MartletJSON
import OrderedCollections
import Testing

@testable import MartletChat

/// A call within open reasoning ends the reasoning, for every template that has both.
@Suite("Calls in reasoning", .enabled(if: TemplateFolder.isThere, "../shared/chat-templates is not there"))
struct CallInReasoningTests {
    @Test func toolCallEndsReasoningInParserAndGrammar() throws {
        var checked: Set<String> = []
        for name in try TemplateFolder.names() {
            let template = try ChatTemplate(
                source: TemplateFolder.source(name), beginningToken: "<BOS>", endToken: "<EOS>")
            let format = template.format.format
            guard let reasoning = format.reasoning, !format.callStarts.isEmpty else { continue }
            for count in [1, 2] {
                guard var turn = template.recognition.turn(calls: count) else { continue }
                turn.turn.text = TurnEnds.cut(turn.turn.text, of: name)
                let whole = turn.turn.whole
                guard let start = format.callStarts.compactMap({ whole.firstRange(of: $0)?.lowerBound }).min()
                else { continue }
                let call = String(whole[start...])
                for isOpen in [true, false] {
                    let opening = isOpen ? reasoning.start : ""
                    let text = (isOpen ? "" : reasoning.start) + "I look <b>first.\n\n" + call
                    let label = Comment(rawValue: "\(name): \(text.debugDescription)")
                    for size in [nil, 1, 3] {
                        let read = ReadMessage(
                            text, template.format, tools: ChatFormatRecognition.offered, after: opening, every: size)
                        #expect(read.reasoning == "I look <b>first.", label)
                        #expect(read.content.withoutSpaceAround == "", label)
                        #expect(read.calls.map(\.name) == turn.calls.map(\.name), label)
                        #expect(
                            read.calls.map(\.value)
                                == turn.calls.map { ChatFormatRecognition.canonical($0.arguments) }, label)
                        #expect(read.warnings == [] && !read.calls.contains { !$0.isComplete }, label)
                    }
                    let prompt = RenderedPrompt(segments: [], reasoning: .undecided, opening: opening)
                    let maker = OutputGrammar(template.format, prompt: prompt)
                    for requirement in [OutputGrammar.Requirement.anything, .calls] {
                        let grammar = try #require(
                            try maker.grammar(
                                tools: ChatFormatRecognition.offered.tools, requirement: requirement,
                                allowsSeveral: true)?.grammar,
                            label)
                        let isAllowed = grammar.matches(text.utf8)
                        #expect(isAllowed, label)
                        // Behind the delimiter that begins a call only a call is allowed.
                        var matcher = GrammarMatcher(grammar)
                        let reasoningText = (isOpen ? "" : reasoning.start) + "So " + format.callStarts[0]
                        let isReasoning = matcher.accept(Array(reasoningText.utf8))
                        let count = matcher.acceptPrefix(of: "~~~".utf8)
                        #expect(isReasoning && count == 0, label)
                    }
                    // Without tools the call is reasoning.
                    let plain = ReadMessage(text, template.format, tools: nil, after: opening)
                    let isReasoning = plain.reasoning.hasPrefix("I look <b>first.\n\n" + call.prefix(4))
                    #expect(plain.calls.isEmpty && isReasoning, label)
                    checked.insert(name)
                }
            }
        }
        #expect(checked.count >= 25)
        #expect(
            checked.isSuperset(of: [
                "GLM-4.7-Flash", "Kimi-K2-Thinking", "MiniMax-M2", "Qwen-Qwen3-0.6B", "StepFun3.5-Flash",
                "deepseek-ai-DeepSeek-V4", "google-gemma-4-31B-it", "inclusionai-ling-3.0-flash",
            ]))
    }

    /// Reasoning that mentions a call contains no call, and it does not end there.
    @Test func plainWordInReasoningIsReasoning() {
        for chatFormat in OutputCases.all {
            let format = chatFormat.format.format
            guard let reasoning = format.reasoning else { continue }
            for start in format.callStarts {
                let text = "I could write \(start) here."
                let message = ReadMessage(
                    reasoning.start + text + reasoning.ends[0] + format.contentStart + "Yes.", chatFormat.format,
                    tools: OutputCases.tools)
                #expect(message.reasoning == text, "\(chatFormat.file): \(start)")
                #expect(message.content == "Yes." && message.calls.isEmpty, "\(chatFormat.file): \(start)")
                #expect(message.warnings.isEmpty, "\(chatFormat.file): \(start)")
            }
        }
    }
}
