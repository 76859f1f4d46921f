import MartletProtocol
import NIOEmbedded
import Testing

@testable import MartletStreams

/// Readers that have received events of an earlier process which are not in its journal.
@Suite struct AwaitedEventTests {
    private let eventLoop = EmbeddedEventLoop()
    private let loop: ReaderLoop
    private let sink = RecordingSink()
    private let log = GenerationLog()

    init() {
        loop = ReaderLoop(eventLoop: eventLoop)
        log.append(.token(1, "a"), .token(2, "b"))
    }

    private func attach(awaiting number: Int) {
        let encodedStream = EncodedStream(of: log, as: NumberedView())
        let position = encodedStream.position(awaiting: EventIdentifier(number: number))
        StreamReader(encodedStream, from: position, loop: loop) { _ in }.attach(to: sink)
    }

    private func append(_ events: LogEvent...) {
        for event in events { log.append(event) }
        eventLoop.letReadersRead()
    }

    @Test func noEventIsRepeatedOrSkipped() {
        attach(awaiting: 3)
        append(.token(3, "c"))
        append(.token(4, "d"))
        #expect(sink.text.isEmpty)
        append(.token(5, "e"))
        append(.finished())
        #expect(sink.text == "4:e\n5:end\n")
    }

    @Test func theAwaitedEventMayComeInTheMiddleOfMany() {
        attach(awaiting: 3)
        append(.token(3, "c"), .token(4, "d"), .token(5, "e"), .finished())
        #expect(sink.text == "4:e\n5:end\n")
    }

    @Test func anEventThatIsThereAlreadyIsFoundAtOnce() {
        attach(awaiting: 0)
        #expect(sink.text == "1:b\n")
        append(.token(3, "c"))
        #expect(sink.text == "1:b\n2:c\n")
    }

    @Test func theTerminalEventIsSentEvenIfTheAwaitedEventNeverComes() {
        attach(awaiting: 50)
        append(.token(3, "c"))
        append(.finished())
        #expect(sink.text == "3:end\n")
        #expect(loop.openCount == 0)
    }

    /// Records of the earlier process are lost, and the terminal event has the number of an event that a client has.
    @Test(arguments: [true, false]) func theTerminalEventMayHaveTheAwaitedNumber(isEnded: Bool) {
        if isEnded { append(.finished()) }
        attach(awaiting: 2)
        if !isEnded { append(.finished()) }
        #expect(sink.text == "2:end\n")
        #expect(loop.openCount == 0)
    }
}
