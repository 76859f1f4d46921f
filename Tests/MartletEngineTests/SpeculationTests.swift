import Foundation
import Llama
import MartletGrammar
import MartletProtocol
import Testing

@testable import MartletEngine

/// Speculation changes the number of decodes, and nothing that a client sees.
@Suite struct SpeculationTests {
    /// Drafts of full length by lookup, or by the demo model for itself.
    static func configuration(_ kind: DraftKind) -> SpeculationConfiguration {
        var configuration = SpeculationConfiguration()
        configuration.kinds = [kind]
        configuration.adaptsLength = false
        configuration.ngramKeyLength = 2
        configuration.ngramDraftLimit = 12
        configuration.modelDraftLimit = 5
        configuration.draftModel = DraftModelConfiguration(path: TestModels.fledgling)
        return configuration
    }

    /// Repetitive questions, so that lookups match.
    static func message(_ number: Int) -> String {
        let words = (0..<(3 + number % 9)).map { "stone \(($0 * number) % 7)" }.joined(separator: ", ")
        return [
            "Repeat this: \(words). And again: \(words).", "Count from \(number) to \(number + 12).",
            "Tell me a story about a fox and a fox and a fox.", "What is \(number) + \(number)? What is \(number) + 1?",
        ][number % 4]
    }

    static let grammars = [
        #"root ::= ("the " [a-z]+ " ")+"#, #"root ::= "[" [0-9]{1,3} (", " [0-9]{1,3}){0,12} "]""#,
    ]

    /// Everything that can depend on the history: greedy, seeded, penalties, mirostat, grammars, logprobs, stops.
    static func change(_ number: Int, _ request: inout GenerationRequest) {
        request.parameters.maximumTokens = 48
        // Tokens of another prompt may have been computed in a batch of another kind, and rounded differently.
        request.parameters.reusesPrompt = false
        request.parameters.sampling.seed = UInt64(number)
        request.parameters.sampling.temperature = number % 3 == 0 ? 0 : Float(number % 5) * 0.3
        if number % 7 == 1 { request.parameters.sampling.repeatPenalty = 1.3 }
        if number % 11 == 2 { request.parameters.sampling.mirostat = .second }
        if number % 5 == 2 { request.parameters.probabilities = ProbabilityRequest(count: 3, stage: .beforeSampling) }
        if number % 13 == 4 { request.parameters.probabilities = ProbabilityRequest(count: 2, stage: .afterSampling) }
        if number % 6 == 1 { request.parameters.stops = ["stone 3", "fox."] }
        if number % 4 == 3 {
            request.parameters.constraint = try? GenerationConstraint(GBNFParser.grammar(grammars[number / 4 % 2].utf8))
        }
    }

    static var promptCount: Int {
        ProcessInfo.processInfo.environment["MARTLET_PROMPTS"].flatMap(Int.init) ?? 60
    }

    private static func completions(_ speculation: SpeculationConfiguration) async -> [EventLog.Completion] {
        let running = RunningEngine {
            $0.sequenceCount = 8
            $0.speculation = speculation
            // An engine with drafts has flash attention by default, so the one without must have it, too.
            $0.flashAttention = .on
        }
        _ = await running.log.settled()
        let handles = (0..<promptCount).map { number in
            running.submit(RunningEngine.chat(message(number))) { change(number, &$0) }
        }
        var completions: [EventLog.Completion] = []
        for handle in handles { completions.append(await running.log.completion(handle)) }
        running.engine.shutdown()
        return completions
    }

    private static let plain = Task { await completions(SpeculationConfiguration()) }

    @Test(arguments: DraftKind.allCases) func outputEqualsThatWithoutSpeculation(kind: DraftKind) async {
        let plain = await Self.plain.value
        let speculative = await Self.completions(Self.configuration(kind))
        for (number, (plain, speculative)) in zip(plain, speculative).enumerated() {
            #expect(speculative.tokens == plain.tokens, "prompt \(number): \(plain.text)")
            #expect(speculative.text == plain.text)
            #expect(speculative.probabilities == plain.probabilities)
            #expect(speculative.summary?.reason == plain.summary?.reason)
            #expect(speculative.error == plain.error)
            #expect(plain.summary?.timings.draftedTokens == 0)
        }
        // Not a key path: Swift 6.3 copies overlapping memory for this one, and the address sanitizer ends the test.
        let timings = speculative.compactMap { $0.summary?.timings }
        let drafted = timings.reduce(0) { $0 + $1.draftedTokens }
        let accepted = timings.reduce(0) { $0 + $1.acceptedDraftTokens }
        #expect(accepted > 0 && accepted < drafted, "\(accepted) of \(drafted)")
    }

