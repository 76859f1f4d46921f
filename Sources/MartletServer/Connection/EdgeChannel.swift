internal import HTTPTypes
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPTypes

/// A connection that speaks HTTP/1: the framework's, but for the demands of HTTP on a server (`EdgeDecoder`,
/// `EdgeCodec`), and for two things that keep it small while a stream is open.
///
/// Each request is answered in a task of its own, which ends before a stream does. A task keeps all the stack that it
/// ever needed, and a connection's task lives as long as the connection. And `ConnectionHandler` stands before what
/// counts requests, so that a response that goes on after its task counts as one.
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
            // A request's head is what most connections ever send; a larger one makes the buffer grow.
            try channel.syncOptions?.setOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 512, maximum: 65_536))
            let pipeline = channel.pipeline.syncOperations
            // The codec frames responses. One request at a time comes by the connection's handler; headers are valid by
            // their types.
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

/// A response's writer on its way from a connection's task to the one that answers.
///
/// `@unchecked Sendable`: it is put in before the second task is made, and only that one takes it out; the first one
/// waits.
private final class WriterTransfer: @unchecked Sendable {
    private var writer: ResponseWriter?

    init(_ writer: consuming ResponseWriter) { self.writer = consume writer }

    /// - Returns: `nil` but for the first time.
    func removeWriter() -> ResponseWriter? { writer.take() }
}

/// A request's body whose client waits for `100 Continue`, which comes when the body is read.
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
