import MartletProtocol
import MartletTestSupport
import Synchronization
import Testing

@testable import MartletStreams

/// What becomes of orders: each is answered once, whatever happens to the generation, and one that is given again is obeyed once.
@Suite struct OrderTests {
    private let registry = GenerationRegistry()
    private let engine: FakeEngine
    private let recorder = InputRecorder()

    init() {
        engine = FakeEngine(registry, script: .admit)
        registry.connect(to: engine)
        registry.record(with: recorder)
    }

    private func begin(choices: Int = 1) throws -> Generation {
        var terms = GenerationTerms(lifetime: .resumable)
        terms.choiceCount = choices
        terms.choicesPerPrompt = choices
        let generation = try registry.prepare(terms)
        for handle in generation.handles {
            registry.submit(GenerationRequest(handle: handle, prompt: Prompt(pieces: [], addsBeginning: false)))
        }
        return generation
    }

    private static func name(_ id: String, _ action: String = "pause") -> OrderName {
        OrderName(requestID: id, action: action, digest: UInt64(action.count))
    }

    private func answer(_ index: Int, _ outcome: ControlOutcome) {
        let order = engine.orders[index]
        engine.send([EngineEvent(order.handle, .controlled(order.number, outcome))])
    }

    // MARK: Answers

    /// Which choice is the first to go is chance, so there are many tries.
    @Test(arguments: 0..<20) func everyOrderIsAnsweredWhicheverChoiceIsHandedOverFirst(_: Int) async throws {
        let generation = try begin(choices: 3)
        let orders = try (0..<5).map { _ in try registry.give(.status, to: generation) }
        registry.handOver(EngineError(.shuttingDown, "bye"))
        for order in orders { #expect(try await order.reply() == .ended(nil)) }
        #expect(registry.liveCount == 0)
    }

    @Test(arguments: 0..<3) func aChoiceThatFailsAnswersTheOrdersToAll(choice: Int) async throws {
        let generation = try begin(choices: 3)
        let order = try registry.give(.pause, to: generation)
        let error = EngineError(.generationFailed, "no")
        engine.fail(generation.handle(ofChoice: choice), error)
        #expect(try await order.reply() == .ended(.failed(error)))
    }

    @Test func anOrderToAFirstChoiceThatHasEndedIsAnsweredAtOnce() async throws {
        let generation = try begin(choices: 2)
        engine.finish(generation.handle, .tokenLimit)
        #expect(generation.log.terminalEvent == nil)
        let order = try registry.give(.pause, to: generation)
        guard case .ended(.finished(let completion)) = try await order.reply() else {
            Issue.record("it was not answered as too late")
            return
        }
        #expect(completion.reason == .tokenLimit)
        #expect(engine.orders.isEmpty)
    }

    @Test func aTaskThatWaitsForAReplyCanBeCancelled() async throws {
        let generation = try begin()
        let order = try registry.give(.pause, to: generation)
        let waiting = Task { try await order.reply() }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        answer(0, .applied(.paused, token: 0))
        guard case .applied = try await order.reply() else {
            Issue.record("the order does not stand")
            return
        }
    }

    // MARK: Names

    @Test func anOrderThatIsGivenAgainIsObeyedOnce() async throws {
        let generation = try begin()
        let first = try registry.give(.pause, to: generation, named: Self.name("a"))
        let second = try registry.give(.pause, to: generation, named: Self.name("a"))
        #expect(engine.orders.count == 1)
        answer(0, .applied(.paused, token: 0))
        #expect(try await first.reply() == second.reply())
        engine.finish(generation.handle)
        let late = try registry.give(.pause, to: generation, named: Self.name("a"))
        #expect(try await late.reply() == first.reply(), "also after the end")
    }

    @Test func anotherOrderOfTheSameNameIsRefused() throws {
        let generation = try begin()
        _ = try registry.give(.pause, to: generation, named: Self.name("a"))
        #expect(throws: OrderNameError.used(by: Self.name("a"))) {
            try registry.give(.resume, to: generation, named: Self.name("a", "resume"))
        }
        #expect(throws: GenerationRegistry.ForkError.name(.used(by: Self.name("a")))) {
            _ = try registry.fork(generation, into: [SettingsChange()], named: Self.name("a", "fork")) {
                GenerationTerms(lifetime: .background)
            }
        }
        #expect(engine.orders.count == 1)
        #expect(registry.liveCount == 1, "no fork was made")
    }

    @Test func namesOfOrdersThatChangedNothingGoFirst() throws {
        var named = NamedOrders()
        for number in 0..<NamedOrders.limit {
            let ticket = ControlTicket()
            let isRefused = number == 7
            ticket.resolve(
                isRefused ? .refused(.notPaused) : .applied(ControlRecord(.paused, token: 0), event: number))
            try named.add(ticket, named: Self.name("\(number)"))
        }
        try named.add(ControlTicket(), named: Self.name("more"))
        #expect(try named.ticket(named: Self.name("7")) == nil)
        #expect(try named.ticket(named: Self.name("0")) != nil)
        #expect(throws: OrderNameError.tooMany(limit: NamedOrders.limit)) {
            try named.add(ControlTicket(), named: Self.name("too many"))
        }
    }

    // MARK: The next process

    /// A process that has what this one has recorded.
    private func next(_ generation: Generation, isWhole: Bool = true) throws -> (OrderTests, Generation) {
        let other = OrderTests()
        let inputs = recorder.inputs(of: generation.handle).map { (choice: 0, input: $0) }
        let restored = try #require(
            other.registry.restore(generation.terms, inputs: inputs, splitter: nil, isWhole: isWhole))
        return (other, restored)
    }

    @Test func theFirstReplyIsRepeatedByTheNextProcess() async throws {
        let generation = try begin()
        let first = try registry.give(.pause, to: generation, named: Self.name("a"))
        answer(0, .applied(.paused, token: 0))
        let refused = try registry.give(.rewind(.token(9)), to: generation, named: Self.name("b", "rewind"))
        answer(1, .refused(.beyondEnd(tokens: 0)))
        _ = try registry.give(.resume, to: generation, named: Self.name("c", "resume"))
        for (other, restored) in [try next(generation)] {
            let again = try other.registry.give(.pause, to: restored, named: Self.name("a"))
            #expect(try await again.reply() == first.reply())
            let still = try other.registry.give(.rewind(.token(9)), to: restored, named: Self.name("b", "rewind"))
            #expect(try await still.reply() == refused.reply())
            #expect(throws: OrderNameError.used(by: Self.name("a"))) {
                try other.registry.give(.resume, to: restored, named: Self.name("a", "resume"))
            }
            #expect(other.engine.orders.isEmpty)
            // What did not take effect is given anew.
            other.registry.resubmit(
                GenerationRequest(handle: restored.handle, prompt: Prompt(pieces: [], addsBeginning: false)))
            _ = try other.registry.give(.resume, to: restored, named: Self.name("c", "resume"))
            #expect(other.engine.orders.map(\.action) == [.resume])
        }
    }

    @Test func whatEndedAnOrderSaysSoInTheNextProcess() async throws {
        let generation = try begin()
        let first = try registry.give(.pause, to: generation, named: Self.name("a"))
        engine.finish(generation.handle, .tokenLimit)
        let (other, restored) = try next(generation)
        let again = try other.registry.give(.pause, to: restored, named: Self.name("a"))
        #expect(try await again.reply() == first.reply())
    }

    @Test func aForksIDsAreThoseOfItsOwnProcess() throws {
        let generation = try begin()
        let order = try registry.fork(generation, into: [SettingsChange()]) { GenerationTerms(lifetime: .background) }
        guard case .fork(let forks) = engine.orders[0].action else {
            Issue.record("no fork was ordered")
            return
        }
        answer(0, .applied(.forked(forks.map(\.handle)), token: 0))
        _ = order
        // Other generations have the forks' handles there.
        let other = OrderTests()
        for _ in 0..<3 { _ = try other.begin() }
        let inputs = recorder.inputs(of: generation.handle).map { (choice: 0, input: $0) }
        let restored = try #require(other.registry.restore(generation.terms, inputs: inputs, splitter: nil))
        #expect(restored.log.events == generation.log.events)
    }

    @Test func ordersWaitUntilAllIsThereThatWasTold() async throws {
        let generation = try begin()
        engine.step([generation.handle], text: "a")
        let (other, restored) = try next(generation, isWhole: false)
        other.registry.resubmit(
            GenerationRequest(handle: restored.handle, prompt: Prompt(pieces: [], addsBeginning: false)))
        _ = try other.registry.give(.pause, to: restored)
        _ = try other.registry.give(.status, to: restored)
        #expect(other.engine.orders.map(\.action) == [.status], "asking changes nothing")
        other.registry.ping(restored)
        for _ in 0..<ShownRecords.reach - 1 { other.engine.step([restored.handle], text: "b") }
        #expect(other.engine.orders.count == 1)
        #expect(!restored.log.events.contains(.ping))
        other.engine.step([restored.handle], text: "c")
        #expect(other.engine.orders.map(\.action) == [.status, .pause])
        other.registry.ping(restored)
        #expect(restored.log.events.last == .ping)
    }

    @Test func nothingIsMissingOfAnAnswerThatHadNotBegunOrWasPaused() throws {
        let generation = try registry.prepare(GenerationTerms(lifetime: .resumable))
        #expect(try !next(generation, isWhole: false).1.log.isBehind)
        let paused = try begin()
        _ = try registry.give(.pause, to: paused)
        answer(0, .applied(.paused, token: 0))
        #expect(try !next(paused, isWhole: false).1.log.isBehind)
        #expect(try !next(begin(choices: 2), isWhole: false).1.log.isBehind)
    }

    @Test func aForkIsShownWhenItIsWritten() throws {
        let generation = try begin()
        generation.log.setCaution(.orders)
        recorder.begun = { $0.log.setCaution(.orders) }
        _ = try registry.fork(generation, into: [SettingsChange()]) { GenerationTerms(lifetime: .background) }
        guard case .fork(let forks) = engine.orders[0].action else {
            Issue.record("no fork was ordered")
            return
        }
        let fork = try #require(registry.generations(of: .open).first { $0.handle == forks[0].handle })
        engine.step([fork.handle], text: "a")
        var cursor = LogCursor()
        var batch = LogBatch()
        _ = fork.log.copy(from: &cursor, limit: .max, into: &batch)
        #expect(batch.isEmpty)
    }
}

/// Keeps what was recorded of all generations.
private final class InputRecorder: GenerationRecorder {
    private let kept = Mutex<[(GenerationHandle, GenerationInput)]>([])
    private let atBegin = Mutex<(@Sendable (Generation) -> Void)?>(nil)

    var begun: (@Sendable (Generation) -> Void)? {
        get { atBegin.withLock { $0 } }
        set { atBegin.withLock { $0 = newValue } }
    }
    func inputs(of handle: GenerationHandle) -> [GenerationInput] {
        kept.withLock { kept in kept.filter { $0.0 == handle }.map(\.1) }
    }

    func begin(_ generation: Generation) { begun?(generation) }
    func submit(_ request: GenerationRequest, of generation: Generation) {}
    func take(_ input: GenerationInput, of generation: Generation, finished: Int64?) {
        kept.withLock { $0.append((generation.handle, input)) }
    }
    func show(_ generation: Generation) {}
    func forget(_ generation: Generation) {}
    func erase(_ generation: Generation) async throws(JournalError) {}
}
