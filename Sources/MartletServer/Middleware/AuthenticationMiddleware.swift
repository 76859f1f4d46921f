internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI

/// Lets only holders of an API key in, except to the health routes.
struct AuthenticationMiddleware: RouterMiddleware {
    let keys: APIKeys
    private static let publicPaths: Set = ["/health", "/v1/health"]

    func handle(
        _ request: Request, context: EdgeContext, next: @concurrent (Request, EdgeContext) async throws -> Response
    ) async throws -> Response {
        guard !keys.isEmpty else { return try await next(request, context) }
        let match = keys.match(Self.key(of: request))
        guard match != nil || Self.publicPaths.contains(request.uri.path) else {
            throw APIError(.authentication, "Invalid API Key")
        }
        context.notes.keyLabel = match?.label
        if let match { context.notes.owner = match.owner }
        return try await next(request, context)
    }

    /// From `Authorization: Bearer …`, else from `X-Api-Key`, as llama-server reads it; else as pages can show it that
    /// open a WebSocket.
    private static func key(of request: Request) -> String {
        var text = request.headers[.authorization] ?? ""
        if text.isEmpty { text = request.headers[.apiKey] ?? "" }
        if text.isEmpty { return SocketHandshake.key(in: request.headers) ?? "" }
        return text.hasPrefix("Bearer ") ? String(text.dropFirst(7)) : text
    }
}
