import MartletGrammar
import MartletJSON
import MartletSchema
import OrderedCollections
import Testing

@testable import MartletChat

@Suite("Grammars of calls", .enabled(if: TemplateFolder.isThere, "../shared/chat-templates is not there"))
struct OutputGrammarTests {
    private func prompt(_ turn: ChatFormatRecognition.Turn) -> RenderedPrompt {
        RenderedPrompt(segments: [], reasoning: .undecided, opening: turn.opening)
    }

    private func accepts(_ grammar: Grammar, _ text: String) -> Bool {
        var matcher = GrammarMatcher(grammar)
        return matcher.accept(Array(text.utf8)) && matcher.isComplete
    }

    /// Whether the grammar refuses a call of the first tool before its name is complete. A head in front of the call
    /// may name the tool.
    private func refusesName(_ grammar: Grammar, _ text: String) -> Bool {
        guard let name = text.ranges(of: ChatFormatRecognition.names[0]).last else { return false }
        var matcher = GrammarMatcher(grammar)
        return matcher.acceptPrefix(of: text.utf8) < text.utf8.distance(from: text.startIndex, to: name.upperBound)
    }

    /// Grammar and parser derive from one description: the rendering of a template fits both.
    @Test func renderedCallsAreAllowedAndOtherNamesAreNot() throws {
        var checked: Set<String> = []
        for name in try TemplateFolder.names() {
            let template = try ChatTemplate(
                source: TemplateFolder.source(name), beginningToken: "<BOS>", endToken: "<EOS>")
            // One template writes more behind its turns.
            guard template.formatSource == .behaviour, template.format.format.name != "command-fenced" else {
                continue
            }
            let recognition = template.recognition
            for count in [1, 2] {
                guard var turn = recognition.turn(calls: count) else { continue }
                turn.turn.text = TurnEnds.cut(turn.turn.text, of: name)
                Self.moveCut(&turn.turn, template.format.format.reasoning)
                let text = turn.turn.text
                let label = Comment(
                    rawValue: "\(name): \(turn.turn.opening.debugDescription) + \(text.debugDescription)")
                let maker = OutputGrammar(template.format, prompt: prompt(turn.turn))
                let tools = ChatFormatRecognition.offered.tools
                let grammar = try #require(
                    try maker.grammar(tools: tools, requirement: .calls, allowsSeveral: true)?.grammar, label)
                #expect(accepts(grammar, text), label)
                let other = try #require(
                    try maker.grammar(tools: Array(tools[1...]), requirement: .calls, allowsSeveral: true)?.grammar,
                    label)
                #expect(refusesName(other, text), label)
                if count == 2 {
                    let single = try #require(
                        try maker.grammar(tools: tools, requirement: .calls, allowsSeveral: false)?.grammar, label)
                    #expect(!accepts(single, text), label)
                }
                if let free = try maker.grammar(tools: tools, requirement: .anything, allowsSeveral: true)?.grammar {
                    #expect(accepts(free, text), label)
                    let isReasoningOpen = OutputParser(template.format, after: turn.turn.opening).isInReasoning
                    let plain = Self.plainText(template.format.format, turn.turn.opening)
                    #expect(accepts(free, plain) != isReasoningOpen, label)
                    let freeOther = try #require(
                        try maker.grammar(tools: Array(tools[1...]), requirement: .anything, allowsSeveral: true), label
                    )
                    #expect(refusesName(freeOther.grammar, text), label)
                }
                checked.insert(name)
            }
        }
        #expect(checked.count == 47)
    }

    /// A schema without tools, behind reasoning if the template renders some, between the format's delimiters of
    /// content.
    @Test func renderedValuesAreAllowedAndOtherTextIsNot() throws {
        let object = try SchemaCompiler().grammar(
            of: ["type": "object", "properties": ["x": ["type": "integer"]], "required": ["x"]]
        ).grammar
        var checked: Set<String> = []
        var afterReasoning: Set<String> = []
        for name in try TemplateFolder.names() {
            let template = try ChatTemplate(
                source: TemplateFolder.source(name), beginningToken: "<BOS>", endToken: "<EOS>")
            // Three templates request a reply in another way than they render one: the first opens reasoning in front
            // of all text, the second omits its start in past turns, the third continues within another turn.
            let others = [
                "NVIDIA-Nemotron-Nano-v2", "Apriel-1.6-15b-Thinker-fixed", "CohereForAI-c4ai-command-r-plus-tool_use",
            ]
            if others.contains(name) { continue }
            for reasoningText in ["", "Hm. {"] {
                func turn(_ content: String) -> ChatFormatRecognition.Turn? {
                    var message: JSONObject = ["role": "assistant", "content": .string(content)]
                    if !reasoningText.isEmpty { message["reasoning_content"] = .string(reasoningText) }
                    guard var turn = SampleTurns.turn(of: .object(message), template, name, tools: nil) else {
                        return nil
                    }
                    Self.moveCut(&turn, template.format.format.reasoning)
                    return turn
                }
                guard let right = turn("{\"x\": 1}"), let wrong = turn("{\"x\": \"1\"}") else { continue }
                let label = Comment(
                    rawValue: "\(name): \(right.opening.debugDescription) + \(right.text.debugDescription)")
                let maker = OutputGrammar(template.format, prompt: prompt(right))
                let grammar = try maker.grammar(around: object)
                // White space that some templates put around a whole reply is not generated by the model.
                let text = Self.withoutSpaceAround(right.text)
                #expect(accepts(grammar, text), label)
                #expect(!accepts(grammar, Self.withoutSpaceAround(wrong.text)), label)
                #expect(!accepts(grammar, text + " and more"), label)
                checked.insert(name)
                if right.text.contains(reasoningText), !reasoningText.isEmpty { afterReasoning.insert(name) }
            }
        }
        #expect(checked.count == 50)
        #expect(afterReasoning.count == 19)
    }

    /// The text without white space at its ends, except white space that belongs to a head.
    private static func withoutSpaceAround(_ text: String) -> String {
        let bare = text.withoutSpaceAround
        guard let range = text.firstRange(of: bare), !bare.hasPrefix("{"), !bare.hasPrefix("<") else { return bare }
        return String(text[..<range.upperBound])
    }

    /// A reply without calls, behind its head if the format has message heads.
    private static func plainText(_ format: ChatFormat, _ opening: String) -> String {
        guard let head = format.messageHead, head.call == "" else { return "Just text." }
        return (opening.hasSuffix(head.starts[0]) ? "" : head.starts[0]) + head.content[0] + head.end + "Just text."
    }

    /// A prompt ends with a whole delimiter, and an output does not begin with the end of reasoning that was not
    /// begun.
    static func moveCut(_ turn: inout ChatFormatRecognition.Turn, _ reasoning: ChatFormat.Delimiters?) {
        if let open = turn.opening.lastIndex(of: "<"), !turn.opening[open...].contains(">") {
            turn.text = turn.opening[open...] + turn.text
            turn.opening = String(turn.opening[..<open])
        }
        if let reasoning, turn.text.hasPrefix(reasoning.ends[0].withoutSpaceAround),
            !turn.opening.hasSuffix(reasoning.start)
        {
            turn.opening += reasoning.start
        }
        let separator = "<|message_sep|>\n\n"
        if turn.text.hasSuffix(separator) { turn.text = String(turn.text.dropLast(separator.count)) }
    }
}
