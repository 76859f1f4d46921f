import MartletGrammar
import MartletProtocol
import Testing

@testable import MartletEngine

/// Commands to a paused generation have the same result with and without a slot.
@Suite struct PausedCommandTests {
    /// The place of a generation's state when commands arrive while it is paused.
    enum Storage: CaseIterable {
        case slot
        /// Swapped out, with its KV state in the cache.
        case stateCache
        /// Swapped out, and its tokens must be computed again.
        case nothing
        /// Continued from the tokens of an earlier run.
        case restart
    }

    struct Commands: CustomTestStringConvertible {
        var testDescription: String
        var actions: [ControlAction]

        var makesForks: Bool { actions.contains { if case .fork = $0 { true } else { false } } }
    }

    private static func inject(_ text: String, _ moment: Injection.Moment, opensTurn: Bool = false) -> ControlAction {
        .inject(
            Injection(
                content: Prompt(pieces: [.text(text, isTrusted: false)], addsBeginning: false), moment: moment,
                opensTurn: opensTurn))
    }

    private static func set(_ key: AdjustableSettingKey, _ change: (inout AdjustableSettings) -> Void) -> ControlAction
    {
        var settings = AdjustableSettings()
        change(&settings)
        return .set(SettingsChange(keys: [key], values: settings))
    }

    private static let fork = ForkedGeneration(
        handle: GenerationHandle(rawValue: 9_000), changes: .seed(5))

    static let commands: [Commands] = [
        Commands(testDescription: "rewind", actions: [.rewind(.token(10))]),
        Commands(testDescription: "rewind to the beginning", actions: [.rewind(.token(0))]),
        Commands(testDescription: "splice", actions: [inject(" stones and rivers", .now)]),
        Commands(testDescription: "splice behind a sentence", actions: [inject(" Then it rained.", .sentenceEnd)]),
        Commands(testDescription: "new turn", actions: [inject("and now?", .now, opensTurn: true)]),
        Commands(testDescription: "end of the thinking", actions: [.endReasoning(message: "Enough.")]),
        Commands(
            testDescription: "no more thinking", actions: [set(.reasoningBudget) { $0.reasoningBudget = 3 }]),
        Commands(testDescription: "fork", actions: [.fork([fork])]),
        Commands(
            testDescription: "grammar",
            actions: [
                set(.constraint) {
                    $0.constraint = try? GenerationConstraint(
                        GBNFParser.grammar("root ::= [a-z ]+".utf8, limits: .standard))
                }
            ]),
        // The same number of tokens, but other tokens.
        Commands(
            testDescription: "rewind, splice and fork",
            actions: [.rewind(.token(20)), inject(" one two three four five", .now), .fork([fork])]),
        Commands(
            testDescription: "rewind twice", actions: [.rewind(.token(5)), inject("x", .now), .rewind(.token(3))]),
        Commands(testDescription: "not possible", actions: [.rewind(.token(1_000)), .rewind(.text("nowhere"))]),
    ]

    struct Result: Equatable {
        var results: [ControlResult?] = []
        /// The tokens during the pause, and at the end.
        var pausedTokens: [Int32] = []
        var tokens: [Int32] = []
        var forkedTokens: [Int32] = []
    }

    private static let count = 25

    private func request(_ request: inout GenerationRequest, mirostat: Mirostat) {
        request.prompt = Prompt(pieces: [.tokens(KVCacheKindTests.tokens(80, 0))], addsBeginning: false)
        request.sampleAtRandom(seed: 7)
        request.parameters.sampling.mirostat = mirostat
        request.parameters.ignoresEndOfGeneration = true
        request.parameters.maximumTokens = 45
        request.reasoning = ReasoningRule(
            start: "<think>", end: "</think>", closing: "\n</think>\n\n", isOpen: true)
    }

