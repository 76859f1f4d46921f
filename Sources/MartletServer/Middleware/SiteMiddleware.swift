internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletStreams
import MartletText

/// Protects against foreign web pages: refuses names of other sites (DNS rebinding) and changes by pages of other
/// origins (CSRF). Also limits the length of targets.
struct SiteMiddleware: RouterMiddleware {
    let hosts: HostPolicy
    let pages: PageOriginRule
    /// The most bytes of a request's target.
    let maximumURIBytes: Int

    func handle(
        _ request: Request, context: EdgeContext, next: @concurrent (Request, EdgeContext) async throws -> Response
    ) async throws -> Response {
        let length = request.uri.description.utf8.count
        guard length <= maximumURIBytes else {
            throw APIError(
                .uriTooLong, "The request's target may have at most \(maximumURIBytes) bytes, but has \(length)")
        }
        guard hosts.allows(request.head.authority) else {
            throw APIError(
                .forbidden,
                "Header 'Host': \(Self.quoted(request.head.authority)) is not a name of this server; "
                    + "start it with --allowed-hosts to add names")
        }
        // Reading needs no check: without CORS headers the browser does not show the response to the page.
        if let origin = request.headers[.origin], !Self.isReading(request.method),
            !pages.allows(origin, at: request.head.authority)
        {
            throw APIError(
                .forbidden,
                "Header 'Origin': pages of \(Self.quoted(origin)) may not use this server; "
                    + "start it with --cors-origins to allow them")
        }
        return try await next(request, context)
    }

    /// Methods that change nothing.
    private static func isReading(_ method: HTTPRequest.Method) -> Bool {
        method == .get || method == .head || method == .options
    }

    private static func quoted(_ text: String?) -> String { "\"\((text ?? "").excerpt(bytes: 256))\"" }
}
