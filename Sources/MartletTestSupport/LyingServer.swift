internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// A loopback server that answers each request with the bytes that a test chooses, also with wrong ones.
package final class LyingServer: Sendable {
    /// A request: method and path, and headers in lower case.
    package struct Request: Sendable {
        package var path: String
        package var headers: [String: String]

        /// First and last byte of `Range: bytes=a-b`.
        package var range: (first: Int, last: Int)? {
            guard let text = headers["range"], text.hasPrefix("bytes=") else { return nil }
            let parts = text.dropFirst(6).split(separator: "-").compactMap { Int($0) }
            return parts.count == 2 ? (parts[0], parts[1]) : nil
        }
    }

    /// The answer to a request.
    package enum Answer: Sendable {
        /// Status line, headers and body; then the connection closes.
        case response(Int, [(String, String)], [UInt8])
        /// As `response`, with a pause after the first bytes that never ends.
        case stall(Int, [(String, String)], [UInt8])
    }

    private let channel: any Channel
    private let requests = Mutex<[Request]>([])
    /// The port on loopback.
    package let port: Int

    /// All requests so far.
    package var received: [Request] { requests.withLock { $0 } }

    /// Starts a server.
    /// - Parameter answer: the answer to each request; called on an event loop.
    package init(_ answer: @escaping @Sendable (Request) -> Answer) async throws {
        let requests = Mutex<(@Sendable (Request) -> Void)?>(nil)
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        Handler { request in
                            requests.withLock { $0 }?(request)
                            return answer(request)
                        })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
        requests.withLock { $0 = { [weak self] request in self?.requests.withLock { $0.append(request) } } }
    }

    /// Stops listening. Open connections end with their answers.
    package func shutDown() async { try? await channel.close() }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let answer: @Sendable (Request) -> Answer
        private var text = ""

        init(_ answer: @escaping @Sendable (Request) -> Answer) { self.answer = answer }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var buffer = unwrapInboundIn(data)
            text += buffer.readString(length: buffer.readableBytes) ?? ""
            guard let end = text.firstRange(of: "\r\n\r\n") else { return }
            let lines = text[..<end.lowerBound].split(separator: "\r\n")
            text = ""
            var headers: [String: String] = [:]
            for line in lines.dropFirst() {
                let parts = line.split(separator: ":", maxSplits: 1)
                headers[parts[0].lowercased()] = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
            }
            let request = Request(path: String(lines[0].split(separator: " ")[1]), headers: headers)
            switch answer(request) {
            case .response(let status, let headers, let body):
                let promise = context.eventLoop.makePromise(of: Void.self)
                let channel = context.channel
                promise.futureResult.whenComplete { _ in channel.close(promise: nil) }
                context.writeAndFlush(wrapOutboundOut(Self.bytes(status, headers, body)), promise: promise)
            case .stall(let status, let headers, let body):
                context.writeAndFlush(wrapOutboundOut(Self.bytes(status, headers, body)), promise: nil)
            }
        }

        private static func bytes(_ status: Int, _ headers: [(String, String)], _ body: [UInt8]) -> ByteBuffer {
            var text = "HTTP/1.1 \(status) X\r\nConnection: close\r\n"
            for (name, value) in headers { text += "\(name): \(value)\r\n" }
            var buffer = ByteBuffer(string: text + "\r\n")
            buffer.writeBytes(body)
            return buffer
        }
    }
}

extension LyingServer.Request {
    /// The true answer of a server with ranges.
    package func answer(_ file: [UInt8], etag: String = "\"one\"") -> LyingServer.Answer {
        guard let range else {
            return .response(200, [("Content-Length", "\(file.count)"), ("ETag", etag)], file)
        }
        let last = min(range.last, file.count - 1)
        let part = Array(file[range.first...last])
        return .response(
            206,
            [
                ("Content-Length", "\(part.count)"), ("Content-Range", "bytes \(range.first)-\(last)/\(file.count)"),
                ("ETag", etag),
            ], part)
    }
}
