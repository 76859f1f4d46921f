import MartletGrammar
import MartletProtocol
import Testing

@testable import MartletEngine

/// Orders change what they say and nothing else.
@Suite struct ControlTests {
    static let story = "Tell me a story about a fox."

    func original(seed: UInt64 = 7, in bench: ControlBench) throws -> EventLog.Answer {
        let handle = try bench.submit(Self.story) {
            $0.drawAtRandom(seed: seed)
            $0.stops = ["the end of all"]
        }
        bench.run(handle)
        return bench.answer(handle)
    }

    @Test func pausedAndResumedEqualsNeverPaused() throws {
        let bench = try ControlBench()
        let whole = try original(in: bench)
        let handle = try bench.submit(Self.story) { $0.drawAtRandom(seed: 7) }
        for count in [1, 9, 30] {
            bench.run(handle, to: count)
            #expect(bench.order(.pause, handle) == .applied(.paused, token: count))
            // Others go on meanwhile.
            let other = try bench.submit("Count from 1 to 5.")
            bench.run(other)
            #expect(bench.answer(other).completion?.reason == .endOfGeneration)
            #expect(bench.answer(handle).tokens.count == count)
            #expect(bench.order(.resume, handle) == .applied(.resumed, token: count))
        }
        bench.run(handle)
        #expect(bench.answer(handle).tokens == whole.tokens)
        #expect(bench.answer(handle).text == whole.text)
    }

    @Test(arguments: [1, 12, 40]) func temperatureSwitchedEqualsTwoRunsGlued(at count: Int) throws {
        let bench = try ControlBench()
        let hot = try bench.submit(Self.story) { $0.drawAtRandom(seed: 3, temperature: 1.5) }
        let switched = try bench.submit(Self.story) { $0.drawAtRandom(seed: 3, temperature: 1.5) }
        bench.run(switched, to: count)
        let outcome = bench.order(.set(.temperature(0.4)), switched)
        guard case .applied(.changed(let change, let old), count) = outcome else {
            Issue.record("\(String(describing: outcome))")
            return
        }
        #expect(old.sampling.temperature == 1.5)
        #expect(change.values.sampling.temperature == 0.4)
        bench.run(switched)
        bench.run(hot)
        // The cold run gets the hot one's beginning, and draws from there with its own temperature.
        let cold = try bench.submit(Self.story) { $0.drawAtRandom(seed: 3, temperature: 0.4) }
        bench.run(cold, to: 1)
        let prefix = Array(bench.answer(hot).tokens.prefix(count))
        let number = bench.post(.rewind(.token(0)), cold)
        let splice = bench.post(
            .inject(
                Injection(
                    content: Prompt(pieces: [.tokens(prefix)], addsBeginning: false), moment: .now, opensTurn: false)),
            cold)
        bench.run(cold)
        #expect(bench.outcome(number, cold) == .applied(.rewound, token: 0))
        #expect(bench.outcome(splice, cold) == .applied(.injected(opensTurn: false, tokens: count), token: 0))
        #expect(bench.answer(switched).tokens.prefix(count) == bench.answer(hot).tokens.prefix(count))
        // What was injected does not count against the limit.
        #expect(bench.answer(switched).tokens == Array(bench.answer(cold).tokens.prefix(120)))
    }

    @Test(arguments: [0, 1, 5, 17, 40]) func rewoundWithTheSameSeedEqualsTheOriginal(to count: Int) throws {
        let bench = try ControlBench()
        let whole = try original(in: bench)
        let handle = try bench.submit(Self.story) {
            $0.drawAtRandom(seed: 7)
            $0.stops = ["the end of all"]
            $0.probabilities = ProbabilityRequest(count: 2)
        }
        bench.run(handle, to: 45)
        #expect(bench.order(.rewind(.token(count)), handle) == .applied(.rewound, token: count))
        bench.run(handle)
        #expect(bench.answer(handle).tokens == whole.tokens)
        #expect(bench.answer(handle).text == whole.text)
    }

