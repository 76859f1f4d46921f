import MartletProtocol
import MartletTestSupport
import Synchronization
import Testing

@testable import MartletStreams

/// Restored generations beside new generations.
@Suite struct RestoreTests {
    private static let alice = Owner(rawValue: "alice")

    private final class ForgottenIDs: GenerationRecorder {
        private let ids = Mutex<[String]>([])
        var all: [String] { ids.withLock { $0 } }

        func begin(_ generation: Generation) {}
        func submit(_ request: GenerationRequest, parser: [UInt8], of generation: Generation) {}
        func append(_ input: GenerationInput, of generation: Generation, finished: Int64?) {}
        func requestCommit(of generation: Generation) {}
        func remove(_ generation: Generation) { ids.withLock { $0.append(generation.spec.head.id) } }
        func erase(_ generation: Generation) async throws(JournalError) {}
    }

    private func registry(_ quota: GenerationQuota = GenerationQuota()) -> (GenerationRegistry, FakeEngine) {
        let registry = GenerationRegistry(quota: quota, calendar: { 1_000 })
        let engine = FakeEngine(registry, script: .hold)
        registry.connect(to: engine)
        return (registry, engine)
    }

    private func spec(_ label: String? = nil) -> GenerationSpec {
        GenerationSpec(owner: Self.alice, lifetime: .resumable, label: label)
    }

    private func inputs(tokens: Int, isEnded: Bool) -> [(choice: Int, input: GenerationInput)] {
        let handle = GenerationHandle(rawValue: 0)
        var events = [EngineEvent(handle, .admitted(promptTokens: 1))]
        events += (0..<tokens).map { EngineEvent(handle, .token(id: Int32($0), text: [0x61])) }
        if isEnded {
            events.append(
                EngineEvent(
                    handle, .finished(GenerationSummary(reason: .endOfGeneration, timings: Timings()), text: [])))
        }
        return events.map { (choice: 0, input: .engine($0)) }
    }

    /// Withholds all text until its end.
    private struct WithholdingParser: OutputParsing {
        private var withheld: [UInt8] = []
        mutating func append(_ bytes: ArraySlice<UInt8>, emit: (OutputPiece) -> Void) { withheld += bytes }
        mutating func finish(emit: (OutputPiece) -> Void) { emit(.text(.content, withheld[...])) }
    }

