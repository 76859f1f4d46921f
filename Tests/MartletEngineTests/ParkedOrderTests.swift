import MartletGrammar
import MartletProtocol
import Testing

@testable import MartletEngine

/// Orders to a paused answer have the same effect whether it has its sequence or not.
@Suite struct ParkedOrderTests {
    /// What an answer has when orders come to it while it is paused.
    enum Place: CaseIterable {
        case sequence
        /// Its sequence serves others; what that held is kept.
        case shelf
        /// Its sequence serves others; what that held is computed again.
        case nothing
        /// An earlier run has written its tokens.
        case restart
    }

    struct Orders: CustomTestStringConvertible {
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

    private static func set(_ key: SettingKey, _ change: (inout AdjustableSettings) -> Void) -> ControlAction {
        var settings = AdjustableSettings()
        change(&settings)
        return .set(SettingsChange(keys: [key], values: settings))
    }

    private static let fork = ForkedGeneration(
        handle: GenerationHandle(rawValue: 9_000), changes: .seed(5))

    static let orders: [Orders] = [
        Orders(testDescription: "rewind", actions: [.rewind(.token(10))]),
        Orders(testDescription: "rewind to the beginning", actions: [.rewind(.token(0))]),
        Orders(testDescription: "splice", actions: [inject(" stones and rivers", .now)]),
        Orders(testDescription: "splice behind a sentence", actions: [inject(" Then it rained.", .sentenceEnd)]),
        Orders(testDescription: "new turn", actions: [inject("and now?", .now, opensTurn: true)]),
        Orders(testDescription: "end of the thinking", actions: [.endReasoning(message: "Enough.")]),
        Orders(
            testDescription: "no more thinking", actions: [set(.reasoningBudget) { $0.reasoningBudget = 3 }]),
        Orders(testDescription: "fork", actions: [.fork([fork])]),
        Orders(
            testDescription: "grammar",
            actions: [
                set(.constraint) {
                    $0.constraint = try? GenerationConstraint(
                        GBNFParser.grammar("root ::= [a-z ]+".utf8, limits: .standard))
                }
            ]),
        // As many tokens as before, and not the same.
        Orders(
            testDescription: "rewind, splice and fork",
            actions: [.rewind(.token(20)), inject(" one two three four five", .now), .fork([fork])]),
        Orders(testDescription: "rewind twice", actions: [.rewind(.token(5)), inject("x", .now), .rewind(.token(3))]),
        Orders(testDescription: "not possible", actions: [.rewind(.token(1_000)), .rewind(.text("nowhere"))]),
    ]

    struct Result: Equatable {
        var outcomes: [ControlOutcome?] = []
        /// While it was paused, and at its end.
        var pausedTokens: [Int32] = []
        var tokens: [Int32] = []
        var forkedTokens: [Int32] = []
    }

    private static let count = 25

    private func request(_ request: inout GenerationRequest, mirostat: Mirostat) {
        request.prompt = Prompt(pieces: [.tokens(MemoryKindTests.tokens(80, 0))], addsBeginning: false)
        request.drawAtRandom(seed: 7)
        request.sampling.mirostat = mirostat
        request.ignoresEndOfGeneration = true
        request.maximumTokens = 45
        request.reasoning = ReasoningRule(
            start: "<think>", end: "</think>", closing: "\n</think>\n\n", isOpen: true)
    }

