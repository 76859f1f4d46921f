import MartletGrammar
import MartletProtocol
import Testing

@testable import MartletEngine

/// Each command has its documented effect and no other.
@Suite struct EngineControlTests {
    static let story = "Tell me a story about a fox."

    func original(seed: UInt64 = 7, in bench: ControlBench) throws -> EventLog.Completion {
        let handle = try bench.submit(Self.story) {
            $0.sampleAtRandom(seed: seed)
            $0.parameters.stops = ["the end of all"]
        }
        bench.run(handle)
        return bench.completion(handle)
    }

    @Test func pausedAndResumedEqualsNeverPaused() throws {
        let bench = try ControlBench()
        let whole = try original(in: bench)
        let handle = try bench.submit(Self.story) { $0.sampleAtRandom(seed: 7) }
        for count in [1, 9, 30] {
            bench.run(handle, to: count)
            #expect(bench.send(.pause, handle) == .applied(.paused, token: count))
            // Other generations continue meanwhile.
            let other = try bench.submit("Count from 1 to 5.")
            bench.run(other)
            #expect(bench.completion(other).summary?.reason == .endOfGeneration)
            #expect(bench.completion(handle).tokens.count == count)
            #expect(bench.send(.resume, handle) == .applied(.resumed, token: count))
        }
        bench.run(handle)
        #expect(bench.completion(handle).tokens == whole.tokens)
        #expect(bench.completion(handle).text == whole.text)
    }

    @Test(arguments: [1, 12, 40]) func aChangedTemperatureEqualsTwoRunsJoined(at count: Int) throws {
        let bench = try ControlBench()
        let hot = try bench.submit(Self.story) { $0.sampleAtRandom(seed: 3, temperature: 1.5) }
        let switched = try bench.submit(Self.story) { $0.sampleAtRandom(seed: 3, temperature: 1.5) }
        bench.run(switched, to: count)
        let result = bench.send(.set(.temperature(0.4)), switched)
        guard case .applied(.changed(let change, let old), count) = result else {
            Issue.record("\(String(describing: result))")
            return
        }
        #expect(old.sampling.temperature == 1.5)
        #expect(change.values.sampling.temperature == 0.4)
        bench.run(switched)
        bench.run(hot)
        // The cold run continues the hot run's tokens with its own temperature.
        let cold = try bench.submit(Self.story) { $0.sampleAtRandom(seed: 3, temperature: 0.4) }
        bench.run(cold, to: 1)
        let prefix = Array(bench.completion(hot).tokens.prefix(count))
        let number = bench.post(.rewind(.token(0)), cold)
        let splice = bench.post(
            .inject(
                Injection(
                    content: Prompt(pieces: [.tokens(prefix)], addsBeginning: false), moment: .now, opensTurn: false)),
            cold)
        bench.run(cold)
        #expect(bench.result(number, cold) == .applied(.rewound, token: 0))
        #expect(bench.result(splice, cold) == .applied(.injected(opensTurn: false, tokens: count), token: 0))
        #expect(bench.completion(switched).tokens.prefix(count) == bench.completion(hot).tokens.prefix(count))
        // Injected tokens do not count against the limit.
        #expect(bench.completion(switched).tokens == Array(bench.completion(cold).tokens.prefix(120)))
    }

    @Test(arguments: [0, 1, 5, 17, 40]) func rewoundWithTheSameSeedEqualsTheOriginal(to count: Int) throws {
        let bench = try ControlBench()
        let whole = try original(in: bench)
        let handle = try bench.submit(Self.story) {
            $0.sampleAtRandom(seed: 7)
            $0.parameters.stops = ["the end of all"]
            $0.parameters.probabilities = ProbabilityRequest(count: 2)
        }
        bench.run(handle, to: 45)
        #expect(bench.send(.rewind(.token(count)), handle) == .applied(.rewound, token: count))
        bench.run(handle)
        #expect(bench.completion(handle).tokens == whole.tokens)
        #expect(bench.completion(handle).text == whole.text)
    }

