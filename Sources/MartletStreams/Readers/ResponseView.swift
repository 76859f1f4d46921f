/// All forms of one response: the bytes of a stream, one whole body, and the messages of a WebSocket.
///
/// Example: a chat completion is a sequence of chunks, or one object with a message. A spec has its view with all
/// forms, so a route needs no knowledge of the wire format. As for `StreamView`, every form is a pure function of the
/// view's properties and of the log's events.
package protocol ResponseView: StreamView {
    /// The view that encodes the messages of a WebSocket.
    associatedtype Messages: StreamView

    /// The same generation as messages of a WebSocket.
    var messages: Messages { get }

    /// The media type of the stream.
    var streamType: String { get }

    /// The view for readers that resume by event: its parts are server-sent events, which can have numbers.
    var eventStream: any StreamView { get }

    /// The whole response.
    ///
    /// - Parameter events: all events of a log that has ended.
    /// - Throws: the error with which the generation failed.
    /// - Complexity: O(events and bytes of text).
    func response(for events: [LogEvent]) throws(GenerationError) -> [UInt8]
}

extension ResponseView {
    /// The default: most dialects stream server-sent events.
    package var streamType: String { "text/event-stream" }

    /// The default for streams that are server-sent events already.
    package var eventStream: any StreamView { self }
}
