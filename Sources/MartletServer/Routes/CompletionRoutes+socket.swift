internal import MartletAPI
internal import MartletGenerations
internal import MartletJSON
internal import MartletProtocol
internal import MartletStreams
internal import NIOCore

extension CompletionRoutes {
    /// Begins a response of a WebSocket and waits for its admission.
    ///
    /// - Parameters:
    ///   - local: the responses that only the WebSocket knows.
    ///   - generations: gets the generation before it is submitted.
    /// - Returns: the generation, and the request with its stored items.
    /// - Throws: the errors of the same request over HTTP.
    func begin(
        _ request: JSONValue, after local: LocalResponses, for client: SocketPeer, of generations: SocketGenerations,
        on eventLoop: any EventLoop
    ) async throws -> (Generation, JSONValue) {
        let dialect = Dialect.responses
        let plan = try await plan(of: request, in: dialect, for: client.owner, on: eventLoop) { local.found($0) }
        let fields = try ResumeFields(client.headers, plan.options, resumesAlways: configuration.resumesAlways)
        var terms = GenerationTerms(owner: client.owner, lifetime: fields.lifetime, label: fields.label)
        terms.mayRaisePriority = client.mayRaisePriority
        terms.loadsModel = client.loadsModel
        let generation = try await service.start(plan, terms, on: eventLoop) { generation in
            generations.add(generation)
            tracing.trace(generation, within: nil)
            history.record(generation, plan.kind, plan.body)
        }
        return (generation, plan.body)
    }
}

extension APIError {
    /// Any error of a completion's beginning as a client sees it.
    init(ofCompletion error: any Error) {
        switch error {
        case let error as APIError: self = error
        case let error as EngineError: self = APIError(error)
        case let error as GenerationError: self = APIError(error)
        case let error as GenerationQuota.Excess: self = APIError(GenerationError(error))
        case is CancellationError: self = APIError(.unavailable, "The server is shutting down")
        default: self = APIError(.failed, "The server failed to process this request")
        }
    }
}
