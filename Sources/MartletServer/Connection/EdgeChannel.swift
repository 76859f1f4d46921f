internal import HTTPTypes
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPTypes

/// The pipeline of an HTTP/1 connection.
///
/// It differs from the framework's in two ways. `EdgeDecoder` and `EdgeCodec` enforce rules of HTTP that the framework
/// does not. And an open stream costs little memory: each request runs in its own task, which ends before the stream,
/// because a task retains all the stack that it ever needed, and a connection's task lives as long as the connection.
///
/// `ConnectionHandler` comes after `HTTPConnectionStateHandler`, which counts requests, so a response that outlasts its
/// task counts as one.
struct EdgeChannel: ServerChildChannel, HTTPChannelHandler {
    let responder: Responder
    let connections: OpenConnections
    let limits: ServerConfiguration.Limits

    init(connections: OpenConnections, limits: ServerConfiguration.Limits, responder: @escaping Responder) {
        self.connections = connections
        self.limits = limits
        self.responder = { request, writer, channel in
            var request = request
            if request.headers[.expect] != nil {
                request.body = RequestBody(asyncSequence: AwaitedBody(request.body, of: channel))
            }
            let transfer = WriterTransfer(writer)
            let task = Task { [request] in
                guard let writer = transfer.removeWriter() else { return }
                try await responder(request, writer, channel)
            }
            try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
        }
    }

    func setup(
        channel: any Channel, logger: Logger
    ) -> EventLoopFuture<NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>> {
        channel.eventLoop.makeCompletedFuture {
            // Most connections send little more than heads. The buffer grows for larger requests.
            try channel.syncOptions?.setOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 512, maximum: 65_536))
            let pipeline = channel.pipeline.syncOperations
            // `EdgeCodec` sets the framing headers of responses.
            var encoding = HTTPResponseEncoder.Configuration()
            encoding.automaticallySetFramingHeaders = false
            let codec = EdgeCodec()
            try pipeline.addHandlers([
                HTTPResponseEncoder(configuration: encoding),
                ByteToMessageHandler(EdgeDecoder(codec: codec, limits: limits)), codec,
                HTTPConnectionStateHandler(idleTimeout: limits.idleTimeout, logger: logger),
                ConnectionHandler(connections: connections, codec: codec, limits: limits),
            ])
            return try NIOAsyncChannel(
                wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
        }
    }

    func handle(value channel: NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>, logger: Logger) async {
        await handleHTTP(asyncChannel: channel, logger: logger)
    }
}

/// Moves a response's writer from the connection's task to the request's task.
///
/// `@unchecked Sendable`: the writer is stored before the second task exists, and only that task removes it; the first
/// task waits for the second one.
private final class WriterTransfer: @unchecked Sendable {
    private var writer: ResponseWriter?

    init(_ writer: consuming ResponseWriter) { self.writer = consume writer }

    /// - Returns: the writer on the first call, then nil.
    func removeWriter() -> ResponseWriter? { writer.take() }
}

/// The body of a request whose client awaits `100 Continue`. Iterating over it sends the informational response.
private struct AwaitedBody: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    private let body: RequestBody
    private let channel: any Channel

    init(_ body: RequestBody, of channel: any Channel) {
        self.body = body
        self.channel = channel
    }

    func makeAsyncIterator() -> RequestBody.AsyncIterator {
        channel.withConnection { $0?.continueRequest() }
        return body.makeAsyncIterator()
    }
}
