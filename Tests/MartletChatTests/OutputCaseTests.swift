import MartletGrammar
import MartletJSON
import MartletProtocol
import OrderedCollections
import Testing

@testable import MartletChat

@Suite("Output formats") struct OutputCaseTests {
    @Test func everyFamilyHasAFile() {
        #expect(Set(OutputCases.all.map(\.syntax.syntax.family)) == Set(OutputSyntax.families.map(\.family)))
        #expect(OutputCases.all.count == OutputSyntax.families.count)
    }

    @Test(arguments: OutputCases.all) func answersAreReadAsTheirFileSays(family: OutputCases) {
        for test in family.cases {
            let whole = family.message(test.output, test)
            let label = Comment(rawValue: "\(family.file), \(test.name): \(test.output.debugDescription)")
            var read = whole.json.objectValue ?? [:]
            read["warnings"] = nil
            #expect(SyntaxRecognition.canonical(.object(read)) == SyntaxRecognition.canonical(test.expected), label)
            #expect(whole.warnings == test.warnings, label)
            #expect(!whole.calls.contains { !$0.isComplete }, label)
            // However it is cut, the message is the same.
            let count = test.output.utf8.count
            #expect(family.message(test.output, test, cuts: Array(1..<count)) == whole, label)
            for place in stride(from: 1, to: count, by: 1 + count / 64) {
                #expect(family.message(test.output, test, cuts: [place]) == whole, "cut at \(place): \(label)")
            }
        }
    }

    @Test(arguments: OutputCases.all) func noByteIsLost(family: OutputCases) {
        for test in family.cases where !test.output.utf8.isEmpty {
            var parser = OutputParser(family.syntax, after: test.opening)
            var bytes: [UInt8] = []
            func take(_ piece: OutputPiece) {
                if case .text(_, let text) = piece { bytes += text }
            }
            parser.append(Array(test.output.utf8)[...]) { take($0) }
            parser.finish { take($0) }
            // What the prompt has of a head is a part of the head.
            let opening = Array(bytes.dropLast(test.output.utf8.count))
            let label = Comment(rawValue: "\(family.file), \(test.name)")
            #expect(bytes.suffix(test.output.utf8.count).elementsEqual(test.output.utf8), label)
            #expect(test.opening.utf8.suffix(opening.count).elementsEqual(opening), label)
        }
    }

    /// What is read as a call can be written, where the file says so.
    @Test(arguments: OutputCases.all) func grammarsAllowWhatTheirFileSays(family: OutputCases) throws {
        var grammars: [String: Grammar] = [:]
        for test in family.cases {
            guard let isAllowed = test.isAllowed else { continue }
            if grammars[test.opening] == nil {
                let prompt = RenderedPrompt(segments: [], reasoning: .undecided, opening: test.opening)
                let maker = AnswerGrammar(family.syntax, prompt: prompt)
                grammars[test.opening] = try #require(
                    try maker.grammar(tools: OutputCases.tools.tools, demand: .anything, allowsSeveral: true)?.grammar,
                    "\(family.file)")
            }
            let matches = try #require(grammars[test.opening]).matches(test.output.utf8)
            #expect(matches == isAllowed, "\(family.file), \(test.name): \(test.output.debugDescription)")
        }
    }
}
