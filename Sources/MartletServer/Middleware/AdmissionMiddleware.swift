internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletStreams

/// Refuses requests on connections beyond the limit, except requests that observe or stop.
struct AdmissionMiddleware: RouterMiddleware {
    let connections: OpenConnections
    let routes: RouteTable
    /// The most connections, for the message.
    let limit: Int

    func handle(
        _ request: Request, context: EdgeContext, next: @concurrent (Request, EdgeContext) async throws -> Response
    ) async throws -> Response {
        let purpose = routes.purpose(of: request.method, context.endpointPath)
        guard connections.admit(context.channel, for: purpose) else {
            let most = purpose == .reading ? "the most connections that may read streams" : "\(limit) connections"
            throw APIError(
                .overloaded,
                "This server has \(most), which is its limit (--max-connections); "
                    + "health, /slots, stops and control commands are served in any case")
        }
        context.requestInfo.loadsModel = try request.autoload
        return try await next(request, context)
    }
}
