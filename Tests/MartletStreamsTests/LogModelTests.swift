import MartletProtocol
import NIOEmbedded
import Testing

@testable import MartletStreams

/// The log and its encoded streams behave like an array of events, for random operations in random order.
@Suite struct LogModelTests {
    /// A generator with the same numbers for the same seed.
    struct SeededGenerator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var bits = state
            bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
            bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
            return bits ^ (bits >> 31)
        }
    }

    private static func event(_ random: inout SeededGenerator) -> LogEvent {
        let text = String(repeating: "x", count: .random(in: 0..<8, using: &random))
        let channel = MartletProtocol.OutputChannel.allCases.randomElement(using: &random) ?? .content
        switch Int.random(in: 0..<13, using: &random) {
        case 0: return .ping
        case 1: return .promptProgress(PromptProgress(total: 9, cached: 0, processed: 1, elapsed: .zero))
        case 2: return .handedOver
        case 3: return .detailedText(channel, token: 7, bytes: ArraySlice(text.utf8), [])
        case 4: return .text(channel, token: nil, bytes: ArraySlice(text.utf8))
        case 5: return .promptTokens([TokenProbabilities(textOffset: text.utf8.count)])
        default: return .token(.random(in: 0..<100, using: &random), text, channel)
        }
    }

    /// The events with the numbers that views receive.
    private static func numbered(_ events: [LogEvent]) -> [(LogEvent, Int)] {
        var number = 0
        return events.map { event in
            defer { if event != .ping { number += 1 } }
            return (event, number)
        }
    }

    @Test(arguments: 0..<10) func aLogIsItsEvents(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        let log = GenerationLog()
        var model: [LogEvent] = []
        var cursor = LogCursor()
        var batch = LogBatch()
        var read: [LogEvent] = []
        for step in 0..<Int.random(in: 1..<1_200, using: &random) {
            let event = Self.event(&random)
            log.append(event)
            model.append(event)
            guard step.isMultiple(of: .random(in: 1..<50, using: &random)) else { continue }
            _ = log.copy(from: &cursor, limit: .random(in: 0..<70, using: &random), into: &batch)
            batch.forEach { event, _ in read.append(event) }
            #expect(read.count == cursor.position)
        }
        #expect(read == Array(model[..<cursor.position]))
        log.append(.finished(), .token(1, "late"))
        model.append(.finished())
        #expect(log.events == model)
        #expect(log.extent.tokenCount == model.count { $0.isToken })

        let numbered = Self.numbered(model)
        let last = numbered[numbered.count - 1].1
        #expect(log.extent.nextNumber == last + 1)
        #expect(log.cursor(behind: last + 1) == nil)
        #expect(log.cursor(behind: -1) == nil)
        for _ in 0..<10 {
            let number = Int.random(in: 0...last, using: &random)
            guard var cursor = log.cursor(behind: number) else {
                Issue.record("no event \(number)")
                continue
            }
            var rest: [LogEvent] = []
            _ = log.copy(from: &cursor, limit: .max, into: &batch)
            batch.forEach { event, _ in rest.append(event) }
            let index = numbered.firstIndex { $0.1 == number && $0.0 != .ping } ?? 0
            #expect(rest == Array(model[(index + 1)...]))
        }
    }

    @Test(arguments: 0..<6) func everyByteOfAnEncodedStreamIsFound(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        let log = GenerationLog()
        for _ in 0..<Int.random(in: 1..<2_000, using: &random) { log.append(Self.event(&random)) }
        log.append(.finished())
        var whole: [UInt8] = []
        let view = NumberedEventView(BlockView())
        for (event, number) in Self.numbered(log.events) { view.encode(event, number: number, into: &whole) }

        let encodedStream = EncodedStream(of: log, as: view)
        let loop = ReaderLoop(eventLoop: EmbeddedEventLoop())
        func read(from position: StreamPosition) -> String {
            let sink = RecordingSink()
            StreamReader(encodedStream, from: position, loop: loop) { _ in }.attach(to: sink)
            (loop.eventLoop as? EmbeddedEventLoop)?.letReadersRead()
            return sink.text
        }
        let text = String(decoding: whole, as: UTF8.self)
        #expect(read(from: StreamPosition()) == text)
        #expect(encodedStream.byteCount() == whole.count)
        for _ in 0..<8 {
            let offset = Int.random(in: 0...whole.count, using: &random)
            #expect(
                read(from: encodedStream.position(ofByte: offset)) == String(decoding: whole[offset...], as: UTF8.self))
        }
        // A reader that has received a part of an event resumes behind that part and receives the rest.
        for id in text.split(separator: "\n").filter({ $0.hasPrefix("id: ") }).shuffled(using: &random).prefix(8) {
            guard let seen = EventIdentifier(id.dropFirst(4)), let line = text.firstRange(of: id + "\n") else {
                Issue.record("no place for \(id)")
                continue
            }
            let end = text[line.upperBound...].firstRange(of: "\n\n")?.upperBound ?? text.endIndex
            let position =
                seen.parts.map { encodedStream.position(behind: $0, partsOf: seen.number) }
                ?? encodedStream.position(behind: seen.number)
            #expect(position.map { read(from: $0) } == String(text[end...]), "\(id)")
        }
    }

    @Test(arguments: ["", "x", "1.", "1.0", "-1", "1.2.3", "+1", "1 ", "99999999999999999999"])
    func invalidIdentifiersAreRefused(text: String) {
        #expect(EventIdentifier(text) == nil)
    }
}

extension LogEvent {
    fileprivate var isToken: Bool {
        switch self {
        case .text(_, _?, _), .detailedText(_, _?, _, _): true
        default: false
        }
    }
}

/// A view with no part for some events, and one to three parts for the others.
private struct BlockView: StreamOnlyView {
    func encode(_ event: LogEvent, number: Int, into bytes: inout [UInt8]) {
        if event == .ping { return ServerSentEvents.appendPing(to: &bytes) }
        for part in 0..<(number % 4) { bytes += Array("data: \(number) \(part)\n\n".utf8) }
    }
}
