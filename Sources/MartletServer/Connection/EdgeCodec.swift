internal import HTTPTypes
internal import MartletAPI
internal import MartletStreams
import MartletText
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPTypes
internal import NIOHTTPTypesHTTP1

/// Converts HTTP/1 messages to the framework's types and back.
///
/// Inbound, it refuses heads that break a rule of HTTP/1, such as a second `Host`. Outbound, it sets the framing that
/// the
/// version of the request needs: HTTP/1.0 has no chunks, so the end of the connection is the end of the body.
///
/// Thread: the channel's event loop.
final class EdgeCodec: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// The properties of a request on which the framing of its response depends.
    struct Exchange {
        /// HTTP/1.1: the client understands chunks and informational responses.
        var isModern = true
        /// The method is HEAD, so the response has no body.
        var isHead = false
        /// The response is the connection's last.
        var closes = false
    }

    /// Requests whose response has not ended, in their order.
    private var exchanges: CircularBuffer<Exchange> = CircularBuffer(initialCapacity: 1)
    /// A head was refused. Further input is dropped.
    private var isRefused = false
    /// True between the head and the end of a request: with a chunked body, or of any request.
    private(set) var isInChunks = false
    private(set) var isInRequest = false

    /// The request whose response is written now or next.
    var current: Exchange { exchanges.first ?? Exchange() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefused else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            isInRequest = true
            isInChunks = head.headers.contains(name: "transfer-encoding")
            readHead(head, context)
        case .body(let body): context.fireChannelRead(wrapInboundOut(.body(body)))
        case .end(let trailers):
            isInRequest = false
            isInChunks = false
            context.fireChannelRead(wrapInboundOut(.end(trailers.map { HTTPFields($0, splitCookie: false) })))
        }
    }

    private func readHead(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        do throws(APIError) {
            try Self.check(head)
            guard let request = try? HTTPRequest(head, secure: false, splitCookie: false) else {
                throw APIError(
                    .invalidRequest, "The request's method \"\(head.method.rawValue.excerpt(bytes: 64))\" is not valid")
            }
            let isModern = head.version.minor >= 1
            exchanges.append(
                Exchange(isModern: isModern, isHead: head.method == .HEAD, closes: !isModern || !head.isKeepAlive))
            context.fireChannelRead(wrapInboundOut(.head(request)))
        } catch {
            isRefused = true
            context.fireErrorCaught(RefusedRequest(error))
        }
    }

    /// Checks the rules on which the boundary between messages, and the choice of the server, depend. Two servers that
    /// disagree about these enable request smuggling.
    /// - Throws: `invalidRequest` or `notImplemented` that names the header and the rule.
    static func check(_ head: HTTPRequestHead) throws(APIError) {
        let hosts = head.headers["host"].count
        guard hosts <= 1 else {
            throw APIError(.invalidRequest, "Header 'Host': One is required, but got \(hosts)")
        }
        guard hosts == 1 || head.version.minor < 1 else {
            throw APIError(.invalidRequest, "Header 'Host': HTTP/1.1 requires it, but it is missing")
        }
        let codings = head.headers[canonicalForm: "transfer-encoding"].map { $0.lowercased() }
        guard !codings.isEmpty, codings != ["chunked"] || head.version.minor < 1 else { return }
        guard head.version.minor >= 1 else {
            throw APIError(.invalidRequest, "Header 'Transfer-Encoding': HTTP/1.0 does not allow it")
        }
        let got = "but got \"\(codings.joined(separator: ", ").excerpt(bytes: 64))\""
        // Otherwise the end of the body is unknown.
        guard codings.last == "chunked", codings.count(where: { $0 == "chunked" }) == 1 else {
            throw APIError(.invalidRequest, "Header 'Transfer-Encoding': Value must end with chunked, \(got)")
        }
        throw APIError(.notImplemented, "Header 'Transfer-Encoding': Value must be chunked, \(got)")
    }

    // MARK: Responses

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            context.write(wrapOutboundOut(.head(framed(head))), promise: promise)
        case .body(let body):
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: promise)
        case .end(let trailers):
            if !exchanges.isEmpty { exchanges.removeFirst() }
            context.write(wrapOutboundOut(.end(trailers.map { HTTPHeaders($0) })), promise: promise)
        }
    }

    /// The head of a response with the framing that its request needs.
    private func framed(_ response: HTTPResponse) -> HTTPResponseHead {
        var head = HTTPResponseHead(response)
        guard head.status.mayHaveResponseBody else {
            head.headers.remove(name: "content-length")
            head.headers.remove(name: "transfer-encoding")
            return head
        }
        let hasLength = head.headers.contains(name: "content-length")
        if hasLength || current.isHead || !current.isModern {
            head.headers.remove(name: "transfer-encoding")
        } else {
            head.headers.replaceOrAdd(name: "transfer-encoding", value: "chunked")
        }
        return head
    }
}