    private func result(_ orders: [ControlAction], _ place: Place, model: String, mirostat: Mirostat = .off) throws
        -> Result
    {
        let bench = try ControlBench(
            model: model, sequences: 2, context: 512, shelfByteCount: place == .nothing ? 1_000 : .max)
        var submitted = GenerationRequest(handle: bench.newHandle(), prompt: RunningEngine.chat(""))
        var handle = try bench.submit("") {
            request(&$0, mirostat: mirostat)
            submitted = $0
        }
        bench.run(handle, to: Self.count)
        switch place {
        case .sequence: bench.order(.pause, handle)
        case .shelf, .nothing:
            bench.order(.pause, handle)
            let others = try (0..<2).map { _ in try bench.submit("Hello") { $0.maximumTokens = 2 } }
            for other in others { bench.run(other) }
            #expect(bench.loop.parked.count == 1)
            #expect((bench.loop.shelf.byteCount > 0) == (place == .shelf))
        case .restart:
            for event in bench.log.events(of: handle) { submitted.take(event) }
            bench.order(.stop(reason: nil), handle)
            submitted.handle = bench.newHandle()
            submitted.isPaused = true
            handle = submitted.handle
            bench.mailbox.post(.submit(try bench.loaded.prepare(submitted, submitted: .now)))
        }
        /// All tokens that were told, as an edge keeps them.
        func tokens() -> [Int32] {
            var request = submitted
            for event in bench.log.events(of: handle) { request.take(event) }
            return request.continuation
        }
        let numbers = orders.map { action in
            let number = bench.post(action, handle)
            repeat {
                _ = bench.loop.takeTurn()
            } while bench.loop.queue.count > 0
                || bench.loop.slots.contains { $0.isBusy }
            return number
        }
        var result = Result()
        result.pausedTokens = tokens()
        bench.order(.resume, handle)
        bench.run(handle)
        result.outcomes = numbers.map { bench.outcome($0, handle) }
        result.tokens = tokens()
        result.forkedTokens = bench.answer(Self.fork.handle).tokens
        #expect(bench.loop.shelf.byteCount == 0)
        return result
    }

    @Test(arguments: orders) func ordersDoTheSameWithoutASequence(orders: Orders) throws {
        try check(TestModels.fledgling, orders)
    }

    /// Other kinds of memory cannot be cut everywhere.
    @Test(arguments: ParkingTests.models.dropFirst(), orders.filter { $0.testDescription.hasPrefix("rewind") })
    func rewindsDoTheSameWithoutASequence(model: String, orders: Orders) throws {
        try check(model, orders)
    }

    private func check(_ model: String, _ orders: Orders) throws {
        let wanted = try result(orders.actions, .sequence, model: model)
        for (action, outcome) in zip(orders.actions, wanted.outcomes) {
            if case .rewind(.token(1_000)) = action {
                #expect(outcome == .refused(.beyondEnd(tokens: Self.count)))
            } else if case .rewind(.text) = action {
                #expect(outcome == .refused(.textNotFound))
            } else if case .inject(let injection) = action, injection.moment == .sentenceEnd {
                // There may be no end of a sentence any more.
            } else if case .applied = outcome {
            } else {
                Issue.record("\(action): \(String(describing: outcome))")
            }
        }
        for place in Place.allCases.dropFirst() {
            let found = try result(orders.actions, place, model: model)
            #expect(found.outcomes == wanted.outcomes, "\(place)")
            #expect(found.pausedTokens == wanted.pausedTokens, "\(place)")
            // The random models round otherwise when other tokens are computed at once.
            if model == TestModels.fledgling || (place == .shelf && !orders.makesForks) {
                #expect(found.tokens == wanted.tokens, "\(place)")
                #expect(found.forkedTokens == wanted.forkedTokens, "\(place)")
            } else {
                #expect(found.tokens.starts(with: wanted.pausedTokens), "\(place)")
                #expect(found.forkedTokens.isEmpty == wanted.forkedTokens.isEmpty, "\(place)")
            }
        }
    }

    /// What mirostat remembers comes back by drawing all tokens again, which a pause does not hold up.
    @Test(arguments: orders.filter { $0.testDescription != "grammar" }) func ordersWaitForTokensThatAreDrawnAgain(
        orders: Orders
    ) throws {
        let wanted = try result(orders.actions, .sequence, model: TestModels.fledgling, mirostat: .second)
        let found = try result(orders.actions, .restart, model: TestModels.fledgling, mirostat: .second)
        #expect(found == wanted)
    }

    @Test func anOrderThatWaitsForASequenceIsObeyedBeforeThePause() throws {
        let bench = try ControlBench(sequences: 1)
        let first = try bench.submit("Tell me a story.") { $0.reasoning = nil }
        bench.run(first, to: 10)
        var request = GenerationRequest(handle: bench.newHandle(), prompt: RunningEngine.chat("Tell me a story."))
        request.continuation = bench.answer(first).tokens
        bench.mailbox.post(.submit(try bench.loaded.prepare(request, submitted: .now)))
        let rewind = bench.post(.rewind(.token(4)), request.handle)
        _ = bench.loop.takeTurn()
        #expect(bench.outcome(rewind, request.handle) == nil)
        #expect(bench.order(.pause, request.handle) == .applied(.paused, token: 4))
        #expect(bench.answer(request.handle).outcomes.map(\.number).first == rewind.rawValue)
    }
}
