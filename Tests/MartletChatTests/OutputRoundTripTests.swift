import MartletJSON
import MartletProtocol
import OrderedCollections
import Testing

@testable import MartletChat

/// The rendering of an assistant's message parses back to that message, for all cuts.
@Suite("Round trips", .enabled(if: TemplateFolder.isThere, "../shared/chat-templates is not there"))
struct OutputRoundTripTests {
    @Test func everyTurnParsesBack() throws {
        var readWithCalls: Set<String> = []
        var readWithSeveral: Set<String> = []
        var readWithReasoning: Set<String> = []
        var known: Set<String> = []
        for name in try TemplateFolder.names() {
            let template = try ChatTemplate(
                source: TemplateFolder.source(name), beginningToken: "<BOS>", endToken: "<EOS>")
            if template.format.format.calls != nil { known.insert(name) }
            let calls = SampleTurns.calls(for: template.format.format.name)
            for test in SampleTurns.cases {
                let meant = Array(calls.prefix(test.callCount))
                guard let turn = SampleTurns.turn(of: SampleTurns.message(test, meant), template, name)
                else { continue }
                let whole = turn.opening + turn.text
                let read = ReadMessage(turn.text, template.format, tools: SampleTurns.offered, after: turn.opening)
                let label = Comment(rawValue: "\(name), \(test): \(whole.debugDescription)")
                // Parts that the template omits cannot be parsed.
                let showsReasoning = !test.reasoning.isEmpty && whole.contains(test.reasoning)
                let showsContent = !test.content.isEmpty && whole.contains(test.content)
                let shownCalls = meant.filter { whole.contains($0.name) }
                switch name {
                case "openai-gpt-oss-120b" where test.callCount > 0:
                    // This template renders content next to calls as reasoning, behind the reasoning of the message.
                    let texts = [test.reasoning, test.content].filter { !$0.isEmpty }
                    #expect(read.reasoning == texts.joined(separator: "\n\n"), label)
                case "NVIDIA-Nemotron-Nano-v2" where showsContent:
                    // This template opens reasoning in front of all text, and expects the end delimiter in that text.
                    #expect(read.reasoning.withoutSpaceAround == test.content, label)
                case "Apriel-1.6-15b-Thinker-fixed" where showsReasoning:
                    // This template omits the start of reasoning in past turns; the generation prompt contains it.
                    let withPrompt = ReadMessage(
                        turn.text, template.format, tools: SampleTurns.offered, after: template.generationPrompt)
                    #expect(withPrompt.reasoning.withoutSpaceAround == test.reasoning, label)
                    #expect(withPrompt.content.withoutSpaceAround == test.content, label)
                    #expect(withPrompt.calls == read.calls, label)
                default:
                    #expect(read.reasoning.withoutSpaceAround == (showsReasoning ? test.reasoning : ""), label)
                    #expect(read.content.withoutSpaceAround == (showsContent ? test.content : ""), label)
                }
                #expect(read.calls.map(\.name) == shownCalls.map(\.name), label)
                #expect(
                    read.calls.map(\.value) == shownCalls.map { ChatFormatRecognition.canonical($0.arguments) }, label)
                #expect(!read.calls.contains { !$0.isComplete }, label)
                #expect(read.warnings == [], label)
                for size in [1, 2, 3, 5, 7] {
                    let cut = ReadMessage(
                        turn.text, template.format, tools: SampleTurns.offered, after: turn.opening, every: size)
                    #expect(cut == read, "\(size) bytes at a time: \(name), \(test)")
                }
                if !read.calls.isEmpty { readWithCalls.insert(name) }
                if read.calls.count > 1 { readWithSeveral.insert(name) }
                if !read.reasoning.isEmpty { readWithReasoning.insert(name) }
            }
        }
        // Templates that refuse these tools, that do not render past calls, and that render only one call.
        let unread: Set = [
            "CohereForAI-c4ai-command-r-plus-tool_use", "LFM2.5-Instruct",
            "google-gemma-2-2b-it", "ibm-granite-granite-3.3-2B-Instruct",
        ]
        #expect(known.count == 51)
        #expect(known.subtracting(readWithCalls) == unread)
        #expect(
            known.subtracting(readWithSeveral).subtracting(unread) == [
                "GigaChat3-10B-A1.8B", "GigaChat3.1-10B-A1.8B", "meta-llama-Llama-3.1-8B-Instruct",
                "meta-llama-Llama-3.2-3B-Instruct", "openai-gpt-oss-120b",
            ])
        #expect(readWithReasoning.count == 23)
    }
}
