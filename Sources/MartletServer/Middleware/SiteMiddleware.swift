internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI

/// Refuses what a web page of a site that has no business here lets its visitor's browser send.
struct SiteMiddleware: RouterMiddleware {
    let hosts: HostPolicy
    let origins: CrossOriginPolicy
    /// Of a request's target.
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
                "Header 'Host': \(Self.quoted(request.head.authority)) is no name of this server; "
                    + "start it with --allowed-hosts to add names")
        }
        // Reading is left to the browser, which shows a page nothing that CORS does not allow it.
        if let origin = request.headers[.origin], !Self.isReading(request.method), !origins.allows(origin) {
            throw APIError(
                .forbidden,
                "Header 'Origin': pages of \(Self.quoted(origin)) may not use this server; "
                    + "start it with --cors-origins to let them")
        }
        return try await next(request, context)
    }

    private static func isReading(_ method: HTTPRequest.Method) -> Bool {
        method == .get || method == .head || method == .options
    }

    private static func quoted(_ text: String?) -> String { "\"\((text ?? "").prefix(256))\"" }
}
