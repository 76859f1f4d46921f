internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletStreams

/// Demands a valid API key, except for the health routes and the files of the chat page. Records the key's label and owner.
struct AuthenticationMiddleware: RouterMiddleware {
    let keys: APIKeys
    /// Whether the chat page is served. Its files are public; the page itself asks for a key.
    let servesPage: Bool
    /// Monitors have no keys.
    private static let publicPaths: Set = ["/health", "/v1/health"]

    func handle(
        _ request: Request, context: EdgeContext, next: @concurrent (Request, EdgeContext) async throws -> Response
    ) async throws -> Response {
        guard !keys.isEmpty else { return try await next(request, context) }
        let match = Credentials.presented(in: request.headers).lazy.compactMap { keys.match($0) }.first
        guard match != nil || isPublic(RequestPath(request.uri.path), request.method) else {
            throw APIError(.authentication, "Invalid API Key")
        }
        context.requestInfo.keyLabel = match?.label
        if let match {
            context.requestInfo.owner = match.owner
            context.requestInfo.mayRaisePriority = match.mayRaisePriority
        }
        return try await next(request, context)
    }

    private func isPublic(_ path: RequestPath, _ method: HTTPRequest.Method) -> Bool {
        Self.publicPaths.contains(path.text)
            || servesPage && (method == .get || method == .head) && PageRoutes.isPublic(path)
    }
}
