import MartletProtocol
import MartletStreams

/// A response format whose bytes show every event, so that a client can check what it receives.
///
/// Every event has at least one part; a terminal event has two, as in OpenAI's format.
struct SimulationView: ResponseView {
    /// The last part of a stream.
    static let done = "data: [DONE]\n\n"
    /// The notice of a handover, and the bytes of the same length that a replay has instead.
    static let handover = "event: handover\n\n"
    static let handoverInReplay = ": handed over..\n\n"

    func encode(_ event: LogEvent, number: Int, into bytes: inout [UInt8]) {
        switch event {
        case .ping: return ServerSentEvents.appendPing(to: &bytes)
        case .handedOver: return bytes += Array(Self.handoverInReplay.utf8)
        default: break
        }
        bytes += Array("data: ".utf8)
        append(event, to: &bytes)
        bytes += [0x0A, 0x0A]
        if event.isTerminal { bytes += Array(Self.done.utf8) }
    }

    func encodeHandover(number: Int, into bytes: inout [UInt8]) { bytes += Array(Self.handover.utf8) }

    /// A socket receives the same parts, each with its number.
    var messages: NumberedEventView { NumberedEventView(self) }

    /// The bytes of all events, as a replay has them.
    func response(for events: [LogEvent]) throws(GenerationError) -> [UInt8] {
        if case .failed(let error)? = events.last { throw GenerationError(error) }
        var bytes: [UInt8] = []
        for (number, event) in events.enumerated() { encode(event, number: number, into: &bytes) }
        return bytes
    }

    /// A line feed of a text would end the line of its part.
    private func append(text: ArraySlice<UInt8>, to bytes: inout [UInt8]) {
        bytes += text.map { $0 == 0x0A ? 0x5C : $0 }
    }

    private func append(_ event: LogEvent, to bytes: inout [UInt8]) {
        switch event {
        case .text(let channel, let token, let text):
            bytes += Array("text \(channel) \(token ?? -1) ".utf8)
            append(text: text, to: &bytes)
        case .detailedText(let channel, let token, let text, let details):
            bytes += Array("text \(channel) \(token ?? -1) ".utf8)
            append(text: text, to: &bytes)
            bytes += Array(" \(details.tokenTimings?.timings.predictedTokens ?? -1)".utf8)
        case .admitted(let count): bytes += Array("admitted \(count)".utf8)
        case .started(let count): bytes += Array("started \(count)".utf8)
        case .promptProgress(let progress): bytes += Array("progress \(progress.processed)".utf8)
        case .controlled(let record):
            bytes += Array("command \(record.token) \(record.command.simulatedName) \(record.forks.count)".utf8)
        case .ended(let summary): bytes += Array("ended \(summary.reason)".utf8)
        case .finished(let summary): bytes += Array("finished \(summary.reason)".utf8)
        case .failed(let error): bytes += Array("failed \(error.code)".utf8)
        case .choice(let number, let event):
            bytes += Array("\(number): ".utf8)
            append(event, to: &bytes)
        case .call(let number, let name): bytes += Array("call \(number) \(name)".utf8)
        case .arguments(let call, let token, let text):
            bytes += Array("arguments \(call) \(token ?? -1) ".utf8)
            append(text: text, to: &bytes)
        case .warning(let text): bytes += Array("warning \(text)".utf8)
        case .promptTokens(let tokens): bytes += Array("prompt \(tokens.count)".utf8)
        case .ping, .handedOver: break
        }
    }
}

extension AppliedCommand {
    /// The kind of the command, for stories and streams.
    var simulatedName: String {
        switch self {
        case .reasoningEnded: "reasoningEnded"
        case .stopped: "stopped"
        case .paused: "paused"
        case .resumed: "resumed"
        case .changed(let change, _): "changed\(change.keys.count)"
        case .injected(_, let tokens): "injected\(tokens)"
        case .rewound: "rewound"
        case .forked: "forked"
        }
    }
}
