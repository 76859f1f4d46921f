import MartletText
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Sends one request on its own connection and measures the stream of the response.
///
/// Thread: the connection's event loop, from the first byte to the last. A task per token would cost more CPU time than
/// some servers need for the token.
final class BenchConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    /// Seconds since the run began.
    private let now: @Sendable () -> Double
    /// The time from which latencies count, in seconds since the run began.
    private let start: Double
    /// Receives the measurement, exactly once.
    private let finished: @Sendable (RequestMeasurement) -> Void
    private var meter = StreamMeter()
    /// The status of the response; `nil` before its head.
    private var status: HTTPResponseStatus?
    /// The first bytes of a response with an error status.
    private var refusal: [UInt8] = []
    private var isFinished = false

    /// Connections are created by ``run(_:number:at:start:now:on:tls:)`` only.
    private init(
        start: Double, now: @escaping @Sendable () -> Double, finished: @escaping @Sendable (RequestMeasurement) -> Void
    ) {
        self.start = start
        self.now = now
        self.finished = finished
    }

    /// Connects, sends request `number` of the plan, and returns when the response has ended, failed or timed out.
    /// - Parameters:
    ///   - start: The time from which the first token's latency counts.
    ///   - now: Seconds since the run began.
    static func run(
        _ plan: LoadPlan, number: Int, at url: BaseURL, start: Double, now: @escaping @Sendable () -> Double,
        on group: any EventLoopGroup, tls: NIOSSLContext?
    ) async -> RequestMeasurement {
        let loop = group.any()
        let done = loop.makePromise(of: RequestMeasurement.self)
        let timeout = TimeAmount(plan.timeout)
        ClientBootstrap(group: loop)
            .connectTimeout(min(timeout, .seconds(30)))
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls {
                        try pipeline.addHandler(try NIOSSLClientHandler(context: tls, serverHostname: url.serverName))
                    }
                    try pipeline.addHTTPClientHandlers()
                    try pipeline.addHandler(BenchConnection(start: start, now: now) { done.succeed($0) })
                }
            }
            .connect(host: url.host, port: url.port)
            .whenComplete { result in
                switch result {
                case .success(let channel):
                    let expiry = channel.eventLoop.scheduleTask(in: timeout) { channel.close(promise: nil) }
                    done.futureResult.whenComplete { _ in
                        expiry.cancel()
                        channel.close(promise: nil)
                    }
                    send(plan, number: number, to: url, on: channel)
                case .failure(let error):
                    done.succeed(
                        RequestMeasurement(
                            start: start, end: now(), tokenTimes: [], tokenCount: 0, failure: "no connection: \(error)")
                    )
                }
            }
        do {
            return try await done.futureResult.get()
        } catch {
            return RequestMeasurement(start: start, end: now(), tokenTimes: [], tokenCount: 0, failure: "\(error)")
        }
    }

    /// Writes the request in one flush.
    private static func send(_ plan: LoadPlan, number: Int, to url: BaseURL, on channel: any Channel) {
        let body = plan.body(number)
        var headers = HTTPHeaders([
            ("Host", url.authority), ("Content-Type", "application/json"), ("Content-Length", "\(body.count)"),
            ("Accept", "text/event-stream"), ("Connection", "close"),
        ])
        for (name, value) in plan.headers { headers.replaceOrAdd(name: name, value: value) }
        let head = HTTPRequestHead(version: .http1_1, method: .POST, uri: url.prefix + plan.route, headers: headers)
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: body))), promise: nil)
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
    }

    /// Counts tokens of a response with status 200; collects the beginning of any other response.
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): status = head.status
        case .body(let buffer):
            if status?.code == 200 {
                meter.record(buffer.readableBytesView, at: now())
            } else if refusal.count < 200 {
                refusal += buffer.readableBytesView.prefix(200)
            }
        case .end: finish()
        }
    }

    /// A closed connection ends the measurement; the meter knows whether the stream was complete.
    func channelInactive(context: ChannelHandlerContext) { finish() }

    /// An error of the socket or of the HTTP parser is a failure of the request.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        finish("\(error)")
        context.close(promise: nil)
    }

    /// Reports the measurement. Only the first call counts.
    private func finish(_ error: String? = nil) {
        guard !isFinished else { return }
        isFinished = true
        finished(
            RequestMeasurement(
                start: start, end: now(), tokenTimes: meter.times,
                tokenCount: meter.reportedCount ?? meter.times.count, failure: error ?? failure))
    }

    /// The reason for which the response is not a complete stream; `nil` if it is.
    private var failure: String? {
        guard let status else { return "no response" }
        guard status.code == 200 else {
            return "status \(status.code): \(refusal.excerpt(bytes: 200))"
        }
        if let error = meter.error { return "error event: \(error)" }
        if meter.times.isEmpty { return "no token" }
        return meter.isComplete ? nil : "the stream was cut off"
    }
}
