import MartletProtocol
import MartletTestSupport
import Synchronization
import Testing

@testable import MartletStreams

/// Results of control commands: each command gets one reply, whatever happens to the generation, and a repeated command
/// is applied once.
@Suite struct ControlCommandTests {
    private let registry = GenerationRegistry()
    private let engine: FakeEngine
    private let recorder = InputRecorder()

    init() {
        engine = FakeEngine(registry, script: .admit)
        registry.connect(to: engine)
        registry.record(with: recorder)
    }

    private func begin(choices: Int = 1) throws -> Generation {
        var spec = GenerationSpec(lifetime: .resumable)
        spec.choiceCount = choices
        spec.choicesPerPrompt = choices
        let generation = try registry.prepare(spec)
        for handle in generation.handles {
            registry.submit(GenerationRequest(handle: handle, prompt: Prompt(pieces: [], addsBeginning: false)))
        }
        return generation
    }

    private static func identity(_ id: String, _ action: String = "pause") -> CommandIdentity {
        CommandIdentity(requestID: id, action: action, digest: UInt64(action.count))
    }

    private func reply(_ index: Int, _ result: ControlResult) {
        let command = engine.commands[index]
        engine.send([EngineEvent(command.handle, .controlled(command.number, result))])
    }

    // MARK: Replies

