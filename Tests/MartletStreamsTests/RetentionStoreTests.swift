import MartletFiles
import MartletProtocol
import MartletTestSupport
import NIOCore
import Synchronization
import Testing

@testable import MartletStreams

/// The generations that lookups find: for which owners, and for how long.
@Suite struct RetentionStoreTests {
    private static let alice = Owner(rawValue: "alice")
    private static let bob = Owner(rawValue: "bob")
    private static let refusal = EngineError(.contextExceeded, "too long")

    private final class Bench: Sendable {
        let registry: GenerationRegistry
        let engine: FakeEngine
        private let seconds: TimeBox

        init(_ quota: GenerationQuota = GenerationQuota()) {
            let seconds = TimeBox()
            self.seconds = seconds
            registry = GenerationRegistry(
                quota: quota, clock: { .uptimeNanoseconds(UInt64(seconds.value) * 1_000_000_000) },
                calendar: { Int64(seconds.value) })
            engine = FakeEngine(registry, script: .hold)
            registry.connect(to: engine)
        }

        func advance(by count: Int) { seconds.advance(by: count) }

        func begin(
            _ owner: Owner = alice, _ label: String? = "c", streams: Bool = true,
            lifetime: GenerationSpec.Lifetime = .resumable
        ) throws -> Generation {
            var spec = GenerationSpec(owner: owner, lifetime: lifetime, label: label)
            spec.streams = streams
            let generation = try registry.prepare(spec)
            registry.submit(
                GenerationRequest(handle: generation.handle, prompt: Prompt(pieces: [], addsBeginning: false)))
            return generation
        }

        func admit(_ generation: Generation) {
            engine.send([EngineEvent(generation.handle, .admitted(promptTokens: 1))])
        }

        /// Begins a generation that the engine admits.
        func run(_ owner: Owner = alice, _ label: String? = "c", text: String = "") throws -> Generation {
            let generation = try begin(owner, label)
            admit(generation)
            if !text.isEmpty { engine.step([generation.handle], text: text) }
            return generation
        }

        func labelled(_ label: String = "c", _ owner: Owner = alice) -> Generation? {
            registry.generation(labelled: label, of: owner)
        }

        func find(_ generation: Generation, _ owner: Owner = alice) -> Generation? {
            registry.generation(id: generation.spec.head.id, of: owner)
        }
    }

    private final class TimeBox: Sendable {
        private let seconds = Atomic(1_000)
        var value: Int { seconds.load(ordering: .relaxed) }
        func advance(by count: Int) { seconds.add(count, ordering: .relaxed) }
    }

    @Test func labelsAreTheSameIfTheirBytesAre() throws {
        let bench = Bench()
        let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
        let first = try bench.run(Self.alice, composed)
        #expect(bench.labelled(decomposed) == nil)
        let second = try bench.run(Self.alice, decomposed)
        #expect(bench.labelled(composed) === first && bench.labelled(decomposed) === second)
        #expect(!first.log.extent.isEnded)
        let like = bench.registry.generations(labelledLike: composed, of: Self.alice)
        #expect(like.count == 1 && like[0] === first)
        // The text behind `::` may begin with a combining character.
        let part = try bench.run(Self.alice, "x::\u{301}y")
        #expect(bench.registry.generations(labelledLike: "x", of: Self.alice).first === part)
    }

    @Test func aLabelPointsAtTheNewestAndStopsTheOlder() throws {
        let bench = Bench()
        let old = try bench.run()
        #expect(bench.labelled() === old)
        let new = try bench.run()
        #expect(bench.labelled() === new)
        #expect(bench.engine.cancelled == [old.handle])
        #expect(old.log.terminalEvent == .finished(.cancelled))
        #expect(bench.find(old) === old, "it can still be read by its id")
    }

    @Test func aRefusedGenerationDisturbsNothing() throws {
        let bench = Bench()
        let old = try bench.run()
        let refused = try bench.begin()
        #expect(bench.labelled() === old)
        bench.engine.fail(refused.handle, Self.refusal)
        #expect(bench.labelled() === old)
        #expect(bench.find(refused) == nil)
        // The same for a generation whose client knew the id before the engine refused it.
        let published = try bench.begin()
        bench.registry.publishID(of: published)
        #expect(bench.labelled() === published)
        bench.engine.fail(published.handle, Self.refusal)
        #expect(bench.labelled() === old)
        #expect(bench.find(published) === published)
        #expect(bench.engine.cancelled.isEmpty)
        #expect(old.log.terminalEvent == nil)
    }

