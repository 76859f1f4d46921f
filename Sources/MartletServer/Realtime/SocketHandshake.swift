internal import Crypto
internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletStreams
import MartletText

/// The opening handshake of a WebSocket (RFC 6455, 4.2).
///
/// A browser lets a page choose nothing of it except the list of subprotocols. So a page sends its API key as one more
/// subprotocol, which no response ever names.
struct SocketHandshake {
    /// The subprotocol of this server.
    static let subprotocol = "martlet.v1"
    /// The prefix of a subprotocol that carries an API key.
    private static let keyPrefix = "martlet.key."
    /// RFC 6455, 1.3.
    private static let acceptSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

    /// The headers of the response that opens the WebSocket.
    let headers: HTTPFields

    /// - Throws: `upgradeRequired`, `forbidden` or `invalidRequest` that names the header and the rule.
    init(_ request: Request, pages: PageOriginRule) throws(APIError) {
        let fields = request.headers
        guard request.method == .get, Self.words(fields[.connection]).contains("upgrade"),
            Self.words(fields[.upgrade]).contains("websocket")
        else {
            throw APIError(.upgradeRequired, "This route is a WebSocket: the request must ask for an upgrade to one")
        }
        guard fields[.secWebSocketVersion] == "13" else {
            throw APIError(.upgradeRequired, "Header 'Sec-WebSocket-Version': Value must be 13")
        }
        // The server must check the origin, because a browser lets any page open and read a WebSocket.
        if let origin = fields[.origin], !pages.allows(origin, at: request.head.authority) {
            throw APIError(
                .forbidden,
                "Header 'Origin': pages of \"\(origin.excerpt(bytes: 256))\" may not use this server; "
                    + "start it with --cors-origins to allow them")
        }
        guard let key = fields[.secWebSocketKey], Base64.decode(key)?.count == 16 else {
            throw APIError(.invalidRequest, "Header 'Sec-WebSocket-Key': Value must be 16 bytes in base64")
        }
        guard fields[.contentLength] ?? "0" == "0" else {
            throw APIError(.invalidRequest, "The request that opens a WebSocket has no body")
        }
        var headers: HTTPFields = [
            .upgrade: "websocket", .connection: "upgrade", .secWebSocketAccept: Self.acceptance(of: key),
        ]
        let offered = Self.subprotocols(fields)
        if offered.contains(Self.subprotocol) {
            headers[.secWebSocketProtocol] = Self.subprotocol
        } else if offered.contains(where: { !$0.hasPrefix(Self.keyPrefix) }) {
            throw APIError(
                .invalidRequest, "Header 'Sec-WebSocket-Protocol': This server speaks \(Self.subprotocol) only")
        }
        self.headers = headers
    }

    /// The API key among the subprotocols: `martlet.key.` and the key's UTF-8 in base64url without padding.
    static func key(in fields: HTTPFields) -> String? {
        guard let entry = subprotocols(fields).first(where: { $0.hasPrefix(keyPrefix) }) else { return nil }
        return Base64.decode(String(entry.dropFirst(keyPrefix.count))).flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// The value of `Sec-WebSocket-Accept` for a key.
    private static func acceptance(of key: String) -> String {
        var hash = Insecure.SHA1()
        Array((key + acceptSuffix).utf8).withUnsafeBytes { hash.update(bufferPointer: $0) }
        return String(decoding: Base64.encode(Array(hash.finalize())), as: UTF8.self)
    }

    private static func subprotocols(_ fields: HTTPFields) -> [String] {
        list(fields[.secWebSocketProtocol])
    }

    private static func words(_ field: String?) -> [String] { list(field).map { $0.lowercased() } }

    /// The elements of a comma-separated header, without blanks at both ends.
    private static func list(_ field: String?) -> [String] {
        (field ?? "").split(separator: ",").map { part in
            String(part.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
        }
    }
}
