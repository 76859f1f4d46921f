import MartletProtocol
import MartletTestSupport
import NIOCore
import Testing

@testable import MartletStreams

@Suite struct ChoiceTests {
    private struct Silent: StreamOnlyView {
        func encode(_ event: LogEvent, number: Int, into bytes: inout [UInt8]) {}
    }

    private func bench(
        _ count: Int, lifetime: GenerationSpec.Lifetime = .plain, quota: GenerationQuota = GenerationQuota()
    ) throws -> (registry: GenerationRegistry, engine: FakeEngine, generation: Generation) {
        let registry = GenerationRegistry(quota: quota)
        let engine = FakeEngine(registry, script: .hold)
        registry.connect(to: engine)
        var spec = GenerationSpec(head: LogHead(created: 1, model: "m"), view: Silent())
        spec.lifetime = lifetime
        spec.choiceCount = count
        spec.choicesPerPrompt = count
        let generation = try registry.prepare(spec)
        for choice in 0..<count {
            registry.submit(
                GenerationRequest(
                    handle: generation.handle(ofChoice: choice), prompt: Prompt(pieces: [], addsBeginning: true)))
        }
        return (registry, engine, generation)
    }

    private func completion(_ predicted: Int) -> GenerationSummary {
        var timings = Timings()
        timings.promptTokens = 7
        timings.predictedTokens = predicted
        return GenerationSummary(reason: .tokenLimit, timings: timings)
    }

    private func send(_ engine: FakeEngine, _ generation: Generation, _ choice: Int, _ kinds: EngineEvent.Kind...) {
        engine.send(kinds.map { EngineEvent(generation.handle(ofChoice: choice), $0) })
    }

    @Test func choicesShareOneLogWithOneEnd() throws {
        let (registry, engine, generation) = try bench(2)
        #expect(registry.liveCount == 2)
        send(engine, generation, 0, .admitted(promptTokens: 7), .started(slot: 0, cachedTokens: 0))
        send(engine, generation, 1, .admitted(promptTokens: 7), .started(slot: 1, cachedTokens: 6))
        send(engine, generation, 1, .token(id: 5, text: [0x62]))
        send(engine, generation, 0, .token(id: 4, text: [0x61]), .finished(completion(1), text: []))
        #expect(generation.log.terminalEvent == nil)
        send(engine, generation, 1, .token(id: 6, text: [0x63]), .finished(completion(2), text: []))
        #expect(
            generation.log.events.dropLast() == [
                .admitted(promptTokens: 7), .started(cachedTokens: 0), .choice(1, .started(cachedTokens: 6)),
                .choice(1, .token(5, "b")), .token(4, "a"), .ended(completion(1)), .choice(1, .token(6, "c")),
                .choice(1, .ended(completion(2))),
            ])
        guard case .finished(let sum)? = generation.log.terminalEvent else {
            Issue.record("no end")
            return
        }
        #expect(sum.timings.promptTokens == 7)
        #expect(sum.timings.predictedTokens == 3)
        #expect(registry.liveCount == 0)
    }

    @Test func oneFailureEndsAllAndTheOthersAreCancelled() throws {
        let (registry, engine, generation) = try bench(3)
        send(engine, generation, 0, .admitted(promptTokens: 7))
        send(engine, generation, 1, .failed(EngineError(.generationFailed, "broken")))
        #expect(generation.log.terminalEvent == .failed(EngineError(.generationFailed, "broken")))
        #expect(registry.liveCount == 0)
        #expect(Set(engine.cancelled) == [generation.handle(ofChoice: 0), generation.handle(ofChoice: 2)])
    }

    @Test func aCancelReachesEveryChoice() throws {
        let (registry, engine, generation) = try bench(3)
        send(engine, generation, 1, .finished(completion(1), text: []))
        registry.cancel(generation.handle)
        #expect(Set(engine.cancelled) == [generation.handle(ofChoice: 0), generation.handle(ofChoice: 2)])
        guard case .finished(let sum)? = generation.log.terminalEvent else {
            Issue.record("no end")
            return
        }
        #expect(sum.reason == .cancelled)
        #expect(registry.liveCount == 0)
    }

    @Test func choicesCountForTheQuota() throws {
        #expect(throws: GenerationQuota.Excess.total(limit: 2)) { try bench(3, quota: GenerationQuota(total: 2)) }
        _ = try bench(2, quota: GenerationQuota(total: 2))
    }

    @Test func aRetainedGenerationIsReadAgainWhole() throws {
        let (registry, engine, generation) = try bench(2, lifetime: .resumable)
        send(engine, generation, 0, .admitted(promptTokens: 7), .token(id: 4, text: [0x61]))
        send(engine, generation, 0, .finished(completion(1), text: []))
        registry.apply([(generation.handle, .ping)])
        send(engine, generation, 1, .token(id: 5, text: [0x62]), .finished(completion(1), text: []))
        let events = generation.log.events
        #expect(events.contains(.ping))
        #expect(events.contains(.choice(1, .token(5, "b"))))
        var cursor = try #require(generation.log.cursor(behind: 1))
        var batch = LogBatch()
        _ = generation.log.copy(from: &cursor, limit: .max, into: &batch)
        var rest: [LogEvent] = []
        batch.forEach { event, _ in rest.append(event) }
        #expect(rest == Array(events.dropFirst(2)))
        #expect(registry.liveCount == 0)
    }
}
