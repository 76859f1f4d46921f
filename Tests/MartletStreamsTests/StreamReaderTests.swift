import MartletProtocol
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import MartletStreams

/// All tests run on an embedded event loop: the test moves the time and lets woken readers run.
@Suite struct StreamReaderTests {
    let eventLoop = EmbeddedEventLoop()
    let loop: ReaderLoop
    let sink = RecordingSink()

    init() { loop = ReaderLoop(eventLoop: eventLoop) }

    private func reader(
        of log: GenerationLog, ended: @escaping @Sendable (StreamReader.End) -> Void = { _ in }
    ) -> StreamReader {
        StreamReader(EncodedStream(of: log, as: NumberedView()), loop: loop, ended: ended)
    }

    @Test func existingEventsAreWrittenAtOnceAndLaterEventsWhenTheyCome() {
        let log = GenerationLog()
        log.append(.token(1, "a"), .token(2, "b"))
        reader(of: log).attach(to: sink)
        #expect(sink.writes == ["0:a\n1:b\n"])
        log.append(.token(3, "c"), .token(4, "d"))
        #expect(sink.writes.count == 1)
        eventLoop.letReadersRead()
        #expect(sink.writes == ["0:a\n1:b\n", "2:c\n3:d\n"])
    }

    /// Executed tasks run before an event loop polls its sockets, so many readers must not be executed at once.
    @Test func manyReadersReadInBatchesAndNoneIsSkipped() {
        let log = GenerationLog()
        let encodedStream = EncodedStream(of: log, as: NumberedView())
        let sinks = (0..<100).map { _ in RecordingSink() }
        for sink in sinks { StreamReader(encodedStream, loop: loop) { _ in }.attach(to: sink) }
        log.append(.token(1, "a"))
        eventLoop.run()
        let first = sinks.count { !$0.writes.isEmpty }
        #expect((1..<sinks.count).contains(first))
        log.append(.token(2, "b"))
        eventLoop.letReadersRead()
        #expect(sinks.allSatisfy { $0.text == "0:a\n1:b\n" })
        #expect(loop.wakeCount == 1)
    }

    @Test func endsOnceAfterTheTerminalEvent() {
        let ends = Mutex<[StreamReader.End]>([])
        let log = GenerationLog()
        let reader = reader(of: log) { end in ends.withLock { $0.append(end) } }
        reader.attach(to: sink)
        log.append(.finished())
        eventLoop.letReadersRead()
        reader.detach()
        eventLoop.letReadersRead()
        #expect(ends.withLock { $0 } == [.complete])
        #expect(sink.text == "0:end\n")
        #expect(loop.openCount == 0)
    }

    @Test func aConnectionThatBreaksDuringTheLastWriteEndsTheReaderOnce() {
        let ends = Mutex<[StreamReader.End]>([])
        let log = GenerationLog()
        log.append(.token(1, "a"), .finished())
        let reader = reader(of: log) { end in ends.withLock { $0.append(end) } }
        sink.onWrite = { reader.detach() }
        reader.attach(to: sink)
        eventLoop.letReadersRead()
        #expect(ends.withLock { $0 } == [.detached])
        #expect(loop.openCount == 0)
    }

    @Test func aReaderThatIsNotWritableWritesNothingAndMissesNothing() {
        let log = GenerationLog()
        let reader = reader(of: log)
        reader.attach(to: sink)
        sink.isWritable = false
        for index in 0..<100 {
            log.append(.token(Int32(index), "x"))
            eventLoop.advanceTime(by: .seconds(1))
        }
        #expect(sink.writes.isEmpty)
        sink.isWritable = true
        reader.pump()
        #expect(sink.text == (0..<100).map { "\($0):x\n" }.joined())
        log.append(.finished())
        eventLoop.letReadersRead()
        #expect(sink.text.hasSuffix("99:x\n100:end\n"))
    }

    @Test func aDetachedReaderIsForgottenAndWritesNothing() {
        let log = GenerationLog()
        let reader = reader(of: log)
        reader.attach(to: sink)
        reader.detach()
        log.append(.token(1, "a"))
        eventLoop.advanceTime(by: .seconds(5))
        #expect(sink.writes.isEmpty)
        #expect(loop.openCount == 0)
    }

    @Test func replayHasTheBytesOfTheFirstTime() {
        let log = GenerationLog()
        let live = reader(of: log)
        live.attach(to: sink)
        for index in 0..<2_000 {
            log.append(.token(Int32(index), "t\(index)"))
            eventLoop.letReadersRead()
        }
        log.append(.finished())
        eventLoop.letReadersRead()
        #expect(sink.writes.count == 2_001)

        let replayed = RecordingSink()
        reader(of: log).attach(to: replayed)
        eventLoop.letReadersRead()
        #expect(replayed.text == sink.text)
        #expect(replayed.writes.count < 10)
    }
}
