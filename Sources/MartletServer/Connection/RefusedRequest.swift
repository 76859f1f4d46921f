internal import HTTPTypes
internal import MartletAPI
internal import NIOCore
internal import NIOHTTPTypes

/// A request that is refused because of its head, or because its bytes are no HTTP. No route sees it, and the
/// connection
/// ends with the response.
struct RefusedRequest: Error {
    let error: APIError

    init(_ error: APIError) { self.error = error }

    /// The parts of the response.
    var response: [HTTPResponsePart] {
        let body = error.body()
        let head = HTTPResponse(
            status: HTTPResponse.Status(code: error.status),
            headerFields: [
                .contentType: "application/json; charset=utf-8", .contentLength: "\(body.count)", .connection: "close",
            ])
        return [.head(head), .body(ByteBuffer(bytes: body)), .end(nil)]
    }
}
