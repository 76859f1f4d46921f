internal import HTTPTypes
internal import Hummingbird

/// Implements CORS: responds to preflight requests, and adds headers that let pages of allowed origins read responses.
struct CrossOriginMiddleware: RouterMiddleware {
    let policy: CrossOriginPolicy

    func handle(
        _ request: Request, context: EdgeContext, next: @concurrent (Request, EdgeContext) async throws -> Response
    ) async throws -> Response {
        let allowed = policy.allowedOrigin(for: request.headers[.origin])
        var response: Response
        if request.method == .options {
            response = Response(status: .ok, headers: [.contentType: "text/html"])
            if allowed != nil || policy.isExplicit {
                response.headers[.accessControlAllowMethods] = policy.methods
                response.headers[.accessControlAllowHeaders] = policy.headers
                response.headers[.accessControlAllowCredentials] = policy.allowsCredentials ? "true" : nil
            }
        } else {
            response = try await next(request, context)
        }
        guard let allowed else { return response }
        response.headers[.accessControlAllowOrigin] = allowed
        response.headers[.accessControlExposeHeaders] =
            "X-Generation-Id, X-Conversation-Id, X-Request-Id, X-Martlet-Warnings, Location"
        if policy.allowsCredentials { response.headers[.accessControlAllowCredentials] = "true" }
        if policy.origins == .localhost || policy.allowsCredentials {
            response.headers.append(.init(name: .vary, value: "Origin"))
        }
        return response
    }
}