    /// A text that repeats itself needs far fewer decodes, also when the engine measures whether drafts help.
    @Test func repeatedTextNeedsFewerDecodes() throws {
        for kind in DraftKind.allCases {
            let bench = try ControlBench(speculation: Self.configuration(kind))
            let handle = try bench.submit("Count from 1 to 20.") { $0.parameters.speculation.maximumCount = 4 }
            let before = bench.board.copy.counters
            bench.run(handle)
            let after = bench.board.copy.counters
            let timings = try #require(bench.completion(handle).summary?.timings)
            let decodes = Int(after.decodes - before.decodes)
            #expect(timings.acceptedDraftTokens > 0)
            #expect(decodes + timings.acceptedDraftTokens >= timings.predictedTokens)
            #expect(decodes < timings.predictedTokens)
            #expect(Int(after.draftedTokens) == timings.draftedTokens)
            #expect(Int(after.acceptedDraftTokens) == timings.acceptedDraftTokens)
            #expect(after.drafts > 0)
        }
    }

    @Test func aRequestSwitchesSpeculationOffAndOn() throws {
        let bench = try ControlBench(speculation: Self.configuration(.model))
        let changes: [(Bool, (inout GenerationRequest) -> Void)] = [
            (true, { _ in }), (false, { $0.parameters.speculation.maximumCount = 0 }),
            (false, { $0.parameters.speculation.kinds = [] }),
            (false, { $0.parameters.speculation.minimumCount = 6 }),
            (true, { $0.parameters.speculation.kinds = [.ngram] }),
        ]
        for (drafts, change) in changes {
            let handle = try bench.submit("Count from 1 to 20. Count from 1 to 20.", change)
            bench.run(handle)
            let timings = try #require(bench.completion(handle).summary?.timings)
            #expect((timings.draftedTokens > 0) == drafts)
        }
    }

    @Test(arguments: DraftKind.allCases) func commandsHaveTheSameResultBetweenDrafts(kind: DraftKind) throws {
        let plain = try ControlBench()
        let whole = try plain.submit(EngineControlTests.story) { $0.sampleAtRandom(seed: 7, temperature: 0.5) }
        plain.run(whole)
        let expected = plain.completion(whole).tokens
        let bench = try ControlBench(speculation: Self.configuration(kind))
        for target in [0, 1, 9, 23] {
            let handle = try bench.submit(EngineControlTests.story) { $0.sampleAtRandom(seed: 7, temperature: 0.5) }
            bench.run(handle, to: 30)
            let count = bench.completion(handle).tokens.count
            #expect(bench.send(.pause, handle) == .applied(.paused, token: count))
            _ = bench.send(.resume, handle)
            #expect(bench.send(.rewind(.token(target)), handle) == .applied(.rewound, token: target))
            bench.run(handle, to: target + 8)
            let twin = bench.newForkHandle()
            let forks = [ForkedGeneration(handle: twin, changes: SettingsChange())]
            let known = bench.completion(handle).tokens.count
            #expect(bench.send(.fork(forks), handle) == .applied(.forked([twin]), token: known))
            for handle in [handle, twin] {
                bench.run(handle)
                #expect(bench.completion(handle).tokens == expected, "\(target)")
            }
        }
    }

    /// A reasoning budget forces tokens in the middle of a draft, and an injection comes behind a sentence.
    @Test(arguments: DraftKind.allCases) func forcedTokensComeAtTheSameIndex(kind: DraftKind) throws {
        func run(_ bench: ControlBench) throws -> [[Int32]] {
            try [3, 7, 10].map { budget in
                let handle = try bench.submit("Think about 3 + 4.") {
                    $0.prompt = Prompt(
                        pieces: [.text("<think>\nSo 3 + 4 is 7. So 3 + 4 is 7. So 3", isTrusted: true)],
                        addsBeginning: true)
                    $0.reasoning = ReasoningRule(
                        start: "<think>", end: "</think>", closing: "\n</think>\n\n", isOpen: true, budget: budget)
                    $0.parameters.maximumTokens = 60
                }
                let tokens = try bench.tokens("And 3 + 4 is 7.")
                _ = bench.post(
                    .inject(
                        Injection(
                            content: Prompt(pieces: [.tokens(tokens)], addsBeginning: false), moment: .afterReasoning,
                            opensTurn: false)), handle)
                bench.run(handle)
                return bench.completion(handle).tokens
            }
        }
        let bench = try ControlBench(speculation: Self.configuration(kind))
        #expect(try run(bench) == run(try ControlBench()))
        #expect(bench.board.copy.counters.drafts > 0)
    }

