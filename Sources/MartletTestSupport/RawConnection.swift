package import NIOCore
internal import NIOPosix

/// A TCP connection to an HTTP/1.1 server with access to its bytes, for tests of streams, disconnects and malformed
/// requests.
///
/// Example: `try await c.send("GET", "/health")`, `try await c.readHead().status`, `try await c.readBody()`.
///
/// Thread: one task at a time.
package final class RawConnection: Sendable {
    /// Thread-safe; its handlers run on an event loop.
    private let channel: any Channel
    /// The received bytes.
    let inbox: RawInbox

    /// Connections are created by `connect` only.
    private init(channel: any Channel, inbox: RawInbox) {
        self.channel = channel
        self.inbox = inbox
    }

    /// Connects over TCP.
    /// - Parameter receiveBufferBytes: The size of the socket's receive buffer. With a small one, a test that does not
    ///   read soon exerts backpressure.
    package static func connect(
        host: String = "127.0.0.1", port: Int, receiveBufferBytes: Int? = nil
    ) async throws -> RawConnection {
        try await connect(receiveBufferBytes: receiveBufferBytes) { $0.connect(host: host, port: port) }
    }

    /// Connects over TCP through another handler.
    /// - Parameter transport: Makes the handler between the bytes and the socket, such as TLS.
    package static func connect(
        port: Int, through transport: @escaping @Sendable () throws -> any ChannelHandler
    ) async throws -> RawConnection {
        try await connect(through: transport) { $0.connect(host: "127.0.0.1", port: port) }
    }

    /// Connects to a Unix socket.
    package static func connect(socketPath: String) async throws -> RawConnection {
        try await connect { $0.connect(unixDomainSocketPath: socketPath) }
    }

    /// Installs the handlers and connects. `connect` selects the address.
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

    /// Closes the connection of a test that has ended. The end of the server's bytes leaves the socket open.
    deinit { channel.close(promise: nil) }

    // MARK: Sending

    /// Sends a text as it is.
    package func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    /// Sends bytes as they are.
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

    /// Reads the status line and the headers of the next response. A `100 Continue` counts as a response.
    /// - Throws: ``RawConnectionError``.
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

    /// Reads the available part of the body, at least one byte; `nil` at the end of the body.
    package func readBodyPart() async throws -> [UInt8]? {
        try await inbox.bodyPart()
    }

    /// Reads the rest of the body as text.
    package func readBody() async throws -> String {
        var bytes: [UInt8] = []
        while let part = try await readBodyPart() { bytes += part }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Reads the next event or comment of a stream, without the empty line behind it; `nil` at the end of the stream.
    package func readEvent() async throws -> String? {
        try await inbox.event()
    }

    /// Reads all events and comments to the end of the stream.
    package func readEvents() async throws -> [String] {
        var events: [String] = []
        while let event = try await readEvent() { events.append(event) }
        return events
    }

    /// Waits until the server has closed the connection. Bytes before the end are dropped.
    package func waitForClose() async {
        await inbox.waitForClose()
    }

    // MARK: Misbehaving

    /// Stops reading from the socket until `startReading`. The server then feels backpressure.
    package func stopReading() async throws { try await channel.setOption(.autoRead, value: false).get() }

    /// Continues reading from the socket.
    package func startReading() async throws {
        try await channel.setOption(.autoRead, value: true).get()
        channel.read()
    }

    /// Closes the sending side. The server reads the end of the stream.
    package func halfClose() async throws { try await channel.close(mode: .output) }

    /// Closes the connection.
    package func close() async throws { try await channel.close() }

    /// Closes the connection with a TCP reset.
    package func reset() async throws {
        if let provider = channel as? any SocketOptionProvider {
            try await provider.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        }
        try await channel.close()
    }
}

/// An error of a test's connection.
package enum RawConnectionError: Error {
    /// The connection was closed in the middle of a response.
    case closed
    /// The server sent these bytes, which are no HTTP response.
    case malformed(String)
}
