import MartletObservability
import MartletProtocol
import MartletTestSupport
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import MartletStreams

@Suite struct GenerationRegistryTests {
    let registry = GenerationRegistry()
    let engine: FakeEngine

    init() {
        engine = FakeEngine(registry, script: .hold)
        registry.connect(to: engine)
    }

    private func prepare() throws -> (handle: GenerationHandle, log: GenerationLog) {
        let generation = try registry.prepare(GenerationSpec())
        return (generation.handle, generation.log)
    }

    private func submit(_ handle: GenerationHandle, parser: (any OutputParsing)? = nil) {
        registry.submit(
            GenerationRequest(handle: handle, prompt: Prompt(pieces: [], addsBeginning: false)), parser: parser)
    }

    @Test func oneStepWakesEachEventLoopOnce() throws {
        let eventLoops = [EmbeddedEventLoop(), EmbeddedEventLoop()]
        let loops = eventLoops.map { ReaderLoop(eventLoop: $0) }
        var handles: [GenerationHandle] = []
        var sinks: [RecordingSink] = []
        for index in 0..<16 {
            let (handle, log) = try prepare()
            submit(handle)
            handles.append(handle)
            sinks.append(RecordingSink())
            StreamReader(EncodedStream(of: log, as: NumberedView()), loop: loops[index % 2]) { _ in }
                .attach(to: sinks[index])
        }
        engine.step(handles, text: "a")
        engine.step(handles, text: "b")
        #expect(loops.map(\.wakeCount) == [1, 1], "woken readers are not woken again before they have read")
        for eventLoop in eventLoops { eventLoop.letReadersRead() }
        #expect(sinks.allSatisfy { $0.writes == ["0:a\n1:b\n"] })
        engine.step(Array(handles.prefix(2)), text: "c")
        #expect(loops.map(\.wakeCount) == [2, 2])
    }

    @Test func cancelBeforeSubmissionNeverReachesTheEngine() throws {
        let (handle, log) = try prepare()
        registry.cancel(handle)
        submit(handle)
        #expect(engine.requests.isEmpty)
        #expect(log.events == [.finished(.cancelled)])
        #expect(registry.liveCount == 0)
    }

    @Test func cancelAfterSubmissionIsTheEngines() throws {
        let (handle, log) = try prepare()
        submit(handle)
        registry.cancel(handle)
        #expect(engine.cancelled == [handle])
        #expect(log.events == [.finished(.cancelled)])
        registry.cancel(handle)
        #expect(engine.cancelled == [handle])
    }

    @Test func cancelDuringSubmissionFollowsIt() throws {
        let (handle, _) = try prepare()
        engine.setScript(
            FakeEngine.Script { [registry] request in
                registry.cancel(request.handle)
                return []
            })
        submit(handle)
        #expect(engine.requests.count == 1)
        #expect(engine.cancelled == [handle])
    }

    @Test func closingEndsEveryGenerationOnceAndLaterOnesAtOnce() throws {
        let error = EngineError(.shuttingDown, "bye")
        let (queued, queuedLog) = try prepare()
        let (running, runningLog) = try prepare()
        submit(running)
        engine.step([running], text: "a")
        registry.close(error)
        engine.step([running, queued], text: "late")
        #expect(queuedLog.events == [.failed(error)])
        #expect(runningLog.events == [.token(1, "a"), .failed(error)])
        #expect(Set(engine.cancelled) == [queued, running])
        #expect(try prepare().log.events == [.failed(error)])
        #expect(registry.liveCount == 0)
    }

