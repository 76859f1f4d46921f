internal import HTTPTypes
internal import Hummingbird
internal import MartletStreams
internal import NIOCore

/// A response that shows a log as it grows.
///
/// The framework writes and flushes the head, then runs the body; the body only hands the connection to a reader and
/// says that it is done. The reader writes on the event loop straight into the channel, and the connection's handler
/// keeps the response's end back until the reader has come to its own. The order holds because the framework's writes,
/// head and end included, go through the same event loop.
struct StreamResponse {
    let generation: Generation
    let encodedStream: EncodedStream
    var position = StreamPosition()
    let loops: ReaderLoops

    func response(in context: EdgeContext) -> Response {
        var headers = generation.headers
        headers[.contentType] = "text/event-stream"
        headers[.cacheControl] = "no-store"
        headers[.accelBuffering] = "no"
        let (channel, requestInfo) = (context.channel, context.requestInfo)
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody { writer in
                requestInfo.continueAfterTask()
                attach(on: channel) { requestInfo.end() }
                try await writer.finish(nil)
            })
    }

    private func attach(on channel: any Channel, ended: @escaping @Sendable () -> Void) {
        let lease = generation.acquireReaderLease()
        let reader = StreamReader(encodedStream, from: position, loop: loops.loop(for: channel.eventLoop)) { _ in
            lease.release()
            ended()
        }
        channel.withConnection { connection in
            if let connection { connection.attach(reader) } else { reader.detach() }
        }
    }
}

extension Generation {
    /// What a response says of a generation that can be asked for again.
    var headers: HTTPFields {
        var headers = HTTPFields()
        guard spec.isResumable else { return headers }
        headers[.generationID] = spec.responseID
        headers[.conversationID] = spec.label
        return headers
    }
}

extension HTTPField.Name {
    /// Tells reverse proxies not to collect a response before they pass it on.
    static let accelBuffering = Self.known("X-Accel-Buffering")
    /// What a client calls the conversation that a generation belongs to.
    static let conversationID = Self.known("X-Conversation-Id")
    static let generationID = Self.known("X-Generation-Id")
    static let lastEventID = Self.known("Last-Event-ID")
    static let streamResume = Self.known("X-Stream-Resume")
    static let apiKey = Self.known("X-Api-Key")
    static let requestID = Self.known("X-Request-Id")
    static let traceParent = Self.known("Traceparent")
    /// Where a response differs from the request's wish.
    static let warnings = Self.known("X-Martlet-Warnings")
    /// As llama-server calls it.
    static let processStart = Self.known("Process-Start-Time-Unix")

    /// A name that is valid by construction.
    private static func known(_ name: StaticString) -> Self {
        guard let field = Self(String(describing: name)) else { preconditionFailure("not a header name: \(name)") }
        return field
    }
}
