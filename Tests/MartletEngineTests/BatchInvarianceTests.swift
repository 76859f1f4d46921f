import Llama
import MartletProtocol
import Testing

@testable import MartletEngine

/// The logits of a long generation are the same bits alone, beside others, continued from the middle and behind a hit of the
/// prefix cache. Logprobs are reported as they are computed, so a difference of the last bit is found.
@Suite struct BatchInvarianceTests {
    struct Setup: Sendable, CustomTestStringConvertible {
        var model: String
        var usesFlashAttention: Bool
        var threads = 1
        var speculates = false
        var testDescription: String {
            "\(model), \(usesFlashAttention ? "flash" : "plain"), \(threads) threads\(speculates ? ", drafts" : "")"
        }

        /// More than 256 cells, from which on ggml divides them among threads. Threads wait for each other on a busy
        /// machine, so several of them compute less.
        var promptCount: Int { threads > 1 ? 300 : 610 }
        var outputCount: Int { threads > 1 ? 9 : 45 }
        /// Whether drafts are verified: only where their rows round as single tokens.
        var hasDrafts: Bool { speculates && model.isEmpty && usesFlashAttention && threads == 1 }

        func running(_ sequences: Int = 4) -> RunningEngine {
            RunningEngine(model: model.isEmpty ? TestModels.fledgling : TestModels.random(model)) {
                $0.contextLength = 2_048
                $0.sequenceCount = sequences
                $0.flashAttention = usesFlashAttention ? .on : .off
                $0.threads = threads
                if speculates {
                    $0.speculation = SpeculationTests.configuration(.ngram)
                    $0.speculation.draftModel = nil
                }
            }
        }
    }

    static let setups = [
        Setup(model: "", usesFlashAttention: true), Setup(model: "", usesFlashAttention: false),
        Setup(model: "", usesFlashAttention: true, speculates: true),
        Setup(model: "", usesFlashAttention: false, speculates: true),
        Setup(model: "micro", usesFlashAttention: true), Setup(model: "micro", usesFlashAttention: false),
        Setup(model: "micro", usesFlashAttention: true, speculates: true),
        Setup(model: "micro-swa", usesFlashAttention: true), Setup(model: "micro-hybrid", usesFlashAttention: true),
        Setup(model: "micro-mamba", usesFlashAttention: false),
    ].filter { $0.model.isEmpty || TestModels.exists(TestModels.random($0.model)) }

    /// A repetitive prompt, so that drafts match.
    private static func prompt(_ number: Int, _ setup: Setup) -> Prompt {
        let tokens = (0..<setup.promptCount).map { Int32(30 + number * 40 + ($0 % 31) * (1 + $0 / 200) % 37) }
        return Prompt(pieces: [.tokens(tokens)], addsBeginning: false)
    }

    private static func change(_ number: Int, _ setup: Setup, _ request: inout GenerationRequest) {
        request.parameters.maximumTokens = setup.outputCount
        request.parameters.ignoresEndOfGeneration = true
        request.parameters.sampling.seed = UInt64(number)
        request.parameters.sampling.temperature = number % 2 == 0 ? 0 : 0.8
        request.parameters.probabilities = ProbabilityRequest(count: 2, stage: .beforeSampling)
    }

    /// The tokens and logprobs of each prompt when it is the only request, without speculation.
    private func undisturbed(_ setup: Setup) async -> [EventLog.Completion] {
        var plain = setup
        plain.speculates = false
        let running = plain.running()
        var completions: [EventLog.Completion] = []
        for number in 0..<4 {
            completions.append(
                await running.completion(Self.prompt(number, setup)) {
                    Self.change(number, setup, &$0)
                    $0.parameters.reusesPrompt = false
                })
        }
        running.engine.shutdown()
        return completions
    }

    private func expectEqual(_ one: EventLog.Completion, _ other: EventLog.Completion, _ what: String, _ setup: Setup) {
        #expect(one.error == nil && one.tokens.count == other.tokens.count)
        #expect(one.tokens == other.tokens, "\(setup.testDescription): tokens \(what)")
        let count = min(one.probabilities.count, other.probabilities.count)
        func values(_ row: TokenProbabilities) -> [Float] { (0..<row.count).map { row[$0].value } }
        let first = (0..<count).first { values(one.probabilities[$0]) != values(other.probabilities[$0]) }
        #expect(first == nil, "\(setup.testDescription): logits \(what), from token \(first ?? 0) on")
    }

    @Test(arguments: setups) func logitsAreTheSameBits(setup: Setup) async {
        let expected = await undisturbed(setup)
        #expect(
            expected.allSatisfy { $0.tokens.count == setup.outputCount && $0.probabilities.count == setup.outputCount })
        let running = setup.running()
        _ = await running.log.settled()

        var drafted = 0
        let together = (0..<4).map { number in
            running.submit(Self.prompt(number, setup)) { Self.change(number, setup, &$0) }
        }
        for (number, handle) in together.enumerated() {
            let completion = await running.log.completion(handle)
            expectEqual(completion, expected[number], "beside others", setup)
            drafted += completion.summary?.timings.draftedTokens ?? 0
        }

        #expect((drafted > 0) == setup.hasDrafts, "\(setup.testDescription): \(drafted) drafts")

        let again = (0..<4).map { number in
            running.submit(Self.prompt(number, setup)) { Self.change(number, setup, &$0) }
        }
        for (number, handle) in again.enumerated() {
            let completion = await running.log.completion(handle)
            expectEqual(completion, expected[number], "behind a hit", setup)
            // Memory that cannot be cut has a checkpoint near the end of the prompt.
            #expect(
                completion.cachedTokens >= setup.promptCount - 110,
                "\(setup.testDescription): \(completion.cachedTokens)")
        }
        running.engine.shutdown()

        let next = setup.running()
        let cut = setup.outputCount / 2
        for number in 0..<2 {
            let rest = await next.completion(Self.prompt(number, setup)) {
                Self.change(number, setup, &$0)
                $0.continuation = Array(expected[number].tokens[..<cut])
            }
            var wanted = expected[number]
            wanted.tokens.removeFirst(cut)
            wanted.probabilities.removeFirst(cut)
            expectEqual(rest, wanted, "continued", setup)
        }
        next.engine.shutdown()
    }
}
