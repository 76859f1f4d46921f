import MartletAPI
import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams
import NIOCore
import NIOEmbedded
import Testing

/// The streams of dialects whose bytes depend on earlier events: cut at every byte, read late, and read by several.
struct DialectStreamTests {
    private static let kinds: [CompletionKind] = [.messages, .responses]
    /// The dialects without a state, too.
    private static let allKinds = Dialect.all.map(\.kind)
    private let eventLoop = EmbeddedEventLoop()
    private let loop: ReaderLoop

    init() { loop = ReaderLoop(eventLoop: eventLoop) }

    private static func text(_ channel: MartletProtocol.OutputChannel, _ text: String) -> LogEvent {
        .text(channel, token: 1, bytes: Array(text.utf8)[...])
    }

    private static func arguments(_ call: Int, _ text: String) -> LogEvent {
        .arguments(call: call, token: 1, bytes: Array(text.utf8)[...])
    }

    private static let events: [LogEvent] = [
        .ping, .admitted(promptTokens: 9), .ping, .started(cachedTokens: 3), text(.reasoning, "a\"😀"),
        text(.reasoning, "b"), text(.content, "c"), .ping, .ping, text(.content, "d"), .call(0, name: "f"),
        arguments(0, "{\"a\""), arguments(0, ":1}"), text(.content, "\n"), .call(1, name: "g"), arguments(1, "{}"),
        .ping, .finished(GenerationSummary(reason: .endOfGeneration, timings: Timings())),
    ]

    private func view(_ kind: CompletionKind) throws -> any ResponseView {
        let options = try CompletionOptions(
            FieldReader(["stream": true]), defaults: CompletionDefaults(), randomSeed: 0)
        let dialect = Dialect.named(kind)
        let head = ResponseHead(
            id: dialect.idPrefix + "00112233445566778899aabbccddeeff", created: 1, model: "m", fingerprint: "b")
        return dialect.makeView(
            Dialect.Response(
                head: head, options: ResolvedOptions(options, echoes: false), prompts: kind.isChat ? [] : ["Hi"],
                body: ["input": "Hi", "model": "m"]))
    }

    private func log(_ events: [LogEvent] = events) -> GenerationLog {
        let log = GenerationLog(head: LogHead(created: 1, model: "m"))
        for event in events { log.append(event) }
        return log
    }

    /// The bytes that a new reader receives from a position on.
    private func read(_ stream: EncodedStream, from position: StreamPosition = StreamPosition()) -> [UInt8] {
        let sink = DialectSink()
        StreamReader(stream, from: position, loop: loop) { _ in }.attach(to: sink)
        eventLoop.advanceTime(by: .milliseconds(5))
        return sink.bytes
    }

    @Test(arguments: allKinds) func aStreamThatIsCutAnywhereContinuesThere(kind: CompletionKind) throws {
        let (log, view) = (log(), try view(kind))
        let whole = read(EncodedStream(of: log, as: view, countsBytes: true))
        let shared = EncodedStream(of: log, as: view, countsBytes: true)
        #expect(shared.byteCount() == whole.count)
        for cut in 0...whole.count {
            #expect(read(shared, from: shared.position(ofByte: cut)) == Array(whole[cut...]), "byte \(cut)")
            // A stream without an earlier reader, as after a restart.
            let fresh = EncodedStream(of: log, as: view, countsBytes: true)
            #expect(read(fresh, from: fresh.position(ofByte: cut)) == Array(whole[cut...]), "byte \(cut)")
        }
    }

    /// The bytes of a token beside its text: the names and ids that the dialect's clients need. `make bench` counts the
    /// allocations.
    @Test(arguments: allKinds) func aTokenHasFewBytesBesideItsText(kind: CompletionKind) throws {
        let view = try view(kind)
        func byteCount(_ texts: Int) -> Int {
            let events =
                [LogEvent.admitted(promptTokens: 9)] + Array(repeating: Self.text(.content, "text"), count: texts)
            return read(EncodedStream(of: log(events), as: view)).count
        }
        let each = (byteCount(1_001) - byteCount(1)) / 1_000 - "text".utf8.count
        let limit =
            switch kind {
            case .messages, .native: 120
            case .ollamaChat, .ollamaGenerate: 130
            case .chat, .text: 240
            case .responses: 260
            }
        #expect(each <= limit && each > 0, "\(each) bytes")
    }

    @Test(arguments: kinds) func aNumberedStreamContinuesBehindEveryIdentifier(kind: CompletionKind) throws {
        let (log, view) = (log(), NumberedEventView(try view(kind)))
        let whole = String(decoding: read(EncodedStream(of: log, as: view)), as: UTF8.self)
        let parts = whole.split(separator: "\n\n")
        var count = 0
        for (index, part) in parts.enumerated() where part.hasPrefix("id: ") {
            let identifier = try #require(EventIdentifier(part.dropFirst(4).prefix { $0 != "\n" }))
            let rest = parts[(index + 1)...].map { $0 + "\n\n" }.joined()
            for stream in [EncodedStream(of: log, as: view), EncodedStream(of: log, as: view)] {
                let position = try #require(stream.position(behind: identifier))
                // Pings have no number, so those behind the event come again.
                #expect(String(decoding: read(stream, from: position), as: UTF8.self) == rest, "behind \(identifier)")
            }
            count += 1
        }
        #expect(count > 15)
    }

    @Test(arguments: allKinds) func lateReadersAndSeveralReadersGetTheSameBytes(kind: CompletionKind) throws {
        let view = try view(kind)
        let whole = read(EncodedStream(of: log(), as: view))
        for step in [1, 2, 5, Self.events.count] {
            let log = log([])
            let stream = EncodedStream(of: log, as: view)
            var sinks: [(sink: DialectSink, skipped: Int)] = []
            for (index, event) in Self.events.enumerated() {
                if index.isMultiple(of: 4) {
                    let sink = DialectSink()
                    StreamReader(stream, loop: loop) { _ in }.attach(to: sink)
                    sinks.append((sink, 0))
                }
                log.append(event)
                if (index + 1).isMultiple(of: step) { eventLoop.advanceTime(by: .milliseconds(5)) }
            }
            eventLoop.advanceTime(by: .milliseconds(5))
            for (sink, _) in sinks { #expect(sink.bytes == whole) }
        }
    }

    @Test(arguments: kinds) func aReaderThatBeginsAtTheNewestEventContinuesTheFold(kind: CompletionKind) throws {
        let view = NumberedEventView(try view(kind))
        let whole = read(EncodedStream(of: log(), as: view))
        for start in Self.events.indices.dropLast() {
            let log = log(Array(Self.events[...start]))
            let stream = EncodedStream(of: log, as: view)
            // No reader has encoded the events before.
            guard let position = stream.position(behind: log.extent.nextNumber - 1) else { continue }
            let sink = DialectSink()
            StreamReader(stream, from: position, loop: loop) { _ in }.attach(to: sink)
            for event in Self.events[(start + 1)...] {
                log.append(event)
                eventLoop.advanceTime(by: .milliseconds(5))
            }
            #expect(whole.suffix(sink.bytes.count) == sink.bytes[...], "behind entry \(start)")
            #expect(!sink.bytes.isEmpty)
        }
    }
}

/// A sink that records the written bytes.
private final class DialectSink: StreamSink {
    let isWritable = true
    private(set) var bytes: [UInt8] = []

    func write(_ bytes: [UInt8]) { self.bytes += bytes }
    func readerEnded() {}
}
