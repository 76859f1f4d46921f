internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletStreams

/// Demands a valid API key, except for the health routes. Records the key's label and owner.
struct AuthenticationMiddleware: RouterMiddleware {
    let keys: APIKeys
    /// Monitors have no keys.
    private static let publicPaths: Set = ["/health", "/v1/health"]

    func handle(
        _ request: Request, context: EdgeContext, next: @concurrent (Request, EdgeContext) async throws -> Response
    ) async throws -> Response {
        guard !keys.isEmpty else { return try await next(request, context) }
        let match = Credentials.presented(in: request.headers).lazy.compactMap { keys.match($0) }.first
        guard match != nil || Self.publicPaths.contains(RequestPath(request.uri.path).text) else {
            throw APIError(.authentication, "Invalid API Key")
        }
        context.requestInfo.keyLabel = match?.label
        if let match {
            context.requestInfo.owner = match.owner
            context.requestInfo.mayRaisePriority = match.mayRaisePriority
        }
        return try await next(request, context)
    }
}
