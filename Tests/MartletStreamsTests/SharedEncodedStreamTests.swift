import MartletProtocol
import NIOEmbedded
import Testing

@testable import MartletStreams

/// Many readers of one stream.
@Suite struct SharedEncodedStreamTests {
    let eventLoop = EmbeddedEventLoop()
    let loop: ReaderLoop

    init() { loop = ReaderLoop(eventLoop: eventLoop) }

    @Test func aThousandViewersCostOneEncoding() {
        let log = GenerationLog()
        let encodedStream = EncodedStream(of: log, as: NumberedView())
        let sinks = (0..<1_000).map { _ in RecordingSink() }
        for sink in sinks { StreamReader(encodedStream, loop: loop) { _ in }.attach(to: sink) }
        for index in 0..<500 {
            log.append(.token(Int32(index), "t"))
            if index.isMultiple(of: 3) { eventLoop.letReadersRead() }
        }
        log.append(.finished())
        eventLoop.letReadersRead()
        #expect(sinks.allSatisfy { $0.text == sinks[0].text })
        #expect(encodedStream.encodedCount <= log.extent.count * 2, "\(encodedStream.encodedCount)")
        #expect(loop.openCount == 0)
    }

    @Test func aStalledReaderGetsEverythingAndDelaysNoOther() {
        let log = GenerationLog()
        let encodedStream = EncodedStream(of: log, as: NumberedView())
        let (fast, slow, late) = (RecordingSink(), RecordingSink(), RecordingSink())
        let slowReader = StreamReader(encodedStream, loop: loop) { _ in }
        StreamReader(encodedStream, loop: loop) { _ in }.attach(to: fast)
        slowReader.attach(to: slow)
        for index in 0..<4_000 {
            if index == 100 { slow.isWritable = false }
            if index == 3_000 { StreamReader(encodedStream, loop: loop) { _ in }.attach(to: late) }
            log.append(.token(Int32(index), "token"))
            eventLoop.letReadersRead()
        }
        let count = fast.writes.count
        #expect(count == 4_000)
        slow.isWritable = true
        slowReader.pump()
        log.append(.finished())
        eventLoop.letReadersRead()
        #expect(slow.text == fast.text)
        #expect(late.text == fast.text)
    }

    @Test func aHandoverIsTheLastEventOfAReaderAndTheByteCountStays() {
        let log = GenerationLog()
        let encodedStream = EncodedStream(of: log, as: FarewellView())
        let sink = RecordingSink()
        StreamReader(encodedStream, loop: loop) { _ in }.attach(to: sink)
        log.append(.token(1, "a"))
        var wakeups = Wakeups()
        log.handOver(to: &wakeups)
        wakeups.send()
        eventLoop.letReadersRead()
        #expect(sink.text == "abye")
        #expect(loop.openCount == 0)
        // The next process restores the same log.
        let next = GenerationLog()
        next.append(.token(1, "a"), .handedOver, .token(2, "b"), .finished())
        let again = RecordingSink()
        StreamReader(EncodedStream(of: next, as: FarewellView()), loop: loop) { _ in }.attach(to: again)
        #expect(again.text == "a...b")
    }
}

private struct FarewellView: StreamOnlyView {
    func encode(_ event: LogEvent, number: Int, into bytes: inout [UInt8]) {
        switch event {
        case .text(_, _, let text): bytes += text
        case .handedOver: bytes += Array("...".utf8)
        default: break
        }
    }

    func encodeHandover(number: Int, into bytes: inout [UInt8]) { bytes += Array("bye".utf8) }
}