    /// While a model loads, generations of one label wait. A withdrawn one leaves the label to the next older one.
    @Test(arguments: [[0, 1, 2], [0, 2, 1], [2, 1, 0]], [true, false])
    func generationsThatWaitHaveTheirLabelInTheOrderOfTheirBeginnings(order: [Int], hasCurrent: Bool) throws {
        let bench = Bench()
        let old = hasCurrent ? try bench.run() : nil
        let waiting = try (0..<3).map { _ in try bench.begin() }
        for index in order { bench.registry.publishID(of: waiting[index]) }
        #expect(bench.labelled() === waiting[2])
        bench.engine.fail(waiting[2].handle, Self.refusal)
        #expect(bench.labelled() === waiting[1])
        bench.engine.fail(waiting[0].handle, Self.refusal)
        #expect(bench.labelled() === waiting[1])
        bench.engine.fail(waiting[1].handle, Self.refusal)
        #expect(bench.labelled() === old)
    }

    @Test func anAdmittedGenerationLeavesTheLabelToNewerOnesThatWait() throws {
        let bench = Bench()
        let (first, second) = (try bench.begin(), try bench.begin())
        for generation in [first, second] { bench.registry.publishID(of: generation) }
        bench.admit(first)
        #expect(bench.labelled() === second)
        bench.engine.fail(second.handle, Self.refusal)
        #expect(bench.labelled() === first && bench.engine.cancelled.isEmpty)
    }

    @Test func responsesThatDoNotStreamGetNoLabel() throws {
        let bench = Bench()
        let old = try bench.run()
        let whole = try bench.begin(streams: false)
        bench.admit(whole)
        let plain = try bench.begin(lifetime: .plain)
        bench.admit(plain)
        #expect(bench.labelled() === old)
        #expect(bench.find(whole) === whole)
        #expect(bench.find(plain) == nil)
        #expect(bench.engine.cancelled.isEmpty)
    }

    @Test func anOlderOneThatComesLateIsTheOneToGo() throws {
        let bench = Bench()
        let (first, second) = (try bench.begin(), try bench.begin())
        bench.admit(second)
        bench.admit(first)
        #expect(bench.labelled() === second)
        #expect(bench.engine.cancelled == [first.handle])
    }

    /// A generation that was cancelled before its admission moved the label and left the older one running beside the next.
    @Test func theEndOfAWaitingGenerationStopsTheOlderOne() throws {
        let bench = Bench()
        let old = try bench.run()
        let stopped = try bench.begin()
        bench.registry.publishID(of: stopped)
        bench.engine.finish(stopped.handle)
        #expect(bench.labelled() === stopped && bench.engine.cancelled == [old.handle])
        let new = try bench.run()
        #expect(bench.registry.runningByLabel.values.map { $0.map(\.handle) } == [[new.handle]])
    }

    @Test func theEndOfAnOlderWaitingGenerationLeavesTheNewerOne() throws {
        let bench = Bench()
        let (waiting, new) = (try bench.begin(), try bench.run())
        bench.registry.publishID(of: waiting)
        bench.engine.finish(waiting.handle)
        #expect(bench.labelled() === new && bench.engine.cancelled.isEmpty && new.log.terminalEvent == nil)
    }

    @Test func anotherOwnersIsAsIfItWereNot() throws {
        let bench = Bench()
        let own = try bench.run()
        #expect(bench.labelled("c", Self.bob) == nil)
        #expect(bench.find(own, Self.bob) == nil)
        #expect(bench.registry.generations(of: Self.bob).isEmpty)
        let other = try bench.run(Self.bob)
        #expect(bench.labelled() === own)
        #expect(bench.labelled("c", Self.bob) === other)
        #expect(bench.engine.cancelled.isEmpty)
    }

    @Test func deletingALabelStopsAllOfItAndReturnsAfterwards() async throws {
        let bench = Bench()
        let old = try bench.run()
        let new = try bench.begin()
        bench.registry.publishID(of: new)
        #expect(try await bench.registry.delete(labelled: "c", of: Self.bob) == nil)
        #expect(bench.engine.cancelled.isEmpty)
        #expect(try await bench.registry.delete(labelled: "c", of: Self.alice) == .stopped)
        #expect(old.log.terminalEvent == .finished(.cancelled))
        #expect(new.log.terminalEvent == .finished(.cancelled))
        #expect(bench.labelled() === new, "its tail can be read")
        #expect(bench.engine.cancelled.count == 2)
    }

