package import NIOCore
internal import NIOPosix

/// A TCP connection to an HTTP/1.1 server that shows what is on the wire, as it comes: for tests of streams,
/// disconnects and malformed requests.
///
/// To be used by one task at a time.
package final class RawConnection: Sendable {
    private let channel: any Channel
    let inbox: RawInbox

    private init(channel: any Channel, inbox: RawInbox) {
        self.channel = channel
        self.inbox = inbox
    }

    /// - Parameter receiveBufferBytes: a small one makes a reader that does not read felt sooner.
    package static func connect(
        host: String = "127.0.0.1", port: Int, receiveBufferBytes: Int? = nil
    ) async throws -> RawConnection {
        try await connect(receiveBufferBytes: receiveBufferBytes) { $0.connect(host: host, port: port) }
    }

    /// - Parameter transport: what the bytes go through before they reach the socket, such as TLS.
    package static func connect(
        port: Int, through transport: @escaping @Sendable () throws -> any ChannelHandler
    ) async throws -> RawConnection {
        try await connect(through: transport) { $0.connect(host: "127.0.0.1", port: port) }
    }

    package static func connect(socketPath: String) async throws -> RawConnection {
        try await connect { $0.connect(unixDomainSocketPath: socketPath) }
    }

    private static func connect(
        receiveBufferBytes: Int? = nil, through transport: (@Sendable () throws -> any ChannelHandler)? = nil,
        _ connect: (ClientBootstrap) -> EventLoopFuture<any Channel>
    ) async throws -> RawConnection {
        let inbox = RawInbox()
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let transport { try channel.pipeline.syncOperations.addHandler(try transport()) }
                    try channel.pipeline.syncOperations.addHandler(RawInboxHandler(inbox))
                }
            }
        if let receiveBufferBytes {
            bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: receiveBufferBytes)
        }
        let channel = try await connect(bootstrap).get()
        return RawConnection(channel: channel, inbox: inbox)
    }

    // MARK: Sending

    package func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    package func send(_ bytes: [UInt8]) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
    }

    /// Sends a request with a `Content-Length` if it has a body.
    package func send(
        _ method: String, _ path: String, headers: [(String, String)] = [], body: String? = nil
    ) async throws {
        var text = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\n"
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        if let body { text += "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n" }
        try await send(text + "\r\n" + (body ?? ""))
    }

    // MARK: Receiving

    /// The next response's status line and headers, those of a `100 Continue` included.
    package func readHead() async throws -> RawResponseHead {
        var text = ""
        while true {
            let line = try await inbox.line()
            if line.isEmpty { break }
            text += line + "\n"
        }
        guard let head = RawResponseHead(text) else { throw RawConnectionError.malformed(text) }
        inbox.beginBody(head)
        return head
    }

    /// What is there of the body, at least one byte; `nil` when the body has ended.
    package func readBodyPart() async throws -> [UInt8]? {
        try await inbox.bodyPart()
    }

    package func readBody() async throws -> String {
        var bytes: [UInt8] = []
        while let part = try await readBodyPart() { bytes += part }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The next event or comment of a stream, without the empty line after it; `nil` when the stream has ended.
    package func readEvent() async throws -> String? {
        try await inbox.event()
    }

    /// All events and comments to the end of the stream.
    package func readEvents() async throws -> [String] {
        var events: [String] = []
        while let event = try await readEvent() { events.append(event) }
        return events
    }

    /// Returns when the server has closed the connection; whatever comes before is dropped.
    package func waitForClose() async {
        await inbox.waitForClose()
    }

    // MARK: Misbehaving

    /// Takes nothing more from the socket until `startReading`.
    package func stopReading() async throws { try await channel.setOption(.autoRead, value: false).get() }

    package func startReading() async throws {
        try await channel.setOption(.autoRead, value: true).get()
        channel.read()
    }

    /// Ends the sending side; the server sees the end of the stream.
    package func halfClose() async throws { try await channel.close(mode: .output) }

    package func close() async throws { try await channel.close() }

    /// Closes so that the server sees a reset.
    package func reset() async throws {
        if let provider = channel as? any SocketOptionProvider {
            try await provider.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        }
        try await channel.close()
    }
}

package enum RawConnectionError: Error {
    /// The connection was closed in the middle of a response.
    case closed
    case malformed(String)
}
