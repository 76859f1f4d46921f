import MartletProtocol
import Testing

@testable import MartletStreams

/// A client that reconnects after every lost connection and resumes at its position.
final class RestartReader {
    enum Kind: CaseIterable {
        /// By the id of the last received event.
        case events
        /// By the number of received bytes.
        case bytes
    }
    let kind: Kind
    /// The bytes that count as received.
    private(set) var seen: [UInt8] = []
    private var connection: (reader: StreamReader, sink: RecordingSink)?

    init(_ kind: Kind) { self.kind = kind }

    var isConnected: Bool { connection != nil }

    func connect(to bench: RestartBench) throws {
        let generation = bench.generation
        let encodedStream = kind == .bytes ? generation.response : generation.numberedResponse
        let position: StreamPosition
        switch (kind, events.last?.number) {
        case (.bytes, _): position = encodedStream.position(ofByte: seen.count)
        case (.events, nil): position = StreamPosition()
        case (.events, let last?):
            let identifier = EventIdentifier(number: last)
            let known = encodedStream.position(behind: identifier)
            #expect(known != nil || generation.isRestored, "out of range: \(last)")
            position = known ?? encodedStream.position(awaiting: identifier)
        }
        let sink = RecordingSink()
        let reader = StreamReader(encodedStream, from: position, loop: bench.loop) { _ in }
        connection = (reader, sink)
        reader.attach(to: sink)
    }

    /// Loses the connection, with the last `cut` bytes not received.
    func disconnect(cut: Int = 0) {
        guard let (reader, sink) = connection else { return }
        connection = nil
        reader.detach()
        let bytes = Array(sink.text.utf8).dropLast(cut)
        switch kind {
        case .bytes: seen += bytes
        case .events:
            // An incomplete part does not count as received.
            let text = String(decoding: bytes, as: UTF8.self)
            guard let end = text.ranges(of: "\n\n").last?.upperBound else { return }
            seen += Array(text[..<end].utf8)
        }
    }

    /// The received events, in their order.
    var events: [(number: Int, text: String)] { Self.events(in: seen) }

    static func events(in bytes: [UInt8]) -> [(number: Int, text: String)] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n\n").compactMap { part in
            guard part.hasPrefix("id: "), let line = part.firstIndex(of: "\n"),
                let number = Int(part[part.index(part.startIndex, offsetBy: 4)..<line])
            else { return nil }
            return (number, String(part[line...].dropFirst("\ndata: ".count)))
        }
    }
}