    @Test func splitTextKeepsOneTokenPerToken() throws {
        let (handle, log) = try prepare()
        submit(handle, parser: BarParser())
        engine.step([handle], token: 4, text: "a|b")
        engine.step([handle], token: 5, text: "")
        engine.step([handle], token: 6, text: "c")
        engine.finish(handle)
        #expect(
            log.events == [
                .token(4, "a", .reasoning), .text(.content, token: nil, bytes: ArraySlice("b".utf8)), .token(5, ""),
                .token(6, "c"), .text(.delimiter, token: nil, bytes: ArraySlice("end".utf8)), .finished(),
            ])
    }

    @Test func eventsOfUnknownGenerationsAreDropped() {
        engine.step([GenerationHandle(rawValue: 99)], text: "a")
        #expect(registry.liveCount == 0)
    }

    @Test func waitingForIdleEndsWithTheLastGeneration() async throws {
        let (handle, _) = try prepare()
        submit(handle)
        let loop = NIOAsyncTestingEventLoop()
        async let idle: Void = registry.waitUntilIdle(upTo: .hours(1), on: loop)
        engine.finish(handle)
        await idle
        #expect(registry.liveCount == 0)
    }

    @Test func theQuotaCountsWhatIsLive() throws {
        let registry = GenerationRegistry(quota: GenerationQuota(total: 3, perOwner: 2))
        let (a, b) = (Owner(rawValue: "a"), Owner(rawValue: "b"))
        let first = try registry.prepare(GenerationSpec(owner: a))
        _ = try registry.prepare(GenerationSpec(owner: a))
        #expect(throws: GenerationQuota.Excess.perOwner(limit: 2)) { try registry.prepare(GenerationSpec(owner: a)) }
        _ = try registry.prepare(GenerationSpec(owner: b))
        #expect(throws: GenerationQuota.Excess.total(limit: 3)) { try registry.prepare(GenerationSpec(owner: b)) }
        #expect(throws: GenerationQuota.Excess.total(limit: 3)) { try registry.prepare(GenerationSpec()) }
        registry.cancel(first.handle)
        registry.cancel(first.handle)
        _ = try registry.prepare(GenerationSpec(owner: a))
        #expect(throws: GenerationQuota.Excess.perOwner(limit: 2)) { try registry.prepare(GenerationSpec(owner: a)) }
        #expect(registry.liveCount == 3)
    }

    @Test func otherWorkCountsTowardsTheQuotaWhileItRuns() async throws {
        let registry = GenerationRegistry(quota: GenerationQuota(total: 2, perOwner: 1))
        let owner = Owner(rawValue: "a")
        struct Broken: Error {}
        await #expect(throws: Broken.self) {
            try await registry.withAdmission(of: owner) {
                #expect(throws: GenerationQuota.Excess.perOwner(limit: 1)) {
                    try registry.prepare(GenerationSpec(owner: owner))
                }
                _ = try registry.prepare(GenerationSpec())
                #expect(throws: GenerationQuota.Excess.total(limit: 2)) { try registry.prepare(GenerationSpec()) }
                throw Broken()
            }
        }
        _ = try registry.prepare(GenerationSpec(owner: owner))
        await #expect(throws: GenerationQuota.Excess.perOwner(limit: 1)) {
            try await registry.withAdmission(of: owner) {}
        }
    }

    @Test func timesAreMeasuredWhereEventsArrive() throws {
        let now = Mutex(NIODeadline.uptimeNanoseconds(0))
        let registry = GenerationRegistry(clock: { now.withLock { $0 } })
        let handle = try registry.prepare(GenerationSpec()).handle
        func receive(_ kind: EngineEvent.Kind, after time: TimeAmount) {
            now.withLock { $0 = $0 + time }
            registry.receive([EngineEvent(handle, kind)])
        }
        var timings = Timings()
        timings.promptTokens = 10
        timings.cachedTokens = 4
        timings.promptTime = .milliseconds(100)
        timings.predictedTokens = 3
        timings.predictedTime = .milliseconds(100)
        receive(.admitted(promptTokens: 10), after: .milliseconds(10))
        receive(.started(slot: 0, cachedTokens: 4), after: .milliseconds(10))
        receive(.token(id: 1, text: []), after: .milliseconds(180))
        receive(.token(id: 1, text: []), after: .milliseconds(5))
        receive(.token(id: 1, text: []), after: .milliseconds(3_000))
        receive(.finished(GenerationSummary(reason: .endOfGeneration, timings: timings), text: []), after: .seconds(1))
        receive(.token(id: 1, text: []), after: .seconds(1))
        var text = PrometheusText()
        registry.metrics.write(to: &text)
        for line in [
            #"martlet_queue_seconds_sum{model="m"} 0.02"#,
            #"martlet_time_to_first_token_seconds_sum{model="m"} 0.2"#,
            #"martlet_inter_token_seconds_bucket{model="m",le="0.0025"} 0"#,
            #"martlet_inter_token_seconds_bucket{model="m",le="0.005"} 1"#,
            #"martlet_inter_token_seconds_bucket{model="m",le="2.5"} 1"#,
            #"martlet_inter_token_seconds_bucket{model="m",le="+Inf"} 2"#,
            #"martlet_inter_token_seconds_count{model="m"} 2"#,
            #"martlet_prompt_tokens_per_second_sum{model="m"} 60"#,
            #"martlet_generation_tokens_per_second_sum{model="m"} 20"#,
            #"martlet_prompt_cached_ratio_sum{model="m"} 0.4"#,
        ] {
            #expect(text.text.contains(line + "\n"), "\(line)")
        }
    }
}

/// A parser: text before a bar is reasoning, text after it is content.
private struct BarParser: OutputParsing {
    var isBehindBar = false

    mutating func append(_ bytes: ArraySlice<UInt8>, emit: (OutputPiece) -> Void) {
        for part in bytes.split(separator: UInt8(ascii: "|")) {
            emit(.text(isBehindBar ? .content : .reasoning, part))
            isBehindBar = true
        }
    }

    mutating func finish(emit: (OutputPiece) -> Void) {
        emit(.text(.delimiter, ArraySlice("end".utf8)))
    }
}