    /// Chance decides which choice is handed over first, so there are many tries.
    @Test(arguments: 0..<20) func everyCommandIsResolvedWhicheverChoiceIsHandedOverFirst(_: Int) async throws {
        let generation = try begin(choices: 3)
        let commands = try (0..<5).map { _ in try registry.send(.status, to: generation) }
        registry.handOver(EngineError(.shuttingDown, "bye"))
        for command in commands { #expect(try await command.reply() == .ended(nil)) }
        #expect(registry.liveCount == 0)
    }

    @Test(arguments: 0..<3) func aFailedChoiceResolvesTheCommandsOfAllChoices(choice: Int) async throws {
        let generation = try begin(choices: 3)
        let command = try registry.send(.pause, to: generation)
        let error = EngineError(.generationFailed, "no")
        engine.fail(generation.handle(ofChoice: choice), error)
        #expect(try await command.reply() == .ended(.failed(error)))
    }

    @Test func aCommandToAnEndedFirstChoiceIsResolvedAtOnce() async throws {
        let generation = try begin(choices: 2)
        engine.finish(generation.handle, .tokenLimit)
        #expect(generation.log.terminalEvent == nil)
        let command = try registry.send(.pause, to: generation)
        guard case .ended(.finished(let completion)) = try await command.reply() else {
            Issue.record("it was not answered as too late")
            return
        }
        #expect(completion.reason == .tokenLimit)
        #expect(engine.commands.isEmpty)
    }

    @Test func aTaskThatWaitsForAReplyCanBeCancelled() async throws {
        let generation = try begin()
        let command = try registry.send(.pause, to: generation)
        let waiting = Task { try await command.reply() }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        reply(0, .applied(.paused, token: 0))
        guard case .applied = try await command.reply() else {
            Issue.record("the order does not stand")
            return
        }
    }

    // MARK: Request ids

    @Test func aRepeatedCommandIsAppliedOnce() async throws {
        let generation = try begin()
        let first = try registry.send(.pause, to: generation, identity: Self.identity("a"))
        let second = try registry.send(.pause, to: generation, identity: Self.identity("a"))
        #expect(engine.commands.count == 1)
        reply(0, .applied(.paused, token: 0))
        #expect(try await first.reply() == second.reply())
        engine.finish(generation.handle)
        let late = try registry.send(.pause, to: generation, identity: Self.identity("a"))
        #expect(try await late.reply() == first.reply(), "also after the end")
    }

    @Test func anotherCommandWithTheSameIdentityIsRefused() throws {
        let generation = try begin()
        _ = try registry.send(.pause, to: generation, identity: Self.identity("a"))
        #expect(throws: CommandIdentityError.used(by: Self.identity("a"))) {
            try registry.send(.resume, to: generation, identity: Self.identity("a", "resume"))
        }
        #expect(throws: GenerationRegistry.ForkError.identity(.used(by: Self.identity("a")))) {
            _ = try registry.fork(generation, into: [SettingsChange()], identity: Self.identity("a", "fork")) {
                GenerationSpec(lifetime: .background)
            }
        }
        #expect(engine.commands.count == 1)
        #expect(registry.liveCount == 1, "no fork was made")
    }

    @Test func identitiesOfCommandsWithoutEffectAreRemovedFirst() throws {
        var commands = IdentifiedCommands()
        for number in 0..<IdentifiedCommands.limit {
            let promise = CommandPromise()
            let isRefused = number == 7
            promise.resolve(
                isRefused ? .refused(.notPaused) : .applied(LoggedCommand(.paused, token: 0), event: number))
            try commands.add(promise, identity: Self.identity("\(number)"))
        }
        try commands.add(CommandPromise(), identity: Self.identity("more"))
        #expect(try commands.promise(identity: Self.identity("7")) == nil)
        #expect(try commands.promise(identity: Self.identity("0")) != nil)
        #expect(throws: CommandIdentityError.tooMany(limit: IdentifiedCommands.limit)) {
            try commands.add(CommandPromise(), identity: Self.identity("too many"))
        }
    }

    // MARK: The next process

    /// A later process that restores the recorded inputs.
    private func next(_ generation: Generation, isWhole: Bool = true) throws -> (ControlCommandTests, Generation) {
        let other = ControlCommandTests()
        let inputs = recorder.inputs(of: generation.handle).map { (choice: 0, input: $0) }
        let restored = try #require(
            other.registry.restore(generation.spec, inputs: inputs, parser: nil, isWhole: isWhole))
        return (other, restored)
    }

    @Test func theFirstReplyIsRepeatedByTheNextProcess() async throws {
        let generation = try begin()
        let first = try registry.send(.pause, to: generation, identity: Self.identity("a"))
        reply(0, .applied(.paused, token: 0))
        let refused = try registry.send(.rewind(.token(9)), to: generation, identity: Self.identity("b", "rewind"))
        reply(1, .refused(.beyondEnd(tokens: 0)))
        _ = try registry.send(.resume, to: generation, identity: Self.identity("c", "resume"))
        for (other, restored) in [try next(generation)] {
            let again = try other.registry.send(.pause, to: restored, identity: Self.identity("a"))
            #expect(try await again.reply() == first.reply())
            let still = try other.registry.send(
                .rewind(.token(9)), to: restored, identity: Self.identity("b", "rewind"))
            #expect(try await still.reply() == refused.reply())
            #expect(throws: CommandIdentityError.used(by: Self.identity("a"))) {
                try other.registry.send(.resume, to: restored, identity: Self.identity("a", "resume"))
            }
            #expect(other.engine.commands.isEmpty)
            // A command that did not take effect is sent anew.
            other.registry.resubmit(
                GenerationRequest(handle: restored.handle, prompt: Prompt(pieces: [], addsBeginning: false)))
            _ = try other.registry.send(.resume, to: restored, identity: Self.identity("c", "resume"))
            #expect(other.engine.commands.map(\.action) == [.resume])
        }
    }

    @Test func theEndOfACommandIsReportedByTheNextProcess() async throws {
        let generation = try begin()
        let first = try registry.send(.pause, to: generation, identity: Self.identity("a"))
        engine.finish(generation.handle, .tokenLimit)
        let (other, restored) = try next(generation)
        let again = try other.registry.send(.pause, to: restored, identity: Self.identity("a"))
        #expect(try await again.reply() == first.reply())
    }

    @Test func aForksIDsAreThoseOfItsOwnProcess() throws {
        let generation = try begin()
        let command = try registry.fork(generation, into: [SettingsChange()]) { GenerationSpec(lifetime: .background) }
        guard case .fork(let forks) = engine.commands[0].action else {
            Issue.record("no fork was ordered")
            return
        }
        reply(0, .applied(.forked(forks.map(\.handle)), token: 0))
        _ = command
        // Other generations have the forks' handles there.
        let other = ControlCommandTests()
        for _ in 0..<3 { _ = try other.begin() }
        let inputs = recorder.inputs(of: generation.handle).map { (choice: 0, input: $0) }
        let restored = try #require(other.registry.restore(generation.spec, inputs: inputs, parser: nil))
        #expect(restored.log.events == generation.log.events)
    }

    @Test func commandsWaitUntilAllPriorEventsAreThere() async throws {
        let generation = try begin()
        engine.step([generation.handle], text: "a")
        let (other, restored) = try next(generation, isWhole: false)
        other.registry.resubmit(
            GenerationRequest(handle: restored.handle, prompt: Prompt(pieces: [], addsBeginning: false)))
        _ = try other.registry.send(.pause, to: restored)
        _ = try other.registry.send(.status, to: restored)
        #expect(other.engine.commands.map(\.action) == [.status], "asking changes nothing")
        other.registry.ping(restored)
        for _ in 0..<CommitIndex.maximumLead - 1 { other.engine.step([restored.handle], text: "b") }
        #expect(other.engine.commands.count == 1)
        #expect(!restored.log.events.contains(.ping))
        other.engine.step([restored.handle], text: "c")
        #expect(other.engine.commands.map(\.action) == [.status, .pause])
        other.registry.ping(restored)
        #expect(restored.log.events.last == .ping)
    }

    @Test func noEventIsMissingOfAGenerationThatHadNotStartedOrWasPaused() throws {
        let generation = try registry.prepare(GenerationSpec(lifetime: .resumable))
        #expect(try !next(generation, isWhole: false).1.log.isBehind)
        let paused = try begin()
        _ = try registry.send(.pause, to: paused)
        reply(0, .applied(.paused, token: 0))
        #expect(try !next(paused, isWhole: false).1.log.isBehind)
        #expect(try !next(begin(choices: 2), isWhole: false).1.log.isBehind)
    }

    @Test func aForkIsVisibleWhenItIsDurable() throws {
        let generation = try begin()
        generation.log.setCommitPolicy(.textAhead)
        recorder.begun = { $0.log.setCommitPolicy(.textAhead) }
        _ = try registry.fork(generation, into: [SettingsChange()]) { GenerationSpec(lifetime: .background) }
        guard case .fork(let forks) = engine.commands[0].action else {
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

/// Stores the recorded inputs of all generations.
private final class InputRecorder: GenerationRecorder {
    private let inputsByHandle = Mutex<[(GenerationHandle, GenerationInput)]>([])
    private let atBegin = Mutex<(@Sendable (Generation) -> Void)?>(nil)

    var begun: (@Sendable (Generation) -> Void)? {
        get { atBegin.withLock { $0 } }
        set { atBegin.withLock { $0 = newValue } }
    }
    func inputs(of handle: GenerationHandle) -> [GenerationInput] {
        inputsByHandle.withLock { inputsByHandle in inputsByHandle.filter { $0.0 == handle }.map(\.1) }
    }

    func begin(_ generation: Generation) { begun?(generation) }
    func submit(_ request: GenerationRequest, parser: [UInt8], of generation: Generation) {}
    func append(_ input: GenerationInput, of generation: Generation, finished: Int64?) {
        inputsByHandle.withLock { $0.append((generation.handle, input)) }
    }
    func requestCommit(of generation: Generation) {}
    func remove(_ generation: Generation) {}
    func erase(_ generation: Generation) async throws(JournalError) {}
}