    @Test func rewindFindsAText() throws {
        let bench = try ControlBench()
        let handle = try bench.submit("Count from 1 to 9.")
        bench.run(handle)
        let whole = bench.answer(handle)
        let again = try bench.submit("Count from 1 to 9.")
        bench.run(again, to: whole.tokens.count - 4)
        #expect(bench.order(.rewind(.text("nowhere")), again) == .refused(.textNotFound))
        let number = bench.post(.rewind(.text("1, 2")), again)
        _ = bench.loop.takeTurn()
        guard case .applied(.rewound, let token) = bench.outcome(number, again) else {
            Issue.record("not rewound")
            return
        }
        let kept = bench.loaded.vocabulary.text(of: Array(whole.tokens.prefix(token)))
        #expect(kept.hasSuffix("1, 2"), "\(kept)")
        bench.run(again)
        #expect(bench.answer(again).tokens == whole.tokens)
        #expect(
            bench.order(.rewind(.token(3)), again) == nil, "its end has answered")
    }

    @Test(arguments: [false, true]) func forkWithTheSameSeedEqualsTheOriginal(sharesMemory: Bool) throws {
        let bench = try ControlBench(context: 2048, sharesMemory: sharesMemory)
        let handle = try bench.submit(Self.story) { $0.drawAtRandom(seed: 7) }
        bench.run(handle, to: 20)
        let (twin, other) = (bench.newForkHandle(), bench.newForkHandle())
        let forks = [
            ForkedGeneration(handle: twin, changes: SettingsChange()),
            ForkedGeneration(handle: other, changes: .seed(8)),
        ]
        #expect(bench.order(.fork(forks), handle) == .applied(.forked([twin, other]), token: 20))
        // They write with the very next decode, all three.
        #expect([handle, twin, other].map { bench.answer($0).tokens.count } == [21, 21, 21])
        for handle in [handle, twin, other] { bench.run(handle) }
        #expect(bench.answer(twin).tokens == bench.answer(handle).tokens)
        #expect(bench.answer(twin).text == bench.answer(handle).text)
        #expect(bench.answer(other).tokens.prefix(20) == bench.answer(handle).tokens.prefix(20))
        #expect(bench.answer(other).tokens != bench.answer(handle).tokens)
    }

    @Test(arguments: [false, true]) func forkOfALongPrefixReadsNoPrompt(sharesMemory: Bool) throws {
        let bench = try ControlBench(sequences: 2, context: sharesMemory ? 6_000 : 4_500, sharesMemory: sharesMemory)
        let prompt = (0..<4_000).map { Int32(100 + $0 % 1_500) }
        let handle = try bench.submit("") {
            $0.prompt = Prompt(pieces: [.tokens(prompt)], addsBeginning: false)
            $0.ignoresEndOfGeneration = true
        }
        bench.run(handle, to: 3)
        let before = bench.board.copy.counters
        let twin = bench.newForkHandle()
        bench.order(.fork([ForkedGeneration(handle: twin, changes: .seed(1))]), handle)
        let after = bench.board.copy.counters
        #expect(bench.answer(twin).tokens.count == 4)
        #expect(after.decodes == before.decodes + 1)
        #expect(after.promptTokens == before.promptTokens)
        // The pool has room for both, as their beginning is there once.
        bench.run(handle, to: 100)
        #expect(bench.answer(twin).tokens.count >= 100)
    }

    @Test func forkAboveTheIdleSequencesIsRefused() throws {
        let bench = try ControlBench(sequences: 2)
        let handle = try bench.submit(Self.story)
        bench.run(handle, to: 3)
        let forks = [bench.newForkHandle(), bench.newForkHandle()].map {
            ForkedGeneration(handle: $0, changes: SettingsChange())
        }
        #expect(bench.order(.fork(forks), handle) == .refused(.noFreeSequence(idle: 1)))
        bench.run(handle, to: 10)
        #expect(bench.answer(handle).tokens.count == 10)
    }

    @Test func stopKeepsWhatWasWritten() throws {
        let bench = try ControlBench()
        let whole = try original(in: bench)
        let handle = try bench.submit(Self.story) { $0.drawAtRandom(seed: 7) }
        bench.run(handle, to: 15)
        #expect(bench.order(.stop(reason: "enough"), handle) == .applied(.stopped(reason: "enough"), token: 15))
        let answer = bench.answer(handle)
        #expect(answer.completion?.reason == .stopped("enough"))
        #expect(answer.tokens == Array(whole.tokens.prefix(15)))
        #expect(whole.text.hasPrefix(answer.text))
    }

    @Test func stopsAndLimitsHoldFromTheNextTokenOn() throws {
        let bench = try ControlBench()
        let handle = try bench.submit("Count from 1 to 20.") { $0.stops = [", 7x"] }
        bench.run(handle, to: 12)
        var change = SettingsChange(keys: [.stops])
        change.values.stops = ["9"]
        bench.order(.set(change), handle)
        bench.run(handle)
        #expect(bench.answer(handle).completion?.reason == .stopText("9"))
        #expect(bench.answer(handle).text.hasSuffix("7, 8, "))

        let limited = try bench.submit("Count from 1 to 20.")
        bench.run(limited, to: 10)
        change = SettingsChange(keys: [.maximumTokens])
        change.values.maximumTokens = 13
        bench.order(.set(change), limited)
        bench.run(limited)
        #expect(bench.answer(limited).completion?.reason == .tokenLimit)
        #expect(bench.answer(limited).tokens.count == 13)
    }

    /// A grammar, given so: only what it allows from token `count` on.
    private func set(_ grammar: String, _ handle: GenerationHandle, _ bench: ControlBench) throws {
        var change = SettingsChange(keys: [.constraint])
        change.values.constraint = GenerationConstraint(try GBNFParser.grammar(grammar.utf8, limits: .standard))
        let count = bench.answer(handle).tokens.count
        guard case .applied(.changed(let made, _), count) = bench.order(.set(change), handle) else {
            Issue.record("no grammar at \(count)")
            return
        }
        #expect(made.values.constraintStart <= count)
    }

    @Test(arguments: [1, 3, 10, 25]) func grammarHoldsFromTheNextTokenOn(count: Int) throws {
        let bench = try ControlBench()
        let handle = try bench.submit("Tell me a story.") { $0.reasoning = nil }
        bench.run(handle, to: count)
        let before = bench.answer(handle).text
        try set(#"root ::= " (" [a-c]{3} ")""#, handle, bench)
        bench.run(handle)
        let answer = bench.answer(handle)
        #expect(answer.text.hasPrefix(before))
        #expect(answer.text.dropFirst(before.count).wholeMatch(of: #/ \([abc]{3}\)/#) != nil, "\(answer.text)")
        #expect(answer.completion?.reason == .endOfGeneration)
    }

    @Test func grammarWaitsForTheEndOfTheThinking() throws {
        let bench = try ControlBench()
        for count in [1, 2, 5, 9] {
            let handle = try bench.submit("Count from 1 to 9.")
            bench.run(handle, to: count)
            try set(#"root ::= "yes" | "no""#, handle, bench)
            bench.run(handle)
            let text = bench.answer(handle).text
            #expect(["yes", "no"].contains { text.hasSuffix("</think>\n\n" + $0) || text == $0 }, "\(text)")
        }
    }

    @Test func grammarOutlivesARewindAndAnInterruption() throws {
        let bench = try ControlBench()
        var submitted: GenerationRequest?
        let handle = try bench.submit("Tell me a story.") {
            $0.reasoning = nil
            $0.maximumTokens = 40
            submitted = $0
        }
        /// The request with all that was told so far, as an edge keeps it.
        func kept() throws -> GenerationRequest {
            var request = try #require(submitted)
            for event in bench.log.events(of: handle) { request.take(event) }
            return request
        }
        bench.run(handle, to: 10)
        try set(#"root ::= [a-z ]+ "!""#, handle, bench)
        #expect(try kept().constraintStart == 10)
        bench.run(handle, to: 14)
        // In front of the grammar's beginning: it then holds from there on.
        #expect(bench.order(.rewind(.token(4)), handle) == .applied(.rewound, token: 4))
        for _ in 0..<5 { _ = bench.loop.takeTurn() }
        var interrupted = try kept()
        #expect(interrupted.constraintStart == 4)
        #expect(interrupted.continuation.count > 4)
        interrupted.handle = bench.newHandle()
        bench.mailbox.post(.submit(try bench.loaded.prepare(interrupted, submitted: .now)))
        bench.run(handle)
        bench.run(interrupted.handle)
        let whole = try kept().continuation
        #expect(whole == interrupted.continuation + bench.answer(interrupted.handle).tokens)
        let text = bench.loaded.vocabulary.text(of: Array(whole.dropFirst(4).dropLast()))
        #expect(text.wholeMatch(of: /[a-z ]+!?/) != nil, "\(text)")
    }

    @Test func ordersAreAnsweredOnceAndInTheirOrder() throws {
        let bench = try ControlBench()
        let handle = try bench.submit(Self.story) { $0.drawAtRandom(seed: 7) }
        bench.run(handle, to: 5)
        let actions: [ControlAction] = [.status, .pause, .set(.temperature(1)), .resume, .pause, .pause, .resume]
        let numbers = (0..<105).map { bench.post(actions[$0 % actions.count], handle) }
        bench.run(handle)
        let answered = bench.answer(handle).outcomes.map(\.number)
        #expect(answered == numbers.map(\.rawValue))
        #expect(bench.answer(handle).isEnded)
    }

    @Test func endAnswersWhatWaits() throws {
        let bench = try ControlBench()
        let handle = try bench.submit("Count from 1 to 5.")
        bench.run(handle, to: 3)
        let first = bench.post(.stop(reason: nil), handle)
        let second = bench.post(.pause, handle)
        _ = bench.loop.takeTurn()
        #expect(bench.outcome(first, handle) != nil)
        #expect(bench.outcome(second, handle) == nil)
        #expect(bench.log.events(of: handle).last?.isTerminal == true)
    }

    @Test func ordersToOneThatWaitsConcernWhatNeedsNoSequence() throws {
        let bench = try ControlBench(sequences: 1)
        let busy = try bench.submit(Self.story)
        bench.run(busy, to: 2)
        let waiting = try bench.submit("Count from 1 to 5.")
        #expect(bench.order(.endReasoning(message: nil), waiting) == .refused(.notStarted))
        #expect(bench.order(.rewind(.token(0)), waiting) == .refused(.notStarted))
        #expect(bench.order(.resume, waiting) == .refused(.notPaused))
        guard case .status(let report) = bench.order(.status, waiting) else {
            Issue.record("no status")
            return
        }
        #expect(report.phase == .queued)
        #expect(report.position == 0)
        #expect(bench.order(.pause, waiting) == .applied(.paused, token: 0))
        #expect(bench.order(.pause, waiting) == .refused(.alreadyPaused))
        bench.run(busy)
        #expect(bench.answer(waiting).starts == 0)
        bench.order(.resume, waiting)
        bench.run(waiting)
        #expect(bench.answer(waiting).text.hasSuffix("1, 2, 3, 4, 5"))
    }

    @Test func strangeTokensAreRefusedWithTheirRule() throws {
        let bench = try ControlBench()
        let handle = try bench.submit(Self.story)
        bench.run(handle, to: 2)
        var change = SettingsChange(keys: [.logitBiases])
        change.values.sampling.logitBiases = [LogitBias(.token(5_000), bias: 1)]
        guard case .refused(.invalid(let message)) = bench.order(.set(change), handle) else {
            Issue.record("not refused")
            return
        }
        #expect(message.contains("5000"))
        #expect(bench.order(.rewind(.token(1_000)), handle) == .refused(.beyondEnd(tokens: 3)))
    }
}

extension ControlBench {
    /// Handles of forks lie far from those of requests.
    func newForkHandle() -> GenerationHandle {
        GenerationHandle(rawValue: newHandle().rawValue + 1_000)
    }
}
