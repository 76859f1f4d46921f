internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import MartletObservability
internal import MartletStreams
import MartletText
internal import Tracing

/// Counts, logs and traces requests, and gives each response a request id, by which a report can be matched with a log
/// line.
struct ObservationMiddleware: RouterMiddleware {
    let metrics: RequestMetrics
    let accessLog: AccessLog?
    let tracing: RequestTracing
    let parts: RunningParts

    func handle(
        _ request: Request, context: EdgeContext, next: @concurrent (Request, EdgeContext) async throws -> Response
    ) async throws -> Response {
        let begin = ContinuousClock.now
        let method = request.method.rawValue
        let trace = TraceContext(request.headers[.traceParent])
        let span = tracing.begin(method: method, request.headers)
        var context = context
        if let trace { context.logger[metadataKey: "trace"] = "\(trace.traceID)" }
        context.requestInfo.traceContext = span?.context
        var response: Response
        let number = parts.beginRequest("\(method) \(request.uri.path.excerpt(bytes: 128))")
        defer { parts.endRequest(number) }
        do {
            response = try await next(request, context)
        } catch {
            span?.end(route: context.endpointPath ?? "none", status: nil)
            throw error
        }
        response.headers[.requestID] = context.requestID
        if let trace { response.headers[.traceParent] = trace.child().header }
        if let span { tracing.name(span, in: &response.headers) }
        let route = context.endpointPath ?? "none"
        let status = response.status.code
        metrics.count(method: method, route: route, status: status)

        let log = accessLog.flatMap { $0.includes(route: route) ? $0 : nil }
        guard log != nil || span != nil else { return response }
        let report = { @Sendable [context] in
            span?.end(route: route, status: status)
            guard let log else { return }
            let record = AccessRecord(
                time: Timestamp.now(), requestID: context.requestID, traceID: trace?.traceID,
                requestInfo: context.requestInfo,
                method: method, route: route, status: status, duration: begin.duration(to: .now))
            log.write(record.line(log.format))
        }
        if response.body.contentLength == nil {
            response.body = Self.observed(response.body, requestInfo: context.requestInfo, ended: report)
        } else {
            report()
        }
        return response
    }

    /// Calls `ended` after the last byte of a body.
    ///
    /// If the client disconnects before, its plain generation is cancelled. Then the generation's end is awaited,
    /// because
    /// the counts are known only then.
    private static func observed(
        _ body: ResponseBody, requestInfo: RequestInfo, ended: @escaping @Sendable () -> Void
    ) -> ResponseBody {
        ResponseBody { writer in
            defer {
                requestInfo.whenComplete {
                    guard let generation = requestInfo.generation, !generation.spec.isResumable,
                        generation.log.terminalEvent == nil
                    else { return ended() }
                    Task {
                        await generation.log.waitForEnd()
                        ended()
                    }
                }
            }
            try await body.write(writer)
        }
    }
}
