import MartletProtocol
import MartletTestSupport
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import MartletStreams

/// Events that a server after a crash could not reproduce become visible when they are durable, and not before.
@Suite struct CommitIndexTests {
    let eventLoop = EmbeddedEventLoop()
    let loop: ReaderLoop
    let log = GenerationLog()
    let sink = RecordingSink()

    init() {
        loop = ReaderLoop(eventLoop: eventLoop)
        StreamReader(EncodedStream(of: log, as: NumberedView()), loop: loop) { _ in }.attach(to: sink)
    }

    private func append(_ events: LogEvent...) {
        for event in events { log.append(event) }
        eventLoop.letReadersRead()
    }

    private func commit(_ count: Int) {
        log.commit(upTo: count)
        eventLoop.letReadersRead()
    }

    private static let command = LogEvent.controlled(LoggedCommand(.paused, token: 1))

    @Test func textWaitsForNothing() {
        log.setCommitPolicy(.textAhead)
        append(.token(1, "a"))
        #expect(sink.text == "0:a\n")
        #expect(log.consumeCommitRequest() == nil)
    }

    @Test func textIsVisibleOnlySoFarAheadOfTheDisk() {
        log.setCommitPolicy(.textAhead)
        let reach = CommitIndex.maximumLead
        for number in 0..<2 * reach { append(.token(Int32(number), "a")) }
        #expect(sink.text.split(separator: "\n").count == reach)
        #expect(log.consumeCommitRequest() == 2 * reach)
        #expect(log.consumeCommitRequest() == nil, "asked once")
        commit(5)
        #expect(sink.text.split(separator: "\n").count == reach + 5)
        commit(2 * reach)
        #expect(sink.text.split(separator: "\n").count == 2 * reach)
    }

    @Test func onlyAHeldEndWaitsForItsRelease() async {
        log.holdEnd()
        append(.admitted(promptTokens: 1), .token(1, "a"), .ping)
        let before = sink.text
        #expect(before.contains("1:a\n"))
        append(.finished())
        #expect(sink.text == before)
        #expect(log.terminalEvent != nil && log.consumeCommitRequest() == nil)
        let waiting = Task { [log] in await log.waitForVisibleEnd() }
        log.releaseEnd()
        eventLoop.letReadersRead()
        #expect(sink.text != before)
        await waiting.value
    }

    @Test func aHeldEndIsVisibleWhenNoReleaseComes() {
        log.holdEnd()
        append(.token(1, "a"), .finished())
        #expect(sink.text == "0:a\n")
        eventLoop.advanceTime(by: GenerationLog.commitTimeout)
        eventLoop.letReadersRead()
        #expect(sink.text != "0:a\n")
    }

    @Test func aLogWithAJournalHoldsNothingMore() {
        log.setCommitPolicy(.textAhead)
        log.holdEnd()
        append(.token(1, "a"), .finished())
        log.releaseEnd()
        #expect(sink.text == "0:a\n")
        commit(2)
        #expect(sink.text != "0:a\n")
    }

    @Test func theJournalIsNotifiedBeforeReadersStall() {
        log.setCommitPolicy(.textAhead)
        for number in 0..<10 * CommitIndex.maximumLead {
            append(.token(Int32(number), "a"))
            if let count = log.consumeCommitRequest() { commit(count) }
            #expect(sink.text.hasSuffix("\(number):a\n"))
        }
    }

    @Test(arguments: [
        LogEvent.admitted(promptTokens: 1), .started(cachedTokens: 0), .ping, .promptTokens([]), .finished(.cancelled),
        .finished(), .promptProgress(PromptProgress(total: 1, cached: 0, processed: 1, elapsed: .zero)), command,
        .failed(EngineError(.engineLost, "x")),
        .detailedText(
            .content, token: 1, bytes: [], TokenDetails(tokenTimings: TokenTimings(slot: 0, timings: Timings()))),
    ]) func eventsThatAreNotReproducibleAreDurableFirst(event: LogEvent) {
        log.setCommitPolicy(.textAhead)
        append(.token(1, "a"), event)
        #expect(sink.text == "0:a\n")
        commit(2)
        #expect(sink.text != "0:a\n")
    }

