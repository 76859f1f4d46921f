import MartletGrammar
import MartletJSON
import OrderedCollections
import Testing

@testable import MartletChat

/// A call within an open think block ends the thinking, for every template that has both.
@Suite("Calls in thinking", .enabled(if: TemplateFolder.isThere, "../shared/chat-templates is not there"))
struct CallInThinkingTests {
    @Test func callEndsThinkingInReaderAndGrammar() throws {
        var checked: Set<String> = []
        for name in try TemplateFolder.names() {
            let template = try ChatTemplate(
                source: TemplateFolder.source(name), beginningToken: "<BOS>", endToken: "<EOS>")
            let syntax = template.syntax.syntax
            guard let reasoning = syntax.reasoning, !syntax.callStarts.isEmpty else { continue }
            for count in [1, 2] {
                guard var turn = template.recognition.turn(calls: count) else { continue }
                turn.turn.text = TurnEnds.cut(turn.turn.text, of: name)
                let whole = turn.turn.whole
                guard let start = syntax.callStarts.compactMap({ whole.firstRange(of: $0)?.lowerBound }).min()
                else { continue }
                let call = String(whole[start...])
                for isOpen in [true, false] {
                    let opening = isOpen ? reasoning.start : ""
                    let text = (isOpen ? "" : reasoning.start) + "I look <b>first.\n\n" + call
                    let label = Comment(rawValue: "\(name): \(text.debugDescription)")
                    for size in [nil, 1, 3] {
                        let read = ReadMessage(
                            text, template.syntax, tools: SyntaxRecognition.offered, after: opening, every: size)
                        #expect(read.reasoning == "I look <b>first.", label)
                        #expect(read.content.withoutSpaceAround == "", label)
                        #expect(read.calls.map(\.name) == turn.calls.map(\.name), label)
                        #expect(
                            read.calls.map(\.value)
                                == turn.calls.map { SyntaxRecognition.canonical($0.arguments) }, label)
                        #expect(read.warnings == [] && !read.calls.contains { !$0.isComplete }, label)
                    }
                    let prompt = RenderedPrompt(segments: [], reasoning: .undecided, opening: opening)
                    let maker = AnswerGrammar(template.syntax, prompt: prompt)
                    for demand in [AnswerGrammar.Demand.anything, .calls] {
                        let grammar = try #require(
                            try maker.grammar(
                                tools: SyntaxRecognition.offered.tools, demand: demand, allowsSeveral: true)?.grammar,
                            label)
                        let isAllowed = grammar.matches(text.utf8)
                        #expect(isAllowed, label)
                        // Nothing else can follow what begins a call.
                        var matcher = GrammarMatcher(grammar)
                        let thought = (isOpen ? "" : reasoning.start) + "So " + syntax.callStarts[0]
                        let isThought = matcher.accept(Array(thought.utf8))
                        let count = matcher.acceptPrefix(of: "~~~".utf8)
                        #expect(isThought && count == 0, label)
                    }
                    // Without tools it is thinking.
                    let plain = ReadMessage(text, template.syntax, tools: nil, after: opening)
                    let isThought = plain.reasoning.hasPrefix("I look <b>first.\n\n" + call.prefix(4))
                    #expect(plain.calls.isEmpty && isThought, label)
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

    /// What is spoken of in thinking is no call, and thinking goes on.
    @Test func wordInThinkingIsThinking() {
        for family in OutputCases.all {
            let syntax = family.syntax.syntax
            guard let reasoning = syntax.reasoning else { continue }
            for start in syntax.callStarts {
                let text = "I could write \(start) here."
                let message = ReadMessage(
                    reasoning.start + text + reasoning.ends[0] + syntax.contentStart + "Yes.", family.syntax,
                    tools: OutputCases.tools)
                #expect(message.reasoning == text, "\(family.file): \(start)")
                #expect(message.content == "Yes." && message.calls.isEmpty, "\(family.file): \(start)")
                #expect(message.warnings.isEmpty, "\(family.file): \(start)")
            }
        }
    }
}
