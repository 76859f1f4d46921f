internal import HTTPTypes
internal import Hummingbird
internal import MartletObservability

/// Counts requests and names each one, so that a client's report can be matched with a log line.
struct ObservationMiddleware: RouterMiddleware {
    let metrics: RequestMetrics

    func handle(
        _ request: Request, context: EdgeContext, next: @concurrent (Request, EdgeContext) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        response.headers[.requestID] = context.requestID
        metrics.count(
            method: request.method.rawValue, route: context.endpointPath ?? "none", status: response.status.code)
        return response
    }
}
