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
    let log: GenerationLog
    let view: any StreamView
    let pingInterval: Duration?
    let loops: ReaderLoops

    func response(on channel: any Channel) -> Response {
        let headers: HTTPFields = [
            .contentType: "text/event-stream", .cacheControl: "no-store", .accelBuffering: "no",
        ]
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody { writer in
                guard case .complete = await show(on: channel) else { throw ChannelError.ioOnClosedChannel }
                try await writer.finish(nil)
            })
    }

    private func show(on channel: any Channel) async -> StreamReader.End {
        await withCheckedContinuation { continuation in
            let reader = StreamReader(
                log: log, view: view, pingInterval: pingInterval.map { TimeAmount($0) },
                loop: loops.loop(for: channel.eventLoop)
            ) { continuation.resume(returning: $0) }
            channel.withConnection { connection in
                if let connection { connection.attach(reader) } else { reader.detach() }
            }
        }
    }
}

extension HTTPField.Name {
    /// Tells reverse proxies not to collect a response before they pass it on.
    static let accelBuffering = Self.known("X-Accel-Buffering")
    static let apiKey = Self.known("X-Api-Key")
    static let requestID = Self.known("X-Request-Id")
    static let traceParent = Self.known("Traceparent")

    /// A name that is valid by construction.
    private static func known(_ name: StaticString) -> Self {
        guard let field = Self(String(describing: name)) else { preconditionFailure("not a header name: \(name)") }
        return field
    }
}
