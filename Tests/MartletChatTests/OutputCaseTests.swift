import MartletGrammar
import MartletJSON
import MartletProtocol
import OrderedCollections
import Testing

@testable import MartletChat

@Suite("Output formats") struct OutputCaseTests {
    @Test func everyChatFormatHasAFile() {
        #expect(Set(OutputCases.all.map(\.format.format.name)) == Set(ChatFormat.all.map(\.name)))
        #expect(OutputCases.all.count == ChatFormat.all.count)
    }

    @Test(arguments: OutputCases.all) func outputsAreParsedAsTheirFileSays(chatFormat: OutputCases) {
        for test in chatFormat.cases {
            let whole = chatFormat.message(test.output, test)
            let label = Comment(rawValue: "\(chatFormat.file), \(test.name): \(test.output.debugDescription)")
            var read = whole.json.objectValue ?? [:]
            read["warnings"] = nil
            #expect(
                ChatFormatRecognition.canonical(.object(read)) == ChatFormatRecognition.canonical(test.expected), label)
            #expect(whole.warnings == test.warnings, label)
            #expect(!whole.calls.contains { !$0.isComplete }, label)
            // The message is the same for all cuts.
            let count = test.output.utf8.count
            #expect(chatFormat.message(test.output, test, cuts: Array(1..<count)) == whole, label)
            for position in stride(from: 1, to: count, by: 1 + count / 64) {
                #expect(
                    chatFormat.message(test.output, test, cuts: [position]) == whole, "cut at \(position): \(label)")
            }
        }
    }

    @Test(arguments: OutputCases.all) func noByteIsLost(chatFormat: OutputCases) {
        for test in chatFormat.cases where !test.output.utf8.isEmpty {
            var parser = OutputParser(chatFormat.format, after: test.opening)
            var bytes: [UInt8] = []
            func record(_ piece: OutputPiece) {
                if case .text(_, let text) = piece { bytes += text }
            }
            parser.append(Array(test.output.utf8)[...]) { record($0) }
            parser.finish { record($0) }
            // The part of a head that the prompt contains belongs to the head.
            let opening = Array(bytes.dropLast(test.output.utf8.count))
            let label = Comment(rawValue: "\(chatFormat.file), \(test.name)")
            #expect(bytes.suffix(test.output.utf8.count).elementsEqual(test.output.utf8), label)
            #expect(test.opening.utf8.suffix(opening.count).elementsEqual(opening), label)
        }
    }

    /// Output that parses as a call is allowed by the grammar, if the file says so.
    @Test(arguments: OutputCases.all) func grammarsAllowWhatTheirFileSays(chatFormat: OutputCases) throws {
        var grammars: [String: Grammar] = [:]
        for test in chatFormat.cases {
            guard let isAllowed = test.isAllowed else { continue }
            if grammars[test.opening] == nil {
                let prompt = RenderedPrompt(segments: [], reasoning: .undecided, opening: test.opening)
                let maker = OutputGrammar(chatFormat.format, prompt: prompt)
                grammars[test.opening] = try #require(
                    try maker.grammar(tools: OutputCases.tools.tools, requirement: .anything, allowsSeveral: true)?
                        .grammar,
                    "\(chatFormat.file)")
            }
            let matches = try #require(grammars[test.opening]).matches(test.output.utf8)
            #expect(matches == isAllowed, "\(chatFormat.file), \(test.name): \(test.output.debugDescription)")
        }
    }
}