    @Test(arguments: DraftKind.allCases) func aContinuedGenerationHasTheSameRest(kind: DraftKind) async {
        let plain = await Self.plain.value
        let running = RunningEngine { $0.speculation = Self.configuration(kind) }
        for number in [0, 2, 4, 7, 11, 13] {
            let whole = plain[number]
            for cut in [1, whole.tokens.count / 2] where cut < whole.tokens.count {
                let rest = await running.completion(RunningEngine.chat(Self.message(number))) {
                    Self.change(number, &$0)
                    $0.continuation = Array(whole.tokens[..<cut])
                }
                #expect(rest.tokens == Array(whole.tokens[cut...]), "\(number) at \(cut)")
            }
        }
        running.engine.shutdown()
    }

    /// The KV cache of an ended generation has no refused tokens: the next turn reuses it with the same result.
    @Test(arguments: DraftKind.allCases) func refusedTokensAreNotReused(kind: DraftKind) throws {
        func run(_ bench: ControlBench) throws -> [[Int32]] {
            var outputs: [[Int32]] = []
            var text = "<|im_start|>user\nCount from 1 to 9. Count from 1 to 9.<|im_end|>\n<|im_start|>assistant\n"
            for turn in 0..<4 {
                let handle = try bench.submit("") {
                    $0.prompt = Prompt(pieces: [.text(text, isTrusted: true)], addsBeginning: true)
                    $0.sampleAtRandom(seed: UInt64(turn), temperature: 0.4)
                    $0.parameters.maximumTokens = 30 + turn
                }
                bench.run(handle)
                outputs.append(bench.completion(handle).tokens)
                text += bench.completion(handle).text
                text += "<|im_end|>\n<|im_start|>user\nAgain.<|im_end|>\n<|im_start|>assistant\n"
            }
            return outputs
        }
        #expect(
            try run(try ControlBench(sequences: 1, speculation: Self.configuration(kind)))
                == run(try ControlBench(sequences: 1)))
    }

    @Test func aContextShiftBetweenDraftsContinues() throws {
        let bench = try ControlBench(sequences: 1, context: 256, speculation: Self.configuration(.ngram))
        let handle = try bench.submit("Count from 1 to 20. Count from 1 to 20.") {
            $0.parameters.contextShift = ContextShift()
            $0.parameters.ignoresEndOfGeneration = true
            $0.parameters.maximumTokens = 600
        }
        bench.run(handle)
        let completion = bench.completion(handle)
        #expect(completion.tokens.count == 600)
        #expect(completion.summary?.isTruncated == true)
        #expect(try #require(completion.summary?.timings.acceptedDraftTokens) > 0)
    }

    @Test(
        .enabled(if: TestModels.exists(TestModels.random("micro-swa")), "no random models here"),
        arguments: [
            ("micro-swa", true), ("micro-hybrid", false), ("micro-mamba", false), ("micro", true),
        ])
    func memoriesThatCannotGoBackDoNotDraft(model: String, drafts: Bool) async {
        var speculation = Self.configuration(.ngram)
        speculation.draftModel = nil
        let running = RunningEngine(model: TestModels.random(model)) {
            $0.speculation = speculation
            // The F32 weights of these models permit no drafts otherwise.
            $0.isReproducible = false
        }
        let tokens = (0..<200).map { Int32(20 + $0 % 10) }
        let completion = await running.completion(Prompt(pieces: [.tokens(tokens)], addsBeginning: false)) {
            $0.parameters.ignoresEndOfGeneration = true
            $0.parameters.maximumTokens = 200
        }
        running.engine.shutdown()
        #expect(completion.error == nil)
        #expect(completion.tokens.count == 200)
        #expect((completion.summary?.timings.draftedTokens ?? 0 > 0) == drafts)
    }

    @Test func aDraftModelThatDoesNotFitIsRefusedAtTheStart() async {
        let path = TestModels.random("micro")
        guard TestModels.exists(path) else { return }
        let running = RunningEngine { $0.speculation.draftModel = DraftModelConfiguration(path: path) }
        guard case .failed(let error) = await running.log.settled() else {
            Issue.record("the engine has started")
            return
        }
        #expect(error.code == .loadFailed)
        #expect(error.message.contains("--model-draft"), "\(error.message)")
        running.engine.shutdown()
    }
}
