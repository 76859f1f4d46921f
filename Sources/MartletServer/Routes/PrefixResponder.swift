internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletStreams
import MartletText

/// Puts all routes behind a path, as a server needs it that shares its name with others.
///
/// Example: with the prefix `/llm`, `GET /llm/health` is served by the route `/health`, and `GET /health` is 404.
struct PrefixResponder<Next: HTTPResponder>: HTTPResponder where Next.Context == EdgeContext {
    /// Begins with a slash and does not end with one.
    let prefix: String
    let next: Next

    func respond(to request: Request, context: EdgeContext) async throws -> Response {
        let target = request.head.path ?? ""
        guard target.utf8.starts(with: prefix.utf8) else { return notFound(request) }
        let rest = target.utf8.dropFirst(prefix.utf8.count)
        switch rest.first {
        case nil, UInt8(ascii: "?"):
            // Relative addresses of the page need the slash.
            return Response(
                status: .permanentRedirect, headers: [.location: prefix + "/" + String(Substring(rest))])
        case UInt8(ascii: "/"):
            var head = request.head
            head.path = String(Substring(rest))
            var response = try await next.respond(to: Request(head: head, body: request.body), context: context)
            if let location = response.headers[.location], location.hasPrefix("/") {
                response.headers[.location] = prefix + location
            }
            return response
        default: return notFound(request)
        }
    }

    private func notFound(_ request: Request) -> Response {
        .error(
            APIError(
                .notFound, "There is no route \(request.uri.path.excerpt(bytes: 256)): all routes begin with \(prefix)")
        )
    }
}
