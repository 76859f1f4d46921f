import MartletJSON
package import MartletStreams

/// A response as messages of a WebSocket: each event of the stream is one text frame with its JSON.
///
/// The events are those of `ResponsesView`, so both transports have the same events and numbers. Comments of the stream
/// have no frame; the WebSocket has pings of its own.
package struct ResponseFramesView: FoldingView {
    private let view: ResponsesView
    /// The end of every event.
    private let ending: [UInt8]

    /// Makes the frames of a response.
    /// - Parameter stream: the `stream_id` that each event repeats; nil if the client named none.
    package init(_ view: ResponsesView, stream: String?) {
        self.view = view
        ending = Self.ending(of: stream)
    }

    /// The member `stream_id`, if there is one, and the end of an object.
    static func ending(of stream: String?) -> [UInt8] {
        var bytes: [UInt8] = []
        if let stream {
            JSONText.appendRaw(",\"stream_id\":", to: &bytes)
            JSONText.appendString(stream, to: &bytes)
        }
        JSONText.appendRaw("}", to: &bytes)
        return bytes
    }

    /// - Complexity: as the events of the stream, and O(their bytes).
    package func encode(
        _ event: LogEvent, number: Int, state: inout ViewState, history: LogHistory, into bytes: inout [UInt8]
    ) {
        var events: [UInt8] = []
        view.encode(event, number: number, state: &state, history: history, into: &events)
        appendFrames(of: events[...], to: &bytes)
    }

    /// Appends nothing: a WebSocket needs no ping of the log.
    package func encode(_ event: LogEvent, number: Int, into bytes: inout [UInt8]) {}

    /// Appends nothing: the close frame of the shutdown says that the server ends.
    package func encodeHandover(number: Int, into bytes: inout [UInt8]) {}

    /// Appends one frame for each event. JSON text has no line ends, so the data of an event is the rest of its line.
    private func appendFrames(of events: ArraySlice<UInt8>, to bytes: inout [UInt8]) {
        let mark = Array("data: {".utf8)
        for line in events.split(separator: UInt8(ascii: "\n")) where line.starts(with: mark) {
            SocketFrame.append(.text, to: &bytes) { frame in
                frame.append(contentsOf: line.dropFirst(mark.count - 1).dropLast())
                frame.append(contentsOf: ending)
            }
        }
    }
}
