import Dispatch
import MartletObservability
import MartletProtocol
import MartletTestSupport
import Synchronization
import Testing

@testable import MartletStreams

/// Generations do not wait for each other, and each keeps the order of its own inputs.
@Suite(.timeLimit(.minutes(15))) struct LiveGenerationTests {
    private let registry = GenerationRegistry()
    private let engine: FakeEngine

    init() {
        engine = FakeEngine(registry, script: .hold)
        registry.connect(to: engine)
    }

    private func run(
        _ lifetime: GenerationSpec.Lifetime = .plain, choices: Int = 1, parser: (any OutputParsing)? = nil
    ) throws -> Generation {
        var spec = GenerationSpec(lifetime: lifetime)
        spec.choiceCount = choices
        let generation = try registry.prepare(spec)
        for handle in generation.handles { submit(handle, parser: parser) }
        return generation
    }

    private func submit(_ handle: GenerationHandle, parser: (any OutputParsing)? = nil) {
        registry.submit(
            GenerationRequest(handle: handle, prompt: Prompt(pieces: [], addsBeginning: false)), parser: parser)
    }

    private func token(_ generation: Generation, _ id: Int32, choice: Int = 0) -> EngineEvent {
        EngineEvent(generation.handle(ofChoice: choice), .token(id: id, text: ArraySlice("\(id) ".utf8)))
    }

    /// A restored generation is given up after three crashes, also when its first choice had ended before them.
    @Test func aGenerationWhoseFirstChoiceHasEndedCanFail() throws {
        let generation = try run(.resumable, choices: 3)
        registry.receive([
            EngineEvent(generation.handle, .admitted(promptTokens: 1)),
            EngineEvent(
                generation.handle,
                .finished(GenerationSummary(reason: .endOfGeneration, timings: Timings()), text: [])),
        ])
        #expect(generation.log.terminalEvent == nil)
        let error = EngineError(.engineLost, "The server died 3 times")
        registry.fail(generation.handle, error)
        #expect(generation.log.terminalEvent == .failed(error))
        #expect(registry.liveCount == 0)
        registry.fail(generation.handle, error)
        #expect(generation.log.events.count { $0.isTerminal } == 1)
    }

    @Test func aSlowParserDelaysItsOwnGenerationOnly() throws {
        let gate = Gate()
        let slow = try run(.resumable, parser: WaitingParser(gate: gate))
        let fast = try run()
        let isDelivered = DispatchSemaphore(value: 0)
        DispatchQueue.global().async { [registry, token = token(slow, 1)] in
            registry.receive([token])
            isDelivered.signal()
        }
        gate.hasBegun.wait()
        // Every call below returns while the parser of the other generation still waits.
        registry.receive([token(fast, 1), token(fast, 2)])
        #expect(fast.log.events == [.token(1, "1 "), .token(2, "2 ")])
        #expect(registry.status(of: slow).tokenCount == 0)
        #expect(registry.generations(of: .open).map(\.handle) == [slow.handle])
        let third = try run()
        engine.finish(third.handle)
        engine.finish(fast.handle)
        #expect(registry.liveCount == 1)
        #expect(slow.log.events.isEmpty)
        gate.mayEnd.signal()
        isDelivered.wait()
        #expect(slow.log.events == [.token(1, "1 ")])
    }

    @Test func generationsAreAppendedToConcurrentlyAndEachLogKeepsItsOrder() throws {
        let count = Int32(500)
        let recorder = OrderRecorder()
        registry.record(with: recorder)
        let generations = try (0..<8).map { _ in try run(.background) }
        let done = DispatchGroup()
        for generation in generations {
            DispatchQueue.global().async(group: done) { [registry] in
                let handle = generation.handle
                registry.receive([EngineEvent(handle, .admitted(promptTokens: 1))])
                for id in 1...count {
                    registry.receive([EngineEvent(handle, .token(id: id, text: ArraySlice("\(id) ".utf8)))])
                }
                let summary = GenerationSummary(reason: .endOfGeneration, timings: Timings())
                registry.receive([EngineEvent(handle, .finished(summary, text: []))])
            }
        }
        // Lookups, pings and cancellations of other threads.
        DispatchQueue.global().async(group: done) { [registry] in
            for _ in 1...200 {
                for generation in generations {
                    registry.ping(generation)
                    _ = registry.status(of: generation)
                }
                _ = registry.generations(of: .open)
                registry.sweep()
                _ = registry.metrics
            }
        }
        done.wait()
        for generation in generations {
            let events = generation.log.events.filter { $0 != .ping }
            #expect(events.count == Int(count) + 2)
            #expect(events[1...Int(count)].elementsEqual((1...count).map { .token($0, "\($0) ") }))
            #expect(events.last == .finished())
            #expect(recorder.events(of: generation) == generation.log.events)
            #expect(registry.status(of: generation).finished != nil)
        }
        #expect(registry.liveCount == 0)
        var text = PrometheusText()
        registry.metrics.write(to: &text)
        let gaps = generations.count * (Int(count) - 1)
        #expect(text.text.contains("martlet_inter_token_seconds_count{model=\"m\"} \(gaps)\n"))
        #expect(text.text.contains("martlet_time_to_first_token_seconds_count{model=\"m\"} \(generations.count)\n"))
        #expect(
            registry.state.withLock { $0.totalUsage.bytes }
                == generations.reduce(0) { $0 + $1.log.extent.byteCount })
    }

    @Test func bytesOfARunningGenerationAreCountedInSteps() throws {
        let generation = try run(.background)
        engine.step([generation.handle], text: "a")
        #expect(registry.state.withLock { $0.totalUsage.bytes } == 0)
        engine.step([generation.handle], text: String(repeating: "a", count: registry.byteCountStep))
        #expect(registry.state.withLock { $0.totalUsage.bytes } == generation.log.extent.byteCount)
        engine.step([generation.handle], text: "a")
        engine.finish(generation.handle)
        #expect(registry.state.withLock { $0.totalUsage.bytes } == generation.log.extent.byteCount)
    }

    @Test func aCancelledChoiceIsNotSubmittedAfterwards() throws {
        var spec = GenerationSpec()
        spec.choiceCount = 2
        let generation = try registry.prepare(spec)
        submit(generation.handle)
        registry.cancel(generation.handle)
        submit(generation.handle(ofChoice: 1))
        #expect(engine.requests.map(\.handle) == [generation.handle])
        #expect(generation.log.events.last == .finished(.cancelled))
    }

    @Test func queuePositionsCountEachWaitingChoiceOnce() throws {
        let first = try run(choices: 3)
        let last = try run()
        #expect(registry.status(of: last).queuePosition == 3)
        registry.receive([EngineEvent(first.handle, .started(slot: 0, cachedTokens: 0))])
        #expect(registry.status(of: last).queuePosition == 2)
        registry.receive([EngineEvent(first.handle, .failed(EngineError(.generationFailed, "x")))])
        #expect(registry.status(of: last).queuePosition == 0)
    }

    /// Progress only rises, and a choice leaves each state through the transitions that `design.md` draws.
    @Test func lifecyclesFollowTheirTransitions() {
        var lifecycle = Lifecycle.waiting(.new)
        var cancellations = [lifecycle.cancel()]
        let begins = [lifecycle.beginSubmission(), lifecycle.beginSubmission()]
        let admissions = [lifecycle.advance(to: .admitted), lifecycle.advance(to: .admitted)]
        cancellations.append(lifecycle.cancel())
        #expect(!lifecycle.isSubmitted)
        let isCancelled = lifecycle.endSubmission()
        #expect(isCancelled && lifecycle.isSubmitted)
        #expect(lifecycle.progress == .admitted && lifecycle.isQueued)
        cancellations.append(lifecycle.cancel())
        let isStarted = lifecycle.advance(to: .started)
        #expect(isStarted && !lifecycle.isQueued)
        lifecycle.complete(with: GenerationSummary(reason: .endOfGeneration, timings: Timings()))
        #expect(lifecycle.completion != nil && lifecycle.progress == .started)
        cancellations.append(lifecycle.cancel())
        lifecycle = .over
        lifecycle.complete(with: GenerationSummary(reason: .endOfGeneration, timings: Timings()))
        #expect(lifecycle.isOver && lifecycle.completion == nil && lifecycle.progress == nil)
        #expect(begins == [true, false])
        #expect(admissions == [true, false])
        #expect(cancellations == [.endsHere, .needsNothing, .needsEngine, .needsNothing])
    }
}

