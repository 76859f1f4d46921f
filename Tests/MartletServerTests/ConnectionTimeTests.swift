import HTTPTypes
import MartletProtocol
import MartletStreams
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import Synchronization
import Testing

@testable import MartletServer

/// The timeouts of a connection. Time advances when the test says so.
@Suite struct ConnectionTimeTests {
    let channel: EmbeddedChannel
    let handler: ConnectionHandler
    private let errors = ErrorRecorder()

    init() throws {
        var limits = ServerConfiguration.Limits()
        limits.requestTimeout = .seconds(10)
        limits.stallTimeout = .seconds(5)
        handler = ConnectionHandler(
            connections: OpenConnections(limit: 8, extraLimit: 8), codec: EdgeCodec(), limits: limits)
        channel = EmbeddedChannel(handlers: [handler, errors])
        try channel.connect(to: SocketAddress(unixDomainSocketPath: "x")).wait()
    }

    private func begin() throws {
        try channel.writeInbound(
            HTTPRequestPart.head(HTTPRequest(method: .post, scheme: "http", authority: "localhost", path: "/")))
    }

    private func setWritable(_ isWritable: Bool) {
        channel.isWritable = isWritable
        channel.pipeline.fireChannelWritabilityChanged()
    }

    @Test func aBodyThatTricklesInEndsTheRequestInTime() throws {
        try begin()
        for _ in 0..<9 {
            channel.embeddedEventLoop.advanceTime(by: .seconds(1))
            try channel.writeInbound(HTTPRequestPart.body(ByteBuffer(string: "x")))
        }
        #expect(errors.seen.isEmpty)
        channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(errors.seen.count == 1)
        #expect(errors.seen.first is RequestTimeout)
        try channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: .requestTimeout)))
        #expect(channel.isActive)
        try channel.writeOutbound(HTTPResponsePart.end(nil))
        #expect(!channel.isActive)
    }

    @Test func aRequestWithAnEarlyResponseIsCutOff() throws {
        try begin()
        try channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: .notFound)))
        try channel.writeOutbound(HTTPResponsePart.end(nil))
        channel.embeddedEventLoop.advanceTime(by: .seconds(10))
        #expect(!channel.isActive)
        #expect(errors.seen.isEmpty)
    }

    @Test func aWholeRequestHasNoResponseTimeLimit() throws {
        try begin()
        try channel.writeInbound(HTTPRequestPart.end(nil))
        channel.embeddedEventLoop.advanceTime(by: .hours(1))
        #expect(channel.isActive)
        #expect(errors.seen.isEmpty)
    }

    @Test func aClientThatReadsNothingCountsAsDisconnected() throws {
        let isAbandoned = Mutex(false)
        handler.onDisconnect { isAbandoned.withLock { $0 = true } }
        setWritable(false)
        channel.embeddedEventLoop.advanceTime(by: .seconds(4))
        #expect(!isAbandoned.withLock { $0 })
        channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(isAbandoned.withLock { $0 })
        #expect(!channel.isActive)
    }

    @Test func aClientThatReadsALittleNowAndThenStays() throws {
        for _ in 0..<10 {
            setWritable(false)
            channel.embeddedEventLoop.advanceTime(by: .seconds(4))
            setWritable(true)
        }
        channel.embeddedEventLoop.advanceTime(by: .seconds(60))
        #expect(channel.isActive)
    }
}

/// Records the errors that pass through a pipeline. Thread: the channel's event loop.
private final class ErrorRecorder: ChannelInboundHandler {
    typealias InboundIn = HTTPRequestPart
    private(set) var seen: [any Error] = []

    func errorCaught(context: ChannelHandlerContext, error: any Error) { seen.append(error) }
}
