internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import MartletObservability
internal import MartletStreams

/// Counts and logs requests and names each one, so that a client's report can be matched with a log line.
struct ObservationMiddleware: RouterMiddleware {
    let metrics: RequestMetrics
    let accessLog: AccessLog?

    func handle(
        _ request: Request, context: EdgeContext, next: @concurrent (Request, EdgeContext) async throws -> Response
    ) async throws -> Response {
        let begin = ContinuousClock.now
        let trace = TraceContext(request.headers[.traceParent])
        var context = context
        if let trace { context.logger[metadataKey: "trace"] = "\(trace.traceID)" }
        var response = try await next(request, context)
        response.headers[.requestID] = context.requestID
        if let trace { response.headers[.traceParent] = trace.child().header }
        let method = request.method.rawValue
        let route = context.endpointPath ?? "none"
        metrics.count(method: method, route: route, status: response.status.code)

        guard let accessLog, accessLog.includes(route: route) else { return response }
        let report = { @Sendable [context, status = response.status.code] in
            let record = AccessRecord(
                time: Timestamp.now(), requestID: context.requestID, traceID: trace?.traceID, notes: context.notes,
                method: method, route: route, status: status, duration: begin.duration(to: .now))
            accessLog.write(record.line(accessLog.format))
        }
        if response.body.contentLength == nil {
            response.body = Self.observed(response.body, notes: context.notes, ended: report)
        } else {
            report()
        }
        return response
    }

    /// Calls `ended` after the last byte. When the client goes away before, a plain generation is being cancelled; its end
    /// is waited for, as only then it is known what it cost.
    private static func observed(
        _ body: ResponseBody, notes: RequestNotes, ended: @escaping @Sendable () -> Void
    ) -> ResponseBody {
        ResponseBody { writer in
            let result: Result<Void, any Error>
            do {
                result = .success(try await body.write(writer))
            } catch {
                result = .failure(error)
            }
            if let generation = notes.generation, !generation.terms.isResumable { await generation.log.waitForEnd() }
            ended()
            try result.get()
        }
    }
}