    /// A server that dies before the end is durable continues the generation: then the text has another number.
    @Test(arguments: [true, false]) func withheldTextOfAForcedEndIsDurableFirst(isForced: Bool) throws {
        struct Parser: OutputParsing {
            var withheld: [UInt8] = []
            mutating func append(_ bytes: ArraySlice<UInt8>, emit: (OutputPiece) -> Void) { withheld += bytes }
            mutating func finish(emit: (OutputPiece) -> Void) { emit(.text(.content, withheld[...])) }
        }
        let registry = GenerationRegistry()
        let engine = FakeEngine(registry, script: .hold)
        registry.connect(to: engine)
        let generation = try registry.prepare(GenerationSpec(lifetime: .resumable))
        registry.submit(
            GenerationRequest(handle: generation.handle, prompt: Prompt(pieces: [], addsBeginning: false)),
            parser: Parser())
        generation.log.setCommitPolicy(.textAhead)
        func visibleCount() -> Int {
            var (cursor, batch) = (LogCursor(), LogBatch())
            _ = generation.log.copy(from: &cursor, limit: .max, into: &batch)
            return cursor.position
        }
        registry.receive([EngineEvent(generation.handle, .token(id: 1, text: [0x61]))])
        let reason: GenerationSummary.Reason = isForced ? .cancelled : .endOfGeneration
        let summary = GenerationSummary(reason: reason, timings: Timings())
        registry.receive([EngineEvent(generation.handle, .finished(summary, text: []))])
        #expect(generation.log.extent.count == 3, "the token, the withheld text and the end")
        #expect(visibleCount() == (isForced ? 1 : 2))
        generation.log.commit(upTo: 3)
        #expect(visibleCount() == 3)
    }

    @Test func aCommandAndLaterEventsWaitUntilTheyAreDurable() {
        log.setCommitPolicy(.textAhead)
        append(.token(1, "a"), Self.command, .token(2, "b"))
        #expect(sink.text == "0:a\n")
        #expect(log.consumeCommitRequest() == 3)
        commit(1)
        #expect(sink.text == "0:a\n")
        commit(2)
        #expect(sink.text == "0:a\n1:-\n2:b\n")
        append(.token(3, "c"))
        #expect(sink.text.hasSuffix("3:c\n"))
        append(Self.command)
        commit(2)
        #expect(sink.text.hasSuffix("3:c\n"))
        commit(5)
        #expect(sink.text.hasSuffix("3:c\n4:-\n"))
    }

    @Test func repliesToCommandsComeWhenTheyAreDurableAndInSequence() {
        let delivered = Mutex<[Int]>([])
        func deliver(_ number: Int) {
            let promise = CommandPromise()
            promise.whenResolved { _ in delivered.withLock { $0.append(number) } }
            var wakeups = Wakeups()
            log.deliver(.refused(.notPaused), to: promise, &wakeups)
            wakeups.send()
        }
        log.setCommitPolicy(.textAhead)
        deliver(0)
        #expect(delivered.withLock { $0 } == [0])
        append(Self.command)
        deliver(1)
        append(.token(2, "b"))
        deliver(2)
        #expect(delivered.withLock { $0 } == [0])
        commit(1)
        #expect(delivered.withLock { $0 } == [0, 1, 2])
        deliver(3)
        #expect(delivered.withLock { $0 } == [0, 1, 2, 3])
    }

    @Test func everythingOfSeveralChoicesWaits() {
        append(.token(1, "a"))
        log.setCommitPolicy(.durableOnly)
        append(.token(2, "b"), .token(3, "c"), .ping)
        #expect(sink.text == "0:a\n")
        let late = RecordingSink()
        StreamReader(EncodedStream(of: log, as: NumberedView()), loop: loop) { _ in }.attach(to: late)
        eventLoop.letReadersRead()
        #expect(late.text == "0:a\n")
        commit(2)
        #expect([sink.text, late.text] == ["0:a\n1:b\n", "0:a\n1:b\n"])
        append(.finished())
        commit(5)
        #expect(sink.text == "0:a\n1:b\n2:c\n3:ping\n3:end\n")
        #expect(late.text == sink.text)
    }

    @Test func aHangingDiskDelaysReadersOnlyUntilTheTimeout() {
        log.setCommitPolicy(.durableOnly)
        append(.token(1, "a"))
        eventLoop.advanceTime(by: GenerationLog.commitTimeout - .milliseconds(20))
        #expect(sink.text.isEmpty)
        eventLoop.advanceTime(by: .milliseconds(40))
        #expect(sink.text == "0:a\n")
        // Records that become durable in time are not made visible by the timeout.
        append(.token(2, "b"))
        eventLoop.advanceTime(by: GenerationLog.commitTimeout - .milliseconds(20))
        commit(2)
        append(.token(3, "c"))
        eventLoop.advanceTime(by: .milliseconds(40))
        #expect(sink.text == "0:a\n1:b\n")
        eventLoop.advanceTime(by: GenerationLog.commitTimeout)
        #expect(sink.text == "0:a\n1:b\n2:c\n")
    }

    @Test(arguments: [CommitIndex.Policy.textAhead, .durableOnly])
    func theHandoverIsDurableFirst(policy: CommitIndex.Policy) {
        log.setCommitPolicy(policy)
        append(.token(1, "a"))
        var wakeups = Wakeups()
        log.handOver(to: &wakeups)
        wakeups.send()
        eventLoop.letReadersRead()
        #expect(!sink.text.contains("1:"))
        #expect(log.consumeCommitRequest() == 2)
        commit(2)
        #expect(sink.text == "0:a\n1:-\n")
        #expect(sink.endCount == 1)
    }
}
