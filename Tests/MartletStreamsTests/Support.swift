package import MartletProtocol
package import MartletStreams
import NIOCore
import NIOEmbedded

extension LogEvent {
    static func token(_ id: Int32, _ text: String, _ channel: MartletProtocol.OutputChannel = .content) -> LogEvent {
        .text(channel, token: id, bytes: ArraySlice(text.utf8))
    }

    static func finished(_ reason: GenerationSummary.Reason = .endOfGeneration) -> LogEvent {
        .finished(GenerationSummary(reason: reason, timings: Timings()))
    }
}

extension GenerationLog {
    convenience init(textLimit: Int = .max) {
        self.init(head: LogHead(created: 0, model: "m"), maximumTextBytes: textLimit)
    }
}

extension GenerationSpec {
    init(
        id: String = LogHead.makeID(), owner: Owner = .open, lifetime: Lifetime = .plain, label: String? = nil,
        view: any ResponseView = NumberedView()
    ) {
        self.init(head: LogHead(id: id, created: 0, model: "m"), view: view)
        self.owner = owner
        self.lifetime = lifetime
        self.label = label
    }
}

extension EmbeddedEventLoop {
    /// Runs the executed tasks, and the readers that continue after the sockets were polled.
    func letReadersRead() { advanceTime(by: .milliseconds(5)) }
}

/// A view whose other forms follow from its stream: a whole response is the stream of all events.
protocol StreamOnlyView: ResponseView where Messages == Self {}

extension StreamOnlyView {
    var messages: Self { self }

    func response(for events: [LogEvent]) throws(GenerationError) -> [UInt8] {
        var bytes: [UInt8] = []
        for (number, event) in events.enumerated() { encode(event, number: number, into: &bytes) }
        return bytes
    }
}

/// A view that numbers every event, so that a missing, doubled or misplaced event shows in the bytes.
struct NumberedView: StreamOnlyView {
    func encode(_ event: LogEvent, number: Int, into bytes: inout [UInt8]) {
        bytes += Array("\(number):".utf8)
        switch event {
        case .text(_, _, let text): bytes += text
        case .finished: bytes += Array("end".utf8)
        case .failed(let error): bytes += Array(error.message.utf8)
        case .ping: bytes += Array("ping".utf8)
        default: bytes += Array("-".utf8)
        }
        bytes += Array("\n".utf8)
    }
}

/// A sink that records the written bytes. The test sets its writability.
final class RecordingSink: StreamSink {
    var isWritable = true
    private(set) var writes: [String] = []
    private(set) var endCount = 0

    /// Called within each write.
    var onWrite: () -> Void = {}

    func write(_ bytes: [UInt8]) {
        writes.append(String(decoding: bytes, as: UTF8.self))
        onWrite()
    }

    func readerEnded() { endCount += 1 }

    var text: String { writes.joined() }
}

extension TokenDetails: ExpressibleByArrayLiteral {
    package init(arrayLiteral elements: TokenProbabilities...) { self.init(probabilities: elements) }
}
