internal import HTTPTypes
internal import Hummingbird
internal import MartletStreams
internal import NIOCore

/// A response whose body is an encoded stream, written as its log grows.
///
/// The framework writes the head and runs the body closure, which only attaches a reader to the connection and
/// finishes.
/// The reader then writes on the event loop directly into the channel, and `ConnectionHandler` retains the response's
/// end until the reader has ended. The order is safe because the framework writes through the same event loop.
struct StreamResponse {
    let generation: Generation
    let encodedStream: EncodedStream
    /// The position of the first byte; the beginning by default.
    var position = StreamPosition()
    let loops: ReaderLoops

    /// The response. Its log starts to flow when the framework has written the head.
    func response(in context: EdgeContext) -> Response {
        var headers = generation.headers
        // A reader of numbered events gets server-sent events in every dialect.
        let isNumbered = encodedStream === generation.numberedResponse
        headers[.contentType] = isNumbered ? "text/event-stream" : generation.spec.view.streamType
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

    /// Attaches a reader on the event loop.
    /// - Parameter ended: called when the reader has ended, for whatever reason.
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
    /// The headers of a response that name a resumable generation.
    var headers: HTTPFields {
        var headers = HTTPFields()
        guard spec.isResumable else { return headers }
        headers[.generationID] = spec.responseID
        headers[.conversationID] = spec.label
        return headers
    }
}

extension HTTPField.Name {
    /// Instructs reverse proxies not to buffer a response.
    static let accelBuffering = Self.known("X-Accel-Buffering")
    /// The label of the conversation to which a generation belongs.
    static let conversationID = Self.known("X-Conversation-Id")
    static let generationID = Self.known("X-Generation-Id")
    static let lastEventID = Self.known("Last-Event-ID")
    static let streamResume = Self.known("X-Stream-Resume")
    static let apiKey = Self.known("X-Api-Key")
    static let requestID = Self.known("X-Request-Id")
    static let traceParent = Self.known("Traceparent")
    /// Differences between the response and the request, one sentence each.
    static let warnings = Self.known("X-Martlet-Warnings")
    /// llama-server's name for the time at which the process started.
    static let processStart = Self.known("Process-Start-Time-Unix")

    /// A name that is known to be valid.
    static func known(_ name: StaticString) -> Self {
        guard let field = Self(String(describing: name)) else { preconditionFailure("not a header name: \(name)") }
        return field
    }
}
