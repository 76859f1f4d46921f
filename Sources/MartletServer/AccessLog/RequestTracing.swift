internal import HTTPTypes
internal import MartletProtocol
internal import MartletStreams
internal import Tracing

/// Spans of requests and generations for the process's tracer. Without a tracer no span is made.
struct RequestTracing: Sendable {
    private let tracer: (any Tracer)?

    /// - Parameter tracer: nil = the tracer with which the process was bootstrapped, if there is one.
    init(_ tracer: (any Tracer)?) {
        let tracer = tracer ?? InstrumentationSystem.tracer
        self.tracer = tracer is NoOpTracer ? nil : tracer
    }

    /// Begins the span of a request, as a child of the span that its headers name.
    func begin(method: String, _ headers: HTTPFields) -> (any Span)? {
        guard let tracer else { return nil }
        var context = InstrumentationContext.topLevel
        tracer.extract(headers, into: &context, using: HeaderFields())
        let span = tracer.startAnySpan(method, context: context, ofKind: .server)
        span.attributes["http.request.method"] = method
        return span
    }

    /// Adds the trace context of a span to the headers of a response, so that a client can find the span.
    func name(_ span: any Span, in headers: inout HTTPFields) {
        tracer?.inject(span.context, into: &headers, using: HeaderFields())
    }

    /// Makes the span of a generation. It lasts until the generation's end, possibly long after the request's span.
    /// - Parameter context: the request's trace context; nil if an earlier server process received the request.
    func trace(_ generation: Generation, within context: InstrumentationContext?) {
        guard let tracer else { return }
        let span = tracer.startAnySpan("generation", context: context ?? .topLevel, ofKind: .internal)
        span.attributes["gen_ai.response.id"] = generation.spec.responseID
        span.attributes["gen_ai.response.model"] = generation.spec.head.model
        if generation.isRestored { span.attributes["martlet.continued"] = true }
        Task {
            await generation.log.waitForEnd()
            switch generation.log.terminalEvent {
            case .finished(let completion):
                span.attributes["gen_ai.response.finish_reasons"] = [completion.reason.accessName]
                span.attributes["gen_ai.usage.input_tokens"] = completion.timings.promptTokens
                span.attributes["gen_ai.usage.output_tokens"] = completion.timings.predictedTokens
                span.attributes["martlet.cached_tokens"] = completion.timings.cachedTokens
                span.attributes["martlet.queue_seconds"] = completion.timings.queueTime / .seconds(1)
                span.attributes["martlet.prompt_seconds"] = completion.timings.promptTime / .seconds(1)
            case .failed(let error): span.setStatus(SpanStatus(code: .error, message: error.message))
            // The generation continues in the next process.
            default: break
            }
            span.end()
        }
    }
}

extension Span {
    /// Ends the span of a request.
    /// - Parameter status: the status of the response; nil if no response was made.
    func end(route: String, status: Int?) {
        updateName(to: route)
        attributes["http.route"] = route
        if let status { attributes["http.response.status_code"] = status }
        if status ?? 500 >= 500 { setStatus(SpanStatus(code: .error)) }
        end()
    }

    private func updateName(to route: String) { operationName += " " + route }
}

/// Reads and writes trace contexts in header fields.
private struct HeaderFields: Extractor, Injector {
    func extract(key: String, from carrier: HTTPFields) -> String? {
        HTTPField.Name(key).flatMap { carrier[$0] }
    }

    func inject(_ value: String, forKey key: String, into carrier: inout HTTPFields) {
        if let name = HTTPField.Name(key) { carrier[name] = value }
    }
}