    @Test func rewindFindsAText() throws {
        let bench = try ControlBench()
        let handle = try bench.submit("Count from 1 to 9.")
        bench.run(handle)
        let whole = bench.completion(handle)
        let again = try bench.submit("Count from 1 to 9.")
        bench.run(again, to: whole.tokens.count - 4)
        #expect(bench.send(.rewind(.text("nowhere")), again) == .refused(.textNotFound))
        let number = bench.post(.rewind(.text("1, 2")), again)
        _ = bench.loop.runStep()
        guard case .applied(.rewound, let token) = bench.result(number, again) else {
            Issue.record("not rewound")
            return
        }
        let kept = bench.loaded.vocabulary.text(of: Array(whole.tokens.prefix(token)))
        #expect(kept.hasSuffix("1, 2"), "\(kept)")
        bench.run(again)
        #expect(bench.completion(again).tokens == whole.tokens)
        #expect(
            bench.send(.rewind(.token(3)), again) == nil, "its end has answered")
    }

    @Test(arguments: [false, true]) func forkWithTheSameSeedEqualsTheOriginal(usesUnifiedKV: Bool) throws {
        let bench = try ControlBench(context: 2048, usesUnifiedKV: usesUnifiedKV)
        let handle = try bench.submit(Self.story) { $0.sampleAtRandom(seed: 7) }
        bench.run(handle, to: 20)
        let (twin, other) = (bench.newForkHandle(), bench.newForkHandle())
        let forks = [
            ForkedGeneration(handle: twin, changes: SettingsChange()),
            ForkedGeneration(handle: other, changes: .seed(8)),
        ]
        #expect(bench.send(.fork(forks), handle) == .applied(.forked([twin, other]), token: 20))
        // All three decode in the next step.
        #expect([handle, twin, other].map { bench.completion($0).tokens.count } == [21, 21, 21])
        for handle in [handle, twin, other] { bench.run(handle) }
        #expect(bench.completion(twin).tokens == bench.completion(handle).tokens)
        #expect(bench.completion(twin).text == bench.completion(handle).text)
        #expect(bench.completion(other).tokens.prefix(20) == bench.completion(handle).tokens.prefix(20))
        #expect(bench.completion(other).tokens != bench.completion(handle).tokens)
    }

    @Test(arguments: [false, true]) func forkOfALongPrefixNeedsNoPrefill(usesUnifiedKV: Bool) throws {
        let bench = try ControlBench(sequences: 2, context: usesUnifiedKV ? 6_000 : 4_500, usesUnifiedKV: usesUnifiedKV)
        let prompt = (0..<4_000).map { Int32(100 + $0 % 1_500) }
        let handle = try bench.submit("") {
            $0.prompt = Prompt(pieces: [.tokens(prompt)], addsBeginning: false)
            $0.parameters.ignoresEndOfGeneration = true
        }
        bench.run(handle, to: 3)
        let before = bench.board.copy.counters
        let twin = bench.newForkHandle()
        bench.send(.fork([ForkedGeneration(handle: twin, changes: .seed(1))]), handle)
        let after = bench.board.copy.counters
        #expect(bench.completion(twin).tokens.count == 4)
        #expect(after.decodes == before.decodes + 1)
        #expect(after.promptTokens == before.promptTokens)
        // The KV cache has room for both, because their prefix is stored once.
        bench.run(handle, to: 100)
        #expect(bench.completion(twin).tokens.count >= 100)
    }

    @Test func forkAboveTheIdleSlotsIsRefused() throws {
        let bench = try ControlBench(sequences: 2)
        let handle = try bench.submit(Self.story)
        bench.run(handle, to: 3)
        let forks = [bench.newForkHandle(), bench.newForkHandle()].map {
            ForkedGeneration(handle: $0, changes: SettingsChange())
        }
        #expect(bench.send(.fork(forks), handle) == .refused(.noFreeSequence(idle: 1)))
        bench.run(handle, to: 10)
        #expect(bench.completion(handle).tokens.count == 10)
    }

    @Test func stopRetainsTheOutput() throws {
        let bench = try ControlBench()
        let whole = try original(in: bench)
        let handle = try bench.submit(Self.story) { $0.sampleAtRandom(seed: 7) }
        bench.run(handle, to: 15)
        #expect(bench.send(.stop(reason: "enough"), handle) == .applied(.stopped(reason: "enough"), token: 15))
        let completion = bench.completion(handle)
        #expect(completion.summary?.reason == .stopped("enough"))
        #expect(completion.tokens == Array(whole.tokens.prefix(15)))
        #expect(whole.text.hasPrefix(completion.text))
    }

    @Test func stopsAndLimitsHoldFromTheNextTokenOn() throws {
        let bench = try ControlBench()
        let handle = try bench.submit("Count from 1 to 20.") { $0.parameters.stops = [", 7x"] }
        bench.run(handle, to: 12)
        var change = SettingsChange(keys: [.stops])
        change.values.stops = ["9"]
        bench.send(.set(change), handle)
        bench.run(handle)
        #expect(bench.completion(handle).summary?.reason == .stopText("9"))
        #expect(bench.completion(handle).text.hasSuffix("7, 8, "))

        let limited = try bench.submit("Count from 1 to 20.")
        bench.run(limited, to: 10)
        change = SettingsChange(keys: [.maximumTokens])
        change.values.maximumTokens = 13
        bench.send(.set(change), limited)
        bench.run(limited)
        #expect(bench.completion(limited).summary?.reason == .tokenLimit)
        #expect(bench.completion(limited).tokens.count == 13)
    }

    /// Sets a grammar and checks that the output follows it from token `count` on.
    private func set(_ grammar: String, _ handle: GenerationHandle, _ bench: ControlBench) throws {
        var change = SettingsChange(keys: [.constraint])
        change.values.constraint = GenerationConstraint(try GBNFParser.grammar(grammar.utf8, limits: .standard))
        let count = bench.completion(handle).tokens.count
        guard case .applied(.changed(let made, _), count) = bench.send(.set(change), handle) else {
            Issue.record("no grammar at \(count)")
            return
        }
        #expect(made.values.constraintStart <= count)
    }

    @Test(arguments: [1, 3, 10, 25]) func grammarHoldsFromTheNextTokenOn(count: Int) throws {
        let bench = try ControlBench()
        let handle = try bench.submit("Tell me a story.") { $0.reasoning = nil }
        bench.run(handle, to: count)
        let before = bench.completion(handle).text
        try set(#"root ::= " (" [a-c]{3} ")""#, handle, bench)
        bench.run(handle)
        let completion = bench.completion(handle)
        #expect(completion.text.hasPrefix(before))
        #expect(completion.text.dropFirst(before.count).wholeMatch(of: #/ \([abc]{3}\)/#) != nil, "\(completion.text)")
        #expect(completion.summary?.reason == .endOfGeneration)
    }

    @Test func grammarWaitsForTheEndOfReasoning() throws {
        let bench = try ControlBench()
        for count in [1, 2, 5, 9] {
            let handle = try bench.submit("Count from 1 to 9.")
            bench.run(handle, to: count)
            try set(#"root ::= "yes" | "no""#, handle, bench)
            bench.run(handle)
            let text = bench.completion(handle).text
            #expect(["yes", "no"].contains { text.hasSuffix("</think>\n\n" + $0) || text == $0 }, "\(text)")
        }
    }

    @Test func grammarOutlivesARewindAndAnInterruption() throws {
        let bench = try ControlBench()
        var submitted: GenerationRequest?
        let handle = try bench.submit("Tell me a story.") {
            $0.reasoning = nil
            $0.parameters.maximumTokens = 40
            submitted = $0
        }
        /// The request with all events so far applied, as an edge stores it.
        func kept() throws -> GenerationRequest {
            var request = try #require(submitted)
            for event in bench.log.events(of: handle) { request.apply(event) }
            return request
        }
        bench.run(handle, to: 10)
        try set(#"root ::= [a-z ]+ "!""#, handle, bench)
        #expect(try kept().constraintStart == 10)
        bench.run(handle, to: 14)
        // Behind this rewind the output is shorter than the start of the grammar, which then applies from there on.
        #expect(bench.send(.rewind(.token(4)), handle) == .applied(.rewound, token: 4))
        for _ in 0..<5 { _ = bench.loop.runStep() }
        var interrupted = try kept()
        #expect(interrupted.constraintStart == 4)
        #expect(interrupted.continuation.count > 4)
        interrupted.handle = bench.newHandle()
        bench.mailbox.post(.submit(try bench.loaded.prepare(interrupted, submitted: .now)))
        bench.run(handle)
        bench.run(interrupted.handle)
        let whole = try kept().continuation
        #expect(whole == interrupted.continuation + bench.completion(interrupted.handle).tokens)
        let text = bench.loaded.vocabulary.text(of: Array(whole.dropFirst(4).dropLast()))
        #expect(text.wholeMatch(of: /[a-z ]+!?/) != nil, "\(text)")
    }

    @Test func commandsHaveOneResultEachInTheirOrder() throws {
        let bench = try ControlBench()
        let handle = try bench.submit(Self.story) { $0.sampleAtRandom(seed: 7) }
        bench.run(handle, to: 5)
        let actions: [ControlAction] = [.status, .pause, .set(.temperature(1)), .resume, .pause, .pause, .resume]
        let numbers = (0..<105).map { bench.post(actions[$0 % actions.count], handle) }
        bench.run(handle)
        let numbersWithResult = bench.completion(handle).results.map(\.number)
        #expect(numbersWithResult == numbers.map(\.rawValue))
        #expect(bench.completion(handle).isEnded)
    }

    @Test func theTerminalEventIsTheResultOfWaitingCommands() throws {
        let bench = try ControlBench()
        let handle = try bench.submit("Count from 1 to 5.")
        bench.run(handle, to: 3)
        let first = bench.post(.stop(reason: nil), handle)
        let second = bench.post(.pause, handle)
        _ = bench.loop.runStep()
        #expect(bench.result(first, handle) != nil)
        #expect(bench.result(second, handle) == nil)
        #expect(bench.log.events(of: handle).last?.isTerminal == true)
    }

    @Test func commandsToAQueuedGenerationApplyIfTheyNeedNoSlot() throws {
        let bench = try ControlBench(sequences: 1)
        let busy = try bench.submit(Self.story)
        bench.run(busy, to: 2)
        let waiting = try bench.submit("Count from 1 to 5.")
        #expect(bench.send(.endReasoning(message: nil), waiting) == .refused(.notStarted))
        #expect(bench.send(.rewind(.token(0)), waiting) == .refused(.notStarted))
        #expect(bench.send(.resume, waiting) == .refused(.notPaused))
        guard case .status(let report) = bench.send(.status, waiting) else {
            Issue.record("no status")
            return
        }
        #expect(report.phase == .queued)
        #expect(report.position == 0)
        #expect(bench.send(.pause, waiting) == .applied(.paused, token: 0))
        #expect(bench.send(.pause, waiting) == .refused(.alreadyPaused))
        bench.run(busy)
        #expect(bench.completion(waiting).starts == 0)
        bench.send(.resume, waiting)
        bench.run(waiting)
        #expect(bench.completion(waiting).text.hasSuffix("1, 2, 3, 4, 5"))
    }

    @Test func invalidTokensAreRefusedWithTheirRule() throws {
        let bench = try ControlBench()
        let handle = try bench.submit(Self.story)
        bench.run(handle, to: 2)
        var change = SettingsChange(keys: [.logitBiases])
        change.values.sampling.logitBiases = [LogitBias(.token(5_000), bias: 1)]
        guard case .refused(.invalid(let message)) = bench.send(.set(change), handle) else {
            Issue.record("not refused")
            return
        }
        #expect(message.contains("5000"))
        #expect(bench.send(.rewind(.token(1_000)), handle) == .refused(.beyondEnd(tokens: 3)))
    }
}

extension ControlBench {
    /// Handles of forks do not collide with those of requests.
    func newForkHandle() -> GenerationHandle {
        GenerationHandle(rawValue: newHandle().rawValue + 1_000)
    }
}
