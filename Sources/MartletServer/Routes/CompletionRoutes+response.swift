internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletGenerations
internal import MartletStreams
internal import NIOCore

extension CompletionRoutes {
    /// Begins a completion and responds with a stream, with the whole output, or with the state of a background
    /// generation. The response is stored when it has ended, if the request asks for it.
    func respond(
        to plan: CompletionPlan, _ headers: HTTPFields, on context: EdgeContext
    ) async throws -> Response {
        var response = try await makeResponse(plan, headers, on: context)
        response.headers.setWarnings(service.models.warning(about: plan.options.model), plan.options.warnings)
        return response
    }

    private func makeResponse(
        _ plan: CompletionPlan, _ headers: HTTPFields, on context: EdgeContext
    ) async throws -> Response {
        let generation = try await begin(plan, headers, on: context)
        let spec = generation.spec
        if spec.streams {
            return StreamResponse(generation: generation, encodedStream: generation.response, loops: service.loops)
                .response(in: context)
        }
        if spec.lifetime == .background {
            // A dialect with an object for a running response responds with it.
            if let object = generation.runningObject(service.registry) {
                return .json(object, headers: generation.headers)
            }
            return .accepted(generation, service.registry.status(of: generation))
        }
        try await waitForEnd(of: generation, plan, on: context)
        return try generation.wholeResponse()
    }

    /// Begins the generation of a plan for the client of a connection.
    func begin(
        _ plan: CompletionPlan, _ headers: HTTPFields, on context: EdgeContext
    ) async throws -> Generation {
        let fields = try ResumeFields(headers, plan.options, resumesAlways: configuration.resumesAlways)
        var terms = GenerationTerms(
            owner: context.requestInfo.owner, lifetime: fields.lifetime, label: fields.label)
        terms.mayRaisePriority = context.requestInfo.mayRaisePriority
        terms.loadsModel = context.requestInfo.loadsModel
        return try await service.start(plan, terms, on: context.channel.eventLoop) { generation in
            connect(generation, to: context)
            history.record(generation, plan.kind, plan.body)
        }
    }

    /// Returns when a generation has ended and, if it is stored, its response is in its file.
    /// - Throws: if the server ends before.
    func waitForEnd(of generation: Generation, _ plan: CompletionPlan, on context: EdgeContext) async throws(APIError) {
        if generation.spec.isResumable {
            await generation.waitForEnd(on: context.channel)
        } else {
            await generation.log.waitForEnd()
        }
        // A client finds the response that it has received, also after the death of this process.
        if history.records(plan.kind, plan.body) { await generation.log.waitForVisibleEnd() }
        guard generation.log.terminalEvent != nil else { throw APIError.handedOver(generation) }
    }

    /// Makes the generation known to the access log and the tracer. A plain generation ends with the connection.
    private func connect(_ generation: Generation, to context: EdgeContext) {
        context.requestInfo.generation = generation
        tracing.trace(generation, within: context.requestInfo.traceContext)
        guard !generation.spec.isResumable else { return }
        context.channel.withConnection { [registry = service.registry] connection in
            if let connection {
                connection.onDisconnect { registry.cancel(generation.handle) }
            } else {
                registry.cancel(generation.handle)
            }
        }
    }
}

extension Generation {
    /// The whole response of a generation that has ended.
    func wholeResponse() throws(APIError) -> Response {
        let body = try APIError.mapping { () throws(GenerationError) in try spec.view.response(for: log.events) }
        return .json(body, headers: headers)
    }

    /// Returns when the generation has ended or was handed over, or when the client has gone. The wait counts as a
    /// reader, so that the generation does not become an orphan.
    func waitForEnd(upTo timeout: Duration? = nil, on channel: any NIOCore.Channel) async {
        let lease = acquireReaderLease()
        let waiting = Task {
            if let timeout {
                await log.waitForEnd(upTo: TimeAmount(timeout), on: channel.eventLoop)
            } else {
                await log.waitForEnd()
            }
            lease.release()
        }
        waiting.cancelWithConnection(of: channel)
        await withTaskCancellationHandler {
            await waiting.value
        } onCancel: {
            waiting.cancel()
        }
    }
}

extension Task {
    /// Cancels the task if the client goes away before the response in progress has ended.
    func cancelWithConnection(of channel: any NIOCore.Channel) {
        channel.withConnection { connection in
            if let connection { connection.onDisconnect { self.cancel() } } else { self.cancel() }
        }
    }
}

extension APIError {
    /// The server ends under a request that waits for the whole output.
    static func handedOver(_ generation: Generation) -> APIError {
        APIError(
            .unavailable,
            "The server restarts and then continues this generation; fetch the response at "
                + "/v1/generations/\(generation.spec.responseID)/result")
    }
}
