import MartletProtocol
import Testing

@testable import MartletEngine

/// Text that is injected into a running output.
@Suite struct InjectionTests {
    func splice(_ text: String, _ moment: Injection.Moment = .now) -> ControlAction {
        .inject(
            Injection(
                content: Prompt(pieces: [.text(text, isTrusted: false)], addsBeginning: false), moment: moment,
                opensTurn: false))
    }

    static func newTurn(_ text: String, _ moment: Injection.Moment = .now) -> ControlAction {
        .inject(
            Injection(
                content: Prompt(
                    pieces: [
                        .text("<|im_end|>\n<|im_start|>user\n", isTrusted: true), .text(text, isTrusted: false),
                        .text("<|im_end|>\n<|im_start|>assistant\n", isTrusted: true),
                    ], addsBeginning: false), moment: moment, opensTurn: true))
    }

    @Test func probabilitiesAfterASpliceAreThoseOfAFreshRun() throws {
        let bench = try ControlBench()
        let handle = try bench.submit("Tell me a story.") {
            $0.parameters.probabilities = ProbabilityRequest(count: 3)
            $0.parameters.maximumTokens = 30
        }
        bench.run(handle, to: 8)
        let result = bench.send(splice(" stones and rivers"), handle)
        guard case .applied(.injected(opensTurn: false, let count), token: 8) = result else {
            Issue.record("\(String(describing: result))")
            return
        }
        bench.run(handle)
        let completion = bench.completion(handle)
        let spliced = Array(completion.tokens.prefix(8 + count))
        #expect(spliced.suffix(count) == (try bench.tokens(" stones and rivers"))[...])

        // Fewer than 64 tokens, so both runs compute them in the same kind of decode.
        let prompt = try bench.loaded.tokenizer.tokens(of: RunningEngine.chat("Tell me a story.")) + spliced
        try #require(prompt.count < 64)
        let fresh = try bench.submit("") {
            $0.prompt = Prompt(pieces: [.tokens(prompt)], addsBeginning: false)
            $0.parameters.probabilities = ProbabilityRequest(count: 3)
            $0.parameters.maximumTokens = 22
            $0.parameters.reusesPrompt = false
        }
        bench.run(fresh)
        let expected = bench.completion(fresh)
        #expect(expected.tokens.count == 22 || expected.summary?.reason == .endOfGeneration)
        #expect(Array(completion.tokens.dropFirst(8 + count)) == expected.tokens)
        let behind = completion.probabilities.dropFirst(8)
        #expect(behind.map(\.first) == expected.probabilities.map(\.first))
    }

    @Test func injectionWaitsForTheEndOfTheSentence() throws {
        let bench = try ControlBench()
        let handle = try bench.submit("Tell me a story about a fox.") { $0.reasoning = nil }
        bench.run(handle, to: 3)
        let number = bench.post(splice(" Then it rained.", .sentenceEnd), handle)
        bench.run(handle)
        let completion = bench.completion(handle)
        guard case .applied(.injected(_, let count), let token) = bench.result(number, handle) else {
            Issue.record("not injected")
            return
        }
        let vocabulary = bench.loaded.vocabulary
        let before = vocabulary.text(of: Array(completion.tokens.prefix(token)))
        #expect(before.last.map { ".!?\n\"".contains($0) } == true, "\(before)")
        #expect(vocabulary.text(of: Array(completion.tokens[token..<token + count])) == " Then it rained.")
    }

    @Test func injectionWaitsForTheEndOfReasoning() throws {
        let bench = try ControlBench()
        let handle = try bench.submit("Count from 1 to 9.")
        bench.run(handle, to: 3)
        let number = bench.post(splice("In short: ", .afterReasoning), handle)
        bench.run(handle)
        let completion = bench.completion(handle)
        guard case .applied(.injected, let token) = bench.result(number, handle) else {
            Issue.record("not injected")
            return
        }
        let before = bench.loaded.vocabulary.text(of: Array(completion.tokens.prefix(token)))
        #expect(before.hasSuffix("</think>"), "\(before)")
        #expect(completion.text.contains("</think>In short: "))
    }

    @Test func endOfTheTurnAppliesAllWaitingInjections() throws {
        let bench = try ControlBench()
        let handle = try bench.submit("Count from 1 to 5.")
        bench.run(handle, to: 3)
        // This output contains no end of a sentence, so the injection keeps the turn open at its end.
        let number = bench.post(Self.newTurn("Count from 1 to 3.", .sentenceEnd), handle)
        bench.run(handle)
        guard case .applied(.injected(opensTurn: true, _), _) = bench.result(number, handle) else {
            Issue.record("lost")
            return
        }
        #expect(bench.completion(handle).text.hasSuffix("1, 2, 3"), "\(bench.completion(handle).text)")
    }

