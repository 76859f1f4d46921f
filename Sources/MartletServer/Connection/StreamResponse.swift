internal import HTTPTypes
internal import Hummingbird
internal import MartletStreams
internal import NIOCore

/// A response that shows a log as it grows.
///
/// The framework writes and flushes the head, then runs the body; the body only hands the connection to a reader and
/// waits for its end. The reader writes on the event loop straight into the channel. The order holds because the
/// framework's writes, head and end included, go through the same event loop.
struct StreamResponse {
    let generation: Generation
    let rendition: Rendition
    var position = StreamPosition()
    let loops: ReaderLoops

    func response(on channel: any Channel) -> Response {
        var headers = generation.headers
        headers[.contentType] = "text/event-stream"
        headers[.cacheControl] = "no-store"
        headers[.accelBuffering] = "no"
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody { writer in
                guard case .complete = await show(on: channel) else { throw ChannelError.ioOnClosedChannel }
                try await writer.finish(nil)
            })
    }

    private func show(on channel: any Channel) async -> StreamReader.End {
        let seat = generation.takeSeat()
        return await withCheckedContinuation { continuation in
            let reader = StreamReader(rendition, from: position, loop: loops.loop(for: channel.eventLoop)) { end in
                seat.leave()
                continuation.resume(returning: end)
            }
            channel.withConnection { connection in
                if let connection { connection.attach(reader) } else { reader.detach() }
            }
        }
    }
}

extension Generation {
    /// What a response says of a generation that can be asked for again.
    var headers: HTTPFields {
        var headers = HTTPFields()
        guard terms.isResumable else { return headers }
        headers[.generationID] = terms.responseID
        headers[.conversationID] = terms.label
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

    /// A name that is valid by construction.
    private static func known(_ name: StaticString) -> Self {
        guard let field = Self(String(describing: name)) else { preconditionFailure("not a header name: \(name)") }
        return field
    }
}