    /// Readers may have seen the withheld text under a number that the early end skips.
    @Test(arguments: [true, false]) func anEarlyEndComesWithoutWithheldText(isParsed: Bool) throws {
        let (registry, _) = registry()
        let handle = GenerationHandle(rawValue: 0)
        let kinds: [EngineEvent.Kind] = [
            .admitted(promptTokens: 1), .started(slot: 0, cachedTokens: 0), .token(id: 7, text: isParsed ? [0x61] : []),
        ]
        let inputs = kinds.map { (choice: 0, input: GenerationInput.engine(EngineEvent(handle, $0))) }
        let restored = try #require(
            registry.restore(spec(), inputs: inputs, parser: isParsed ? WithholdingParser() : nil, isWhole: false))
        let before = restored.log.events
        registry.receive([
            EngineEvent(
                restored.handle,
                .finished(GenerationSummary(reason: .cancelled, timings: Timings()), text: [0x62]))
        ])
        let after = restored.log.events
        #expect(after.dropLast() == before[...])
        #expect(after.last?.isTerminal == true)
        #expect(restored.log.extent.nextNumber == kinds.count + CommitIndex.maximumLead + 1)
    }

    /// A process that died between the record of skipped numbers and the terminal event showed no reader the end: the
    /// generation continues, and its own end has all text and the next number. The same holds for the server that reads
    /// the journal with both.
    @Test(arguments: [true, false]) func numbersThatWereSkippedWithoutAnEndAreNotSkipped(isReadAgain: Bool) throws {
        let (registry, _) = registry()
        let handle = GenerationHandle(rawValue: 0)
        let tokens = (0..<2 * CommitIndex.maximumLead).map { EngineEvent.Kind.token(id: Int32($0), text: [0x61]) }
        let end = EngineEvent.Kind.finished(
            GenerationSummary(reason: .endOfGeneration, timings: Timings()), text: [0x62])
        func stored(_ kinds: [EngineEvent.Kind]) -> [(choice: Int, input: GenerationInput)] {
            kinds.map { (choice: 0, input: .engine(EngineEvent(handle, $0))) }
        }
        var inputs = stored([.admitted(promptTokens: 1), .started(slot: 0, cachedTokens: 0)])
        inputs.append((choice: 0, input: .skippedNumbers(to: 100)))
        if isReadAgain { inputs += stored(tokens + [end]) }
        let restored = try #require(
            registry.restore(
                spec(), inputs: inputs, parser: WithholdingParser(), isWhole: false, finished: isReadAgain ? 1 : nil))
        if !isReadAgain { registry.receive((tokens + [end]).map { EngineEvent(restored.handle, $0) }) }
        let text = restored.log.events.flatMap { event in
            if case .text(.content, _, let bytes) = event { Array(bytes) } else { [UInt8]() }
        }
        #expect(text == Array(repeating: 0x61, count: tokens.count) + [0x62])
        #expect(restored.log.terminalEvent != nil)
        #expect(restored.log.extent.nextNumber == restored.log.extent.count)
    }

    /// Example: a server hands a generation over, and the next one dies before its first record is durable. The server
    /// after that finds a whole journal, and gives the numbers behind it to other events than text.
    @Test func theFirstEventBehindAHandoverIsDurableBeforeItIsVisible() throws {
        let (registry, _) = registry()
        let inputs = inputs(tokens: 3, isEnded: false) + [(choice: 0, input: .handedOver)]
        func restore(isWhole: Bool) throws -> GenerationLog {
            let restored = try #require(
                registry.restore(spec(), inputs: inputs, parser: nil, isWhole: isWhole) {
                    $0.log.setCommitPolicy(.textAhead)
                })
            registry.receive((4...5).map { EngineEvent(restored.handle, .token(id: $0, text: [0x61])) })
            return restored.log
        }
        func hasMore(_ log: GenerationLog) -> Bool {
            var (cursor, batch) = (LogCursor(), LogBatch())
            _ = log.copy(from: &cursor, limit: .max, into: &batch)
            return cursor.position == log.extent.count
        }
        let whole = try restore(isWhole: true)
        #expect(!hasMore(whole))
        whole.commit(upTo: whole.extent.count - 1)
        #expect(hasMore(whole), "the second event is text")
        #expect(hasMore(try restore(isWhole: false)))
    }

    @Test func aLongGenerationIsRestoredWhole() throws {
        let (registry, _) = registry()
        let restored = try #require(
            registry.restore(spec(), inputs: inputs(tokens: 2_000, isEnded: true), parser: nil, finished: 990))
        #expect(restored.log.events.count == 2_002)
        #expect(restored.isRestored)
        #expect(registry.liveCount == 0)
        #expect(registry.status(of: restored).finished == 990)
        #expect(registry.state.withLock { $0.live.isEmpty })
    }

    /// A generation that is being read is neither found nor ended nor handed over.
    @Test func partlyRestoredGenerationsAreNotFound() throws {
        let (registry, _) = registry()
        let spec = spec("c")
        let seen = Mutex<[Bool]>([])
        let looking = inputs(tokens: 600, isEnded: false).lazy.map { input in
            let isFound =
                registry.liveOrRetained(id: spec.head.id, of: Self.alice) != nil || registry.liveCount > 0
                || registry.generation(labelled: "c", of: Self.alice) != nil
            seen.withLock { $0.append(isFound) }
            return input
        }
        let adopted = Mutex(0)
        let restored = registry.restore(spec, inputs: looking, parser: nil) { _ in adopted.withLock { $0 += 1 } }
        #expect(seen.withLock { $0.count == 601 && !$0.contains(true) })
        #expect(adopted.withLock { $0 } == 1)
        #expect(registry.liveOrRetained(id: spec.head.id, of: Self.alice) === restored)
        #expect(registry.liveCount == 1)
    }

    @Test func aLabelPrefersANewGenerationToARestoredOne() throws {
        let (registry, engine) = registry()
        let new = try registry.prepare(spec("c"))
        registry.submit(GenerationRequest(handle: new.handle, prompt: Prompt(pieces: [], addsBeginning: false)))
        engine.send([EngineEvent(new.handle, .admitted(promptTokens: 1))])
        let running = try #require(
            registry.restore(spec("c"), inputs: inputs(tokens: 3, isEnded: false), parser: nil))
        #expect(running.log.terminalEvent == .finished(.cancelled))
        let ended = try #require(
            registry.restore(spec("c"), inputs: inputs(tokens: 3, isEnded: true), parser: nil, finished: 990))
        #expect(registry.generation(labelled: "c", of: Self.alice) === new)
        #expect(registry.generations(of: Self.alice).map(\.handle) == [new, ended, running].map(\.handle))
        #expect(new.log.terminalEvent == nil)
    }

    @Test func restoredGenerationsCountTowardsTheQuota() throws {
        var quota = GenerationQuota()
        quota.retained = 3
        let (registry, _) = registry(quota)
        let recorder = ForgottenIDs()
        registry.record(with: recorder)
        let ids = try (0..<5).map { _ in
            try #require(
                registry.restore(spec(), inputs: inputs(tokens: 1, isEnded: true), parser: nil, finished: 990)
            ).spec.head.id
        }
        #expect(Set(registry.generations(of: Self.alice).map(\.spec.head.id)) == Set(ids.suffix(3)))
        #expect(recorder.all == Array(ids.prefix(2)))
    }

    @Test func aProcessThatShutsDownRestoresNothing() {
        let (registry, _) = registry()
        registry.handOver(EngineError(.shuttingDown, "bye"))
        let adopted = Mutex(0)
        let restored = registry.restore(spec(), inputs: inputs(tokens: 1, isEnded: false), parser: nil) { _ in
            adopted.withLock { $0 += 1 }
        }
        #expect(restored == nil)
        #expect(adopted.withLock { $0 } == 0)
        #expect(registry.state.withLock { $0.live.isEmpty && $0.totalUsage.isEmpty })
    }

    /// The first reply comes from an earlier process, whose forks had the handles that this process gives to its own.
    @Test func aRepeatedForkOfAnEarlierProcessMakesNoFork() throws {
        let (registry, _) = registry()
        let next = try registry.prepare(spec())
        registry.cancel(next.handle)
        let identity = CommandIdentity(requestID: "a", action: "fork", digest: 1)
        let made = GenerationHandle(rawValue: next.handle.rawValue + 1)
        let record = CommandRecord(number: CommandNumber(rawValue: 1), identity: identity, forks: ["cmpl-1"])
        let result = ControlResult.applied(.forked([made]), token: 0)
        var inputs = inputs(tokens: 0, isEnded: false)
        inputs.append((choice: 0, input: .command(record)))
        let event = EngineEvent(GenerationHandle(rawValue: 0), .controlled(record.number, result))
        inputs.append((choice: 0, input: .engine(event)))
        let generation = try #require(registry.restore(spec(), inputs: inputs, parser: nil))
        registry.resubmit(GenerationRequest(handle: generation.handle, prompt: Prompt(pieces: [], addsBeginning: true)))
        let command = try registry.fork(generation, into: [SettingsChange()], identity: identity) { spec() }
        let replies = Mutex<[CommandReply]>([])
        command.whenResolved { reply in replies.withLock { $0.append(reply) } }
        guard case .applied(let logged, _)? = replies.withLock({ $0.first }) else {
            Issue.record("the repetition has no reply")
            return
        }
        #expect(logged.command == .forked([made]))
        #expect(registry.liveCount == 1, "a fork runs for ever that no engine has")
    }
}