/// Lets a test know that a parser runs, and lets the parser return.
private final class Gate: Sendable {
    let hasBegun = DispatchSemaphore(value: 0)
    let mayEnd = DispatchSemaphore(value: 0)
}

/// A parser that returns when the test says so.
private struct WaitingParser: OutputParsing {
    let gate: Gate

    mutating func append(_ bytes: ArraySlice<UInt8>, emit: (OutputPiece) -> Void) {
        gate.hasBegun.signal()
        gate.mayEnd.wait()
        emit(.text(.content, bytes))
    }

    mutating func finish(emit: (OutputPiece) -> Void) {}
}

/// Makes a second log from the inputs in the order in which they were recorded.
private final class OrderRecorder: GenerationRecorder {
    private let inputs = Mutex<[GenerationHandle: [GenerationInput]]>([:])

    func events(of generation: Generation) -> [LogEvent] {
        inputs.withLock { $0[generation.handle] ?? [] }.compactMap { input in
            switch input {
            case .ping: return .ping
            case .engine(let event):
                switch event.kind {
                case .admitted(let promptTokens): return .admitted(promptTokens: promptTokens)
                case .token(let id, let text): return .text(.content, token: id, bytes: text)
                case .finished(let summary, _): return .finished(summary)
                default: return nil
                }
            default: return nil
            }
        }
    }

    func begin(_ generation: Generation) {}
    func submit(_ request: GenerationRequest, parser: [UInt8], of generation: Generation) {}
    func append(_ input: GenerationInput, of generation: Generation, finished: Int64?) {
        inputs.withLock { $0[generation.handle, default: []].append(input) }
    }
    func requestCommit(of generation: Generation) {}
    func remove(_ generation: Generation) {}
    func erase(_ generation: Generation) async throws(JournalError) {}
}