    @Test func newTurnIsCompletedAndNotShown() throws {
        let bench = try ControlBench()
        let handle = try bench.submit("Tell me a story about a fox.")
        // Within reasoning: the injection closes it before the turn ends.
        bench.run(handle, to: 4)
        #expect(bench.loaded.vocabulary.text(of: bench.completion(handle).tokens).hasPrefix("<think>"))
        bench.send(Self.newTurn("Count from 1 to 4."), handle)
        bench.run(handle)
        let completion = bench.completion(handle)
        #expect(completion.text.hasSuffix("1, 2, 3, 4"), "\(completion.text)")
        #expect(!completion.text.contains("Count from 1"))
        #expect(completion.text.components(of: "<think>") == 2)
        #expect(completion.text.components(of: "</think>") == 2)
        #expect(completion.summary?.reason == .endOfGeneration)
    }

    @Test func rewindNeverEndsWithinAnInjectedTurn() throws {
        let bench = try ControlBench()
        let handle = try bench.submit("Tell me a story about a fox.")
        bench.run(handle, to: 30)
        guard case .applied(.injected(_, let count), 30) = bench.send(Self.newTurn("Count from 1 to 4."), handle)
        else {
            Issue.record("not injected")
            return
        }
        bench.run(handle, to: 30 + count + 3)
        #expect(bench.send(.rewind(.token(30 + count - 2)), handle) == .applied(.rewound, token: 30))
        let whole = try bench.submit("Tell me a story about a fox.")
        bench.run(whole)
        bench.run(handle)
        #expect(bench.completion(handle).tokens == bench.completion(whole).tokens)
    }

    /// The limit counts the tokens of the model. Therefore it is the same again when injected tokens are removed, also by
    /// an engine that received the injected tokens from an earlier run.
    @Test(arguments: [false, true]) func aRewindTakesTheInjectedTokensOffTheLimit(isContinued: Bool) throws {
        let bench = try ControlBench()
        let change: (inout GenerationRequest) -> Void = {
            $0.parameters.maximumTokens = 20
            $0.parameters.ignoresEndOfGeneration = true
        }
        var handle = try bench.submit("Tell me a story.", change)
        bench.run(handle, to: 8)
        guard case .applied(.injected(_, let count), token: 8) = bench.send(splice(" stones and rivers"), handle) else {
            Issue.record("nothing was injected")
            return
        }
        bench.run(handle, to: 8 + count + 1)
        if isContinued {
            let tokens = bench.completion(handle).tokens
            handle = try bench.submit("Tell me a story.") {
                change(&$0)
                $0.parameters.maximumTokens = 20 + count
                $0.continuation = tokens
                $0.injections = [InjectedTokens(8..<8 + count, opensTurn: false)]
            }
            bench.run(handle, to: 1)
        }
        guard case .applied(.rewound, token: 8) = bench.send(.rewind(.token(8)), handle) else {
            Issue.record("nothing was removed")
            return
        }
        bench.run(handle)
        #expect(bench.completion(handle).summary?.timings.predictedTokens == 20)
    }

    @Test func injectionBeyondTheContextIsRefused() throws {
        let bench = try ControlBench(sequences: 1, context: 256)
        let handle = try bench.submit("Count from 1 to 30.")
        bench.run(handle, to: 3)
        let text = String(repeating: "stone ", count: 300)
        guard case .refused(.contextFull) = bench.send(splice(text), handle) else {
            Issue.record("not refused")
            return
        }
        bench.send(splice(text, .sentenceEnd), handle)
        bench.run(handle)
        #expect(bench.completion(handle).isEnded)
        #expect(bench.completion(handle).results.count == 2)
    }

    @Test func sentenceEndsAreFoundByMarkAndWhiteSpace() {
        func isEnd(_ text: String, _ next: String) -> Bool {
            SentenceEnd.isReached(by: Array(text.utf8), before: ArraySlice(next.utf8))
        }
        #expect(isEnd("It rained.", " Then"))
        #expect(isEnd("\"Why?\"", " he"))
        #expect(isEnd("It rained. ", "Then"))
        #expect(isEnd("下雨了。", "然后"))
        #expect(isEnd("a line\n", "b"))
        #expect(!isEnd("about 3.", "14"))
        #expect(!isEnd("It rained", " then"))
        #expect(!isEnd("", " then"))
    }
}

extension TokenProbabilities {
    /// The sampled token and the bits of its probability.
    fileprivate var first: [String] { (0..<count).map { "\(self[$0].id) \(self[$0].value.bitPattern)" } }
}