    private func result(_ commands: [ControlAction], _ storage: Storage, model: String, mirostat: Mirostat = .off)
        throws
        -> Result
    {
        let bench = try ControlBench(
            model: model, sequences: 2, context: 512, kvStateCacheByteCount: storage == .nothing ? 1_000 : .max)
        var submitted = GenerationRequest(handle: bench.newHandle(), prompt: RunningEngine.chat(""))
        var handle = try bench.submit("") {
            request(&$0, mirostat: mirostat)
            submitted = $0
        }
        bench.run(handle, to: Self.count)
        switch storage {
        case .slot: bench.send(.pause, handle)
        case .stateCache, .nothing:
            bench.send(.pause, handle)
            let others = try (0..<2).map { _ in try bench.submit("Hello") { $0.parameters.maximumTokens = 2 } }
            for other in others { bench.run(other) }
            #expect(bench.loop.core.scheduler.paused.count == 1)
            #expect((bench.loop.core.kvCache.savedStates.byteCount > 0) == (storage == .stateCache))
        case .restart:
            for event in bench.log.events(of: handle) { submitted.apply(event) }
            bench.send(.stop(reason: nil), handle)
            submitted.handle = bench.newHandle()
            submitted.isPaused = true
            handle = submitted.handle
            bench.mailbox.post(.submit(try bench.loaded.prepare(submitted, submitted: .now)))
        }
        /// All emitted tokens, as an edge stores them.
        func tokens() -> [Int32] {
            var request = submitted
            for event in bench.log.events(of: handle) { request.apply(event) }
            return request.continuation
        }
        let numbers = commands.map { action in
            let number = bench.post(action, handle)
            repeat {
                _ = bench.loop.runStep()
            } while !bench.loop.core.scheduler.isIdle
            return number
        }
        var result = Result()
        result.pausedTokens = tokens()
        bench.send(.resume, handle)
        bench.run(handle)
        result.results = numbers.map { bench.result($0, handle) }
        result.tokens = tokens()
        result.forkedTokens = bench.completion(Self.fork.handle).tokens
        #expect(bench.loop.core.kvCache.savedStates.byteCount == 0)
        return result
    }

    @Test(arguments: commands) func commandsHaveTheSameResultWithoutASlot(commands: Commands) throws {
        try check(TestModels.fledgling, commands)
    }

    /// Other kinds of KV cache cannot be cut at every position.
    @Test(arguments: SwappingTests.models.dropFirst(), commands.filter { $0.testDescription.hasPrefix("rewind") })
    func rewindsHaveTheSameResultWithoutASlot(model: String, commands: Commands) throws {
        try check(model, commands)
    }

    private func check(_ model: String, _ commands: Commands) throws {
        let wanted = try result(commands.actions, .slot, model: model)
        for (action, result) in zip(commands.actions, wanted.results) {
            if case .rewind(.token(1_000)) = action {
                #expect(result == .refused(.beyondEnd(tokens: Self.count)))
            } else if case .rewind(.text) = action {
                #expect(result == .refused(.textNotFound))
            } else if case .inject(let injection) = action, injection.moment == .sentenceEnd {
                // The output may have no further end of a sentence.
            } else if case .applied = result {
            } else {
                Issue.record("\(action): \(String(describing: result))")
            }
        }
        for storage in Storage.allCases.dropFirst() {
            let found = try result(commands.actions, storage, model: model)
            #expect(found.results == wanted.results, "\(storage)")
            #expect(found.pausedTokens == wanted.pausedTokens, "\(storage)")
            // Random models round differently when other tokens are computed at the same time.
            if model == TestModels.fledgling || (storage == .stateCache && !commands.makesForks) {
                #expect(found.tokens == wanted.tokens, "\(storage)")
                #expect(found.forkedTokens == wanted.forkedTokens, "\(storage)")
            } else {
                #expect(found.tokens.starts(with: wanted.pausedTokens), "\(storage)")
                #expect(found.forkedTokens.isEmpty == wanted.forkedTokens.isEmpty, "\(storage)")
            }
        }
    }

    /// The state of mirostat is restored by sampling all tokens again, also while the generation is paused.
    @Test(arguments: commands.filter { $0.testDescription != "grammar" }) func commandsWaitForResampledTokens(
        commands: Commands
    ) throws {
        let wanted = try result(commands.actions, .slot, model: TestModels.fledgling, mirostat: .second)
        let found = try result(commands.actions, .restart, model: TestModels.fledgling, mirostat: .second)
        #expect(found == wanted)
    }

    @Test func aCommandThatWaitsForASlotIsAppliedBeforeAPause() throws {
        let bench = try ControlBench(sequences: 1)
        let first = try bench.submit("Tell me a story.") { $0.reasoning = nil }
        bench.run(first, to: 10)
        var request = GenerationRequest(handle: bench.newHandle(), prompt: RunningEngine.chat("Tell me a story."))
        request.continuation = bench.completion(first).tokens
        bench.mailbox.post(.submit(try bench.loaded.prepare(request, submitted: .now)))
        let rewind = bench.post(.rewind(.token(4)), request.handle)
        _ = bench.loop.runStep()
        #expect(bench.result(rewind, request.handle) == nil)
        #expect(bench.send(.pause, request.handle) == .applied(.paused, token: 4))
        #expect(bench.completion(request.handle).results.map(\.number).first == rewind.rawValue)
    }
}
