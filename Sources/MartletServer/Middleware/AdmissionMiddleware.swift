internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI

/// Refuses requests on connections beyond the limit, but for requests that observe or stop.
struct AdmissionMiddleware: RouterMiddleware {
    let connections: OpenConnections
    let routes: RouteTable
    /// Most connections.
    let limit: Int

    func handle(
        _ request: Request, context: EdgeContext, next: @concurrent (Request, EdgeContext) async throws -> Response
    ) async throws -> Response {
        let purpose = routes.purpose(of: request.method, context.endpointPath)
        guard connections.admit(context.channel, for: purpose) else {
            let most = purpose == .reading ? "as many connections that read streams as may be" : "\(limit) connections"
            throw APIError(
                .overloaded,
                "This server has \(most), which is its limit (--max-connections); "
                    + "health, /slots, stops and orders are answered all the same")
        }
        return try await next(request, context)
    }
}
