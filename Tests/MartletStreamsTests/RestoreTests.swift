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
        func submit(_ request: GenerationRequest, of generation: Generation) {}
        func take(_ input: GenerationInput, of generation: Generation, finished: Int64?) {}
        func show(_ generation: Generation) {}
        func forget(_ generation: Generation) { ids.withLock { $0.append(generation.terms.head.id) } }
        func erase(_ generation: Generation) async throws(JournalError) {}
    }

    private func registry(_ quota: GenerationQuota = GenerationQuota()) -> (GenerationRegistry, FakeEngine) {
        let registry = GenerationRegistry(quota: quota, calendar: { 1_000 })
        let engine = FakeEngine(registry, script: .hold)
        registry.connect(to: engine)
        return (registry, engine)
    }

    private func terms(_ label: String? = nil) -> GenerationTerms {
        GenerationTerms(owner: Self.alice, lifetime: .resumable, label: label)
    }

    private func inputs(tokens: Int, isEnded: Bool) -> [(choice: Int, input: GenerationInput)] {
        let handle = GenerationHandle(rawValue: 0)
        var events = [EngineEvent(handle, .admitted(promptTokens: 1))]
        events += (0..<tokens).map { EngineEvent(handle, .token(id: Int32($0), text: [0x61])) }
        if isEnded {
            events.append(
                EngineEvent(handle, .finished(Completion(reason: .endOfGeneration, timings: Timings()), text: [])))
        }
        return events.map { (choice: 0, input: .engine($0)) }
    }

    @Test func aLongGenerationIsRestoredWhole() throws {
        let (registry, _) = registry()
        let restored = try #require(
            registry.restore(terms(), inputs: inputs(tokens: 2_000, isEnded: true), splitter: nil, finished: 990))
        #expect(restored.log.events.count == 2_002)
        #expect(restored.isRestored)
        #expect(registry.liveCount == 0)
        #expect(registry.status(of: restored).finished == 990)
        #expect(registry.state.withLock { $0.restoring.isEmpty })
    }

    /// A generation that is being read is neither found nor ended nor handed over.
    @Test func partlyRestoredGenerationsAreNotFound() throws {
        let (registry, _) = registry()
        let terms = terms("c")
        let seen = Mutex<[Bool]>([])
        let looking = inputs(tokens: 600, isEnded: false).lazy.map { input in
            let isFound =
                registry.runningOrKept(id: terms.head.id, of: Self.alice) != nil || registry.liveCount > 0
                || registry.generation(labelled: "c", of: Self.alice) != nil
            seen.withLock { $0.append(isFound) }
            return input
        }
        let adopted = Mutex(0)
        let restored = registry.restore(terms, inputs: looking, splitter: nil) { _ in adopted.withLock { $0 += 1 } }
        #expect(seen.withLock { $0.count == 601 && !$0.contains(true) })
        #expect(adopted.withLock { $0 } == 1)
        #expect(registry.runningOrKept(id: terms.head.id, of: Self.alice) === restored)
        #expect(registry.liveCount == 1)
    }

    @Test func aLabelPrefersANewGenerationToARestoredOne() throws {
        let (registry, engine) = registry()
        let new = try registry.prepare(terms("c"))
        registry.submit(GenerationRequest(handle: new.handle, prompt: Prompt(pieces: [], addsBeginning: false)))
        engine.send([EngineEvent(new.handle, .admitted(promptTokens: 1))])
        let running = try #require(
            registry.restore(terms("c"), inputs: inputs(tokens: 3, isEnded: false), splitter: nil))
        #expect(running.log.terminalEvent == .finished(.cancelled))
        let ended = try #require(
            registry.restore(terms("c"), inputs: inputs(tokens: 3, isEnded: true), splitter: nil, finished: 990))
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
                registry.restore(terms(), inputs: inputs(tokens: 1, isEnded: true), splitter: nil, finished: 990)
            ).terms.head.id
        }
        #expect(Set(registry.generations(of: Self.alice).map(\.terms.head.id)) == Set(ids.suffix(3)))
        #expect(recorder.all == Array(ids.prefix(2)))
    }

    @Test func aProcessThatShutsDownRestoresNothing() {
        let (registry, _) = registry()
        registry.handOver(EngineError(.shuttingDown, "bye"))
        let adopted = Mutex(0)
        let restored = registry.restore(terms(), inputs: inputs(tokens: 1, isEnded: false), splitter: nil) { _ in
            adopted.withLock { $0 += 1 }
        }
        #expect(restored == nil)
        #expect(adopted.withLock { $0 } == 0)
        #expect(registry.state.withLock { $0.restoring.isEmpty && $0.totalUsage.isEmpty })
    }
}
