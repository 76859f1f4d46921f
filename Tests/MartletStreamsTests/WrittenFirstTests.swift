import MartletProtocol
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import MartletStreams

/// What a server after a crash could not tell the same is shown when it is written, and not before.
@Suite struct WrittenFirstTests {
    let eventLoop = EmbeddedEventLoop()
    let loop: ReaderLoop
    let log = GenerationLog()
    let sink = RecordingSink()

    init() {
        loop = ReaderLoop(eventLoop: eventLoop)
        StreamReader(Rendition(of: log, as: NumberedView()), loop: loop) { _ in }.attach(to: sink)
    }

    private func append(_ events: LogEvent...) {
        for event in events { log.append(event) }
        eventLoop.letReadersRead()
    }

    private func show(_ count: Int) {
        log.show(upTo: count)
        eventLoop.letReadersRead()
    }

    private static let order = LogEvent.controlled(ControlRecord(.paused, token: 1))

    @Test func textWaitsForNothing() {
        log.setCaution(.orders)
        append(.token(1, "a"))
        #expect(sink.text == "0:a\n")
        #expect(log.takeQuestion() == nil)
    }

    @Test func textIsShownOnlySoFarAheadOfTheDisk() {
        log.setCaution(.orders)
        let reach = ShownRecords.reach
        for number in 0..<2 * reach { append(.token(Int32(number), "a")) }
        #expect(sink.text.split(separator: "\n").count == reach)
        #expect(log.takeQuestion() == 2 * reach)
        #expect(log.takeQuestion() == nil, "asked once")
        show(5)
        #expect(sink.text.split(separator: "\n").count == reach + 5)
        show(2 * reach)
        #expect(sink.text.split(separator: "\n").count == 2 * reach)
    }

    @Test func theJournalIsAskedBeforeReadersComeToAStand() {
        log.setCaution(.orders)
        for number in 0..<10 * ShownRecords.reach {
            append(.token(Int32(number), "a"))
            if let count = log.takeQuestion() { show(count) }
            #expect(sink.text.hasSuffix("\(number):a\n"))
        }
    }

    @Test(arguments: [
        LogEvent.admitted(promptTokens: 1), .started(cachedTokens: 0), .ping, .promptTokens([]), .finished(.cancelled),
        .finished(), .promptProgress(PromptProgress(total: 1, cached: 0, processed: 1, elapsed: .zero)), order,
        .failed(EngineError(.engineLost, "x")),
        .scoredText(.content, token: 1, bytes: [], TokenNotes(standing: Standing(slot: 0, timings: Timings()))),
    ]) func whatDoesNotComeBackByItselfIsWrittenFirst(event: LogEvent) {
        log.setCaution(.orders)
        append(.token(1, "a"), event)
        #expect(sink.text == "0:a\n")
        show(2)
        #expect(sink.text != "0:a\n")
    }

    @Test func anOrderAndWhatFollowsWaitUntilTheyAreWritten() {
        log.setCaution(.orders)
        append(.token(1, "a"), Self.order, .token(2, "b"))
        #expect(sink.text == "0:a\n")
        #expect(log.takeQuestion() == 3)
        show(1)
        #expect(sink.text == "0:a\n")
        show(2)
        #expect(sink.text == "0:a\n1:-\n2:b\n")
        append(.token(3, "c"))
        #expect(sink.text.hasSuffix("3:c\n"))
        append(Self.order)
        show(2)
        #expect(sink.text.hasSuffix("3:c\n"))
        show(5)
        #expect(sink.text.hasSuffix("3:c\n4:-\n"))
    }

    @Test func repliesToOrdersComeWhenTheyAreWrittenAndInTheirOrder() {
        let told = Mutex<[Int]>([])
        func tell(_ number: Int) {
            let ticket = ControlTicket()
            ticket.whenResolved { _ in told.withLock { $0.append(number) } }
            var wakeups = Wakeups()
            log.tell(.refused(.notPaused), to: ticket, &wakeups)
            wakeups.send()
        }
        log.setCaution(.orders)
        tell(0)
        #expect(told.withLock { $0 } == [0])
        append(Self.order)
        tell(1)
        append(.token(2, "b"))
        tell(2)
        #expect(told.withLock { $0 } == [0])
        show(1)
        #expect(told.withLock { $0 } == [0, 1, 2])
        tell(3)
        #expect(told.withLock { $0 } == [0, 1, 2, 3])
    }

    @Test func everythingOfSeveralChoicesWaits() {
        append(.token(1, "a"))
        log.setCaution(.everything)
        append(.token(2, "b"), .token(3, "c"), .ping)
        #expect(sink.text == "0:a\n")
        let late = RecordingSink()
        StreamReader(Rendition(of: log, as: NumberedView()), loop: loop) { _ in }.attach(to: late)
        eventLoop.letReadersRead()
        #expect(late.text == "0:a\n")
        show(2)
        #expect([sink.text, late.text] == ["0:a\n1:b\n", "0:a\n1:b\n"])
        append(.finished())
        show(5)
        #expect(sink.text == "0:a\n1:b\n2:c\n3:ping\n3:end\n")
        #expect(late.text == sink.text)
    }

    @Test func aDiskThatHangsHoldsUpNobodyForLong() {
        log.setCaution(.everything)
        append(.token(1, "a"))
        eventLoop.advanceTime(by: GenerationLog.patience - .milliseconds(20))
        #expect(sink.text.isEmpty)
        eventLoop.advanceTime(by: .milliseconds(40))
        #expect(sink.text == "0:a\n")
        // What is written in time does not count as late.
        append(.token(2, "b"))
        eventLoop.advanceTime(by: GenerationLog.patience - .milliseconds(20))
        show(2)
        append(.token(3, "c"))
        eventLoop.advanceTime(by: .milliseconds(40))
        #expect(sink.text == "0:a\n1:b\n")
        eventLoop.advanceTime(by: GenerationLog.patience)
        #expect(sink.text == "0:a\n1:b\n2:c\n")
    }

    @Test(arguments: [ShownRecords.Caution.orders, .everything])
    func theHandoverIsWrittenFirst(caution: ShownRecords.Caution) {
        log.setCaution(caution)
        append(.token(1, "a"))
        var wakeups = Wakeups()
        log.handOver(to: &wakeups)
        wakeups.send()
        eventLoop.letReadersRead()
        #expect(!sink.text.contains("1:"))
        #expect(log.takeQuestion() == 2)
        show(2)
        #expect(sink.text == "0:a\n1:-\n")
        #expect(sink.endCount == 1)
    }
}