    @Test func allEndedGenerationsOfALabelAreDeleted() async throws {
        let bench = Bench()
        let recorder = KeepingRecorder()
        bench.registry.record(with: recorder)
        let old = try bench.run()
        let foreign = try bench.run(Self.bob)
        let other = try bench.run(Self.alice, "d")
        let new = try bench.run()
        for generation in [new, foreign, other] { bench.engine.finish(generation.handle) }
        #expect(try await bench.registry.delete(labelled: "c", of: Self.alice) == .removed)
        #expect(recorder.erased == [old, new].map(\.spec.head.id))
        #expect(bench.labelled() == nil && bench.find(old) == nil && bench.find(new) == nil)
        #expect(bench.registry.generations(labelledLike: "c", of: Self.alice).isEmpty)
        #expect(bench.labelled("c", Self.bob) === foreign)
        #expect(bench.labelled("d") === other)
        #expect(try await bench.registry.delete(labelled: "c", of: Self.alice) == nil)
        #expect(bench.registry.state.withLock { $0.totalUsage.retained } == 2)
    }

    @Test func deletingStopsFirstAndRemovesThen() async throws {
        let bench = Bench()
        let recorder = KeepingRecorder()
        bench.registry.record(with: recorder)
        let generation = try bench.run()
        #expect(try await bench.registry.delete(generation) == .stopped)
        #expect(bench.find(generation) === generation)
        #expect(recorder.erased.count == 1, "no later process goes on with it")
        #expect(try await bench.registry.delete(generation) == .removed)
        #expect(bench.find(generation) == nil)
        // A second request may come when the first has just removed the generation.
        #expect(try await bench.registry.delete(generation) == .removed)
        #expect(bench.registry.state.withLock { $0.totalUsage.isEmpty && $0.usage.isEmpty })
    }

    @Test func generationsWhoseJournalStaysAreRetainedInMemory() async throws {
        let bench = Bench()
        let recorder = KeepingRecorder()
        bench.registry.record(with: recorder)
        let generation = try bench.run()
        bench.engine.finish(generation.handle)
        recorder.refusesToErase(true)
        await #expect(throws: JournalError.self) { try await bench.registry.delete(generation) }
        #expect(bench.find(generation) === generation)
        recorder.refusesToErase(false)
        #expect(try await bench.registry.delete(generation) == .removed)
    }

    @Test func labelsAreFoundWithWhatFollowsTwoColons() throws {
        let bench = Bench()
        let plain = try bench.run(Self.alice, "c")
        let suffixed = try bench.run(Self.alice, "c::model")
        _ = try bench.run(Self.alice, "cc::model")
        _ = try bench.run(Self.bob, "c::model")
        let found = bench.registry.generations(labelledLike: "c", of: Self.alice)
        #expect(Set(found.map(\.handle)) == [plain.handle, suffixed.handle])
    }

    @Test func endedOnesStayForTheirTime() throws {
        let bench = Bench()
        let generation = try bench.run()
        bench.advance(by: 10_000)
        bench.engine.finish(generation.handle)
        bench.advance(by: 3_599)
        #expect(bench.labelled() === generation)
        #expect(bench.registry.status(of: generation).finished == 11_000)
        bench.advance(by: 1)
        #expect(bench.labelled() == nil)
        #expect(bench.find(generation) == nil)
        #expect(bench.registry.state.withLock { $0.totalUsage.isEmpty && $0.usage.isEmpty })
    }

    @Test func theOldestGoFirstWhenThereAreTooMany() throws {
        var quota = GenerationQuota()
        quota.retained = 3
        quota.retainedPerOwner = 2
        let bench = Bench(quota)
        let generations = try (0..<5).map { try bench.run($0 < 4 ? Self.alice : Self.bob, "\($0)") }
        for index in [1, 0, 3, 2, 4] { bench.engine.finish(generations[index].handle) }
        let found = (0..<5).filter { bench.find(generations[$0], $0 < 4 ? Self.alice : Self.bob) != nil }
        #expect(found == [2, 3, 4])
        let one = try bench.run(Self.bob, "5")
        bench.engine.finish(one.handle)
        #expect((0..<5).filter { bench.find(generations[$0], $0 < 4 ? Self.alice : Self.bob) != nil } == [2, 4])
    }

