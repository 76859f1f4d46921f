internal import HTTPTypes
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPTypes
internal import NIOHTTPTypesHTTP1

/// A connection that speaks HTTP/1.1: the framework's, but for two things that keep it small while a stream is open.
///
/// Each request is answered in a task of its own, which ends before a stream does. A task keeps all the stack that it ever
/// needed, and a connection's task lives as long as the connection. And `ConnectionHandler` stands before what counts
/// requests, so that a response that goes on after its task counts as one.
struct EdgeChannel: ServerChildChannel, HTTPChannelHandler {
    let responder: Responder
    let connections: OpenConnections
    let limits: ServerConfiguration.Limits

    init(connections: OpenConnections, limits: ServerConfiguration.Limits, responder: @escaping Responder) {
        self.connections = connections
        self.limits = limits
        self.responder = { request, writer, channel in
            let handedOver = HandedOver(writer)
            let task = Task {
                guard let writer = handedOver.take() else { return }
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
            var decoderLimits = NIOHTTPDecoderLimitConfiguration()
            decoderLimits.maxHeaderFieldSize = limits.headerFieldBytes
            decoderLimits.maxHeaderListSize = limits.headerBytes
            decoderLimits.maxHeaderFieldCount = limits.headerCount
            // A request's head is what most connections ever send; a larger one makes the buffer grow.
            try channel.syncOptions?.setOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 512, maximum: 65_536))
            let pipeline = channel.pipeline.syncOperations
            // One request at a time comes by the connection's handler; headers are valid by their types.
            try pipeline.configureHTTPServerPipeline(
                withPipeliningAssistance: false, withErrorHandling: false, withOutboundHeaderValidation: false,
                withEncoderConfiguration: .init(), withDecoderLimitConfiguration: decoderLimits)
            try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: false))
            try pipeline.addHandler(HTTPConnectionStateHandler(idleTimeout: limits.idleTimeout, logger: logger))
            try pipeline.addHandler(ConnectionHandler(connections: connections, limits: limits))
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
/// `@unchecked Sendable`: it is put in before the second task is made, and only that one takes it out; the first one waits.
private final class HandedOver: @unchecked Sendable {
    private var writer: ResponseWriter?

    init(_ writer: consuming ResponseWriter) { self.writer = consume writer }

    /// - Returns: `nil` but for the first time.
    func take() -> ResponseWriter? { writer.take() }
}
