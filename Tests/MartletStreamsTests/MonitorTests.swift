import MartletProtocol
import MartletTestSupport
import NIOCore
import NIOEmbedded
import Testing

@testable import MartletStreams

/// Pings into silent streams, and the end of generations without readers. The test moves the time.
@Suite struct MonitorTests {
    let eventLoop = EmbeddedEventLoop()
    let loop: ReaderLoop
    let registry: GenerationRegistry
    let engine: FakeEngine
    let sink = RecordingSink()

    init() {
        let eventLoop = eventLoop
        loop = ReaderLoop(eventLoop: eventLoop)
        var retention = GenerationRegistry.Retention()
        retention.orphanTime = .seconds(100)
        registry = GenerationRegistry(
            retention: retention, clock: { [now = UncheckedNow(eventLoop)] in now.value }, calendar: { 0 })
        engine = FakeEngine(registry, script: .hold)
        registry.connect(to: engine)
    }

    /// An embedded event loop is used by one thread, here the test's.
    private struct UncheckedNow: @unchecked Sendable {
        private let eventLoop: EmbeddedEventLoop
        init(_ eventLoop: EmbeddedEventLoop) { self.eventLoop = eventLoop }
        var value: NIODeadline { eventLoop.now }
    }

    private func begin(
        pings: TimeAmount? = nil, _ lifetime: GenerationSpec.Lifetime = .plain
    ) throws -> Generation {
        var spec = GenerationSpec(lifetime: lifetime, view: PingedView())
        spec.pingInterval = pings
        let generation = try registry.prepare(spec)
        registry.monitor(generation, on: loop.wheel)
        return generation
    }

    private func read(_ generation: Generation, to sink: RecordingSink) {
        let lease = generation.acquireReaderLease(clock: registry.clock)
        StreamReader(generation.response, loop: loop) { _ in lease.release() }.attach(to: sink)
    }

    private func submit(_ generation: Generation) {
        registry.submit(
            GenerationRequest(handle: generation.handle, prompt: Prompt(pieces: [], addsBeginning: false)))
    }

    @Test func pingsComeFromAdmissionOnAndOnlyIntoSilence() throws {
        let generation = try begin(pings: .seconds(30))
        read(generation, to: sink)
        eventLoop.advanceTime(by: .seconds(29))
        #expect(sink.writes.isEmpty)
        eventLoop.advanceTime(by: .seconds(1))
        #expect(sink.writes == [":\n\n"])
        eventLoop.advanceTime(by: .seconds(20))
        submit(generation)
        engine.step([generation.handle], text: "a")
        eventLoop.advanceTime(by: .seconds(29))
        #expect(sink.writes == [":\n\n", "a"])
        eventLoop.advanceTime(by: .seconds(1))
        #expect(sink.writes == [":\n\n", "a", ":\n\n"])
    }

    /// The engine reports nothing at all, or only events that no client sees.
    @Test(arguments: [false, true]) func noGapExceedsTheIntervalByATenthInTwentyMinutes(isBusy: Bool) throws {
        let intervals = [1, 7, 30]
        let sinks = intervals.map { _ in RecordingSink() }
        let generations = try intervals.map { try begin(pings: .seconds(Int64($0)), .background) }
        for (generation, sink) in zip(generations, sinks) {
            read(generation, to: sink)
            submit(generation)
        }
        var lastCounts = intervals.map { _ in 0 }
        var gaps = intervals.map { _ in TimeAmount.zero }
        for step in 0..<(20 * 60 * 100) {
            eventLoop.advanceTime(by: .milliseconds(10))
            if isBusy, step.isMultiple(of: 20) { engine.step(generations.map(\.handle), text: "") }
            for index in intervals.indices {
                gaps[index] = gaps[index] + .milliseconds(10)
                #expect(gaps[index] <= .milliseconds(Int64(intervals[index]) * 1_100))
                if sinks[index].writes.count > lastCounts[index] { gaps[index] = .zero }
                lastCounts[index] = sinks[index].writes.count
            }
        }
        #expect(zip(intervals, lastCounts).allSatisfy { $1 >= 20 * 60 * 9 / (10 * $0) })
    }

    @Test func pingsArePartOfTheBytes() throws {
        let generation = try begin(pings: .seconds(1), .resumable)
        read(generation, to: sink)
        submit(generation)
        for index in 0..<10 {
            eventLoop.advanceTime(by: .seconds(Int64(index % 3)))
            engine.step([generation.handle], text: "\(index)")
        }
        engine.finish(generation.handle)
        eventLoop.letReadersRead()
        let late = RecordingSink()
        read(generation, to: late)
        eventLoop.letReadersRead()
        #expect(late.text == sink.text)
        #expect(late.text.contains(":\n\n"))
        #expect(generation.response.byteCount() == sink.text.utf8.count)
    }

    @Test func withoutPingsAndOrphansThereIsNoTimer() throws {
        let generation = try begin()
        read(generation, to: sink)
        #expect(loop.wheel.count == 0)
        eventLoop.advanceTime(by: .hours(1))
        #expect(sink.writes.isEmpty)
    }

    @Test func theTimerOfAnEndedGenerationGoes() throws {
        let generation = try begin(pings: .seconds(1))
        #expect(loop.wheel.count == 1)
        registry.cancel(generation.handle)
        eventLoop.advanceTime(by: .seconds(2))
        #expect(loop.wheel.count == 0)
        #expect(generation.log.events == [.finished(.cancelled)])
    }

    @Test func aGenerationWithoutReadersEndsWithAnError() throws {
        let generation = try begin(pings: .seconds(30), .resumable)
        submit(generation)
        let lease = generation.acquireReaderLease(clock: registry.clock)
        eventLoop.advanceTime(by: .seconds(1_000))
        #expect(registry.liveCount == 1)
        lease.release()
        lease.release()
        eventLoop.advanceTime(by: .seconds(99))
        #expect(registry.liveCount == 1)
        let second = generation.acquireReaderLease(clock: registry.clock)
        eventLoop.advanceTime(by: .seconds(500))
        second.release()
        eventLoop.advanceTime(by: .seconds(102))
        #expect(engine.cancelled == [generation.handle])
        guard case .failed(let error) = generation.log.terminalEvent else {
            Issue.record("it did not fail")
            return
        }
        #expect(error.code == .abandoned)
        #expect(error.message.contains("--orphan-timeout"))
        #expect(registry.generation(id: generation.spec.head.id, of: .open) === generation, "it is kept")
    }

    @Test func aBackgroundGenerationNeedsNoReader() throws {
        let generation = try begin(.background)
        eventLoop.advanceTime(by: .hours(24))
        #expect(registry.liveCount == 1)
        #expect(generation.log.events.isEmpty)
    }
}

/// Shows text and pings.
private struct PingedView: StreamOnlyView {
    func encode(_ event: LogEvent, number: Int, into bytes: inout [UInt8]) {
        switch event {
        case .text(_, _, let text): bytes += text
        case .ping: bytes += ServerSentEvents.ping
        default: break
        }
    }
}