    @Test func bytesMakeEndedOnesGoAndThenRefuseNewOnes() throws {
        var quota = GenerationQuota()
        quota.bytes = 10_000
        quota.bytesPerOwner = 6_000
        let bench = Bench(quota)
        let text = String(repeating: "x", count: 3_500)
        let ended = try bench.run(Self.alice, "0", text: text)
        bench.engine.finish(ended.handle)
        #expect(bench.find(ended) === ended)
        let running = try bench.run(Self.alice, "1", text: text)
        #expect(bench.find(ended) == nil, "what runs comes before what has ended")
        bench.engine.step([running.handle], text: text)
        #expect(throws: GenerationQuota.Excess.bytesPerOwner(limit: 6_000)) { try bench.begin() }
        _ = try bench.begin(lifetime: .plain)
        let other = try bench.run(Self.bob, "1", text: text)
        let third = Owner(rawValue: "carol")
        #expect(throws: GenerationQuota.Excess.bytes(limit: 10_000)) { try bench.begin(third) }
        bench.engine.finish(other.handle)
        _ = try bench.begin(third)
        #expect(bench.find(other, Self.bob) == nil)
    }

    @Test func aHandedOverGenerationChangesNoMore() throws {
        let bench = Bench()
        bench.registry.record(with: IgnoringRecorder())
        let generation = try bench.run()
        let plain = try bench.begin(lifetime: .plain)
        let error = EngineError(.shuttingDown, "bye")
        bench.registry.handOver(error)
        bench.engine.step([generation.handle], text: "late")
        #expect(generation.log.events == [.admitted(promptTokens: 1), .handedOver])
        #expect(plain.log.events == [.failed(error)])
        #expect(Set(bench.engine.cancelled) == [generation.handle, plain.handle])
        #expect(bench.registry.liveCount == 0)
    }

    @Test func withoutARecorderNothingIsHandedOver() throws {
        let bench = Bench()
        let generation = try bench.run()
        let error = EngineError(.shuttingDown, "bye")
        bench.registry.handOver(error)
        #expect(generation.log.terminalEvent == .failed(error))
    }

    /// The recorded inputs make the same generation again.
    @Test func recordedGenerationsAreRestoredAndContinue() throws {
        let bench = Bench()
        let recorder = KeepingRecorder()
        bench.registry.record(with: recorder)
        let generation = try bench.run(text: "a")
        bench.registry.apply([(generation.handle, .ping)])
        bench.engine.step([generation.handle], text: "b")
        bench.registry.handOver(EngineError(.shuttingDown, "bye"))

        let next = Bench()
        let restored = try #require(
            next.registry.restore(
                generation.spec, inputs: recorder.inputs.map { (choice: 0, input: $0) }, parser: nil))
        #expect(restored.log.events == generation.log.events)
        #expect(next.labelled() === restored)
        next.registry.submit(
            GenerationRequest(handle: restored.handle, prompt: Prompt(pieces: [], addsBeginning: false)))
        next.admit(restored)
        next.engine.step([restored.handle], text: "c")
        next.engine.finish(restored.handle)
        #expect(
            restored.log.events == [
                .admitted(promptTokens: 1), .token(1, "a"), .ping, .token(1, "b"), .handedOver, .token(1, "c"),
                .finished(),
            ])
    }
}

private struct IgnoringRecorder: GenerationRecorder {
    func begin(_ generation: Generation) {}
    func submit(_ request: GenerationRequest, parser: [UInt8], of generation: Generation) {}
    func append(_ input: GenerationInput, of generation: Generation, finished: Int64?) {}
    func requestCommit(of generation: Generation) {}
    func remove(_ generation: Generation) {}
    func erase(_ generation: Generation) async throws(JournalError) {}
}

private final class KeepingRecorder: GenerationRecorder {
    private let recorded = Mutex<[GenerationInput]>([])
    private let erasures = Mutex<(ids: [String], isRefused: Bool)>(([], false))
    var inputs: [GenerationInput] { recorded.withLock { $0 } }
    var erased: [String] { erasures.withLock { $0.ids } }

    func refusesToErase(_ isRefused: Bool) { erasures.withLock { $0.isRefused = isRefused } }

    func begin(_ generation: Generation) {}
    func submit(_ request: GenerationRequest, parser: [UInt8], of generation: Generation) {}
    func append(_ input: GenerationInput, of generation: Generation, finished: Int64?) {
        recorded.withLock { $0.append(input) }
    }
    func requestCommit(of generation: Generation) {}
    func remove(_ generation: Generation) {}
    func erase(_ generation: Generation) async throws(JournalError) {
        let isRefused = erasures.withLock { erasures in
            if !erasures.isRefused { erasures.ids.append(generation.spec.head.id) }
            return erasures.isRefused
        }
        if isRefused { throw JournalError("remove", "x", FileError(code: 5)) }
    }
}
