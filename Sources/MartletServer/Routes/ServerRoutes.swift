internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletChat
internal import MartletGenerations
internal import MartletJSON
internal import MartletObservability
internal import MartletProtocol
internal import MartletStreams
internal import NIOCore

/// The routes that describe the server: health, models, properties, slots, metrics and tokenization.
struct ServerRoutes: Sendable {
    let configuration: ServerConfiguration
    let engine: any EngineService
    let modelReadiness: ModelReadiness
    let registry: GenerationRegistry
    let journal: Journal?
    let metrics: RequestMetrics
    /// The time at which the server started, in seconds since 1970.
    let startTime: Int

    func add(to table: inout RouteTable) {
        table.add(.get, "/health", "/v1/health", for: .essential) { _, _ in
            guard case .ready = modelReadiness.state else { throw modelReadiness.unavailability }
            return .json(["status": "ok"])
        }
        table.add(.get, "/v1/models", "/models") { _, _ in
            .json(
                ServerBodies.models(
                    name: configuration.modelName, aliases: configuration.aliases, tags: configuration.modelTags,
                    created: startTime,
                    model: try modelReadiness.readyModel().information))
        }
        // A model's name may contain slashes.
        table.add(.get, "/v1/models/**") { request, _ in try modelEntry(request, behind: 2) }
        table.add(.get, "/models/**") { request, _ in try modelEntry(request, behind: 1) }
        table.add(.get, "/props") { _, _ in .json(properties(of: try modelReadiness.readyModel())) }
        table.add(.post, "/props") { request, _ in
            guard configuration.changesProperties else { throw disabled("POST /props", flag: "--props") }
            _ = try await request.json(upTo: configuration.limits.bodyBytes)
            return .json(["success": true])
        }
        table.add(.get, "/slots", for: .essential) { request, _ in try await slots(request) }
        table.add(.get, "/metrics") { _, _ in try await metricsText() }
        table.add(.post, "/tokenize") { request, context in
            let body = try TokenizeRequest(try await request.json(upTo: configuration.limits.textBodyBytes))
            _ = try modelReadiness.readyModel()
            try configuration.limits.text.check([body.prompt], field: "content")
            return .json(body.response(try await context.untilDisconnect { try await engine.tokenize(body.prompt) }))
        }
        table.add(.post, "/detokenize") { request, context in
            let body = try DetokenizeRequest(try await request.json(upTo: configuration.limits.textBodyBytes))
            _ = try modelReadiness.readyModel()
            try configuration.limits.text.check(tokenCount: body.tokens.count, field: "tokens")
            return .json(
                DetokenizeRequest.response(
                    try await context.untilDisconnect { try await engine.detokenize(body.tokens) }))
        }
    }

    /// One model by any of its names.
    /// - Parameter count: the number of parts before the name in the path.
    private func modelEntry(_ request: Request, behind count: Int) throws(GenerationError) -> Response {
        let model = try modelReadiness.readyModel()
        let part = RequestPath(request.uri.path).rest(behind: count) ?? ""
        guard let name = PercentEncoding.decoded(part), !name.isEmpty, model.isNamed(name) else {
            throw .unknownModel("The model \"\(part.prefix(256))\" does not exist")
        }
        return .json(
            ServerBodies.model(
                name: configuration.modelName, aliases: configuration.aliases, tags: configuration.modelTags,
                created: startTime, model: model.information))
    }

    /// The body of `/props`.
    private func properties(of model: ServedModel) -> JSONValue {
        ServerBodies.properties(
            model: model.information, name: configuration.modelName, chatTemplate: model.templateSource,
            capabilities: (try? model.template.get().capabilities.json) ?? .null,
            defaults: configuration.completionDefaults,
            endpoints: (
                slots: configuration.servesSlots, metrics: configuration.servesMetrics,
                properties: configuration.changesProperties
            ),
            build: configuration.build)
    }

    /// The body of `/slots`. `fail_on_no_slot` asks for a 503 if no slot is idle, as load balancers use it.
    private func slots(_ request: Request) async throws -> Response {
        guard configuration.servesSlots else { throw disabled("/slots", flag: "--slots") }
        let model = try modelReadiness.readyModel()
        let status = try await engine.status()
        if request.uri.queryParameters["fail_on_no_slot"] != nil, !status.slots.contains(where: { $0.phase == .idle }) {
            throw APIError(.unavailable, "no slot available")
        }
        return .json(
            ServerBodies.slots(
                status, contextLength: model.information.sequenceContextLength,
                speculates: configuration.completionDefaults.speculation.kinds?.isEmpty == false))
    }

    /// The metrics in Prometheus' text format.
    private func metricsText() async throws -> Response {
        guard configuration.servesMetrics else { throw disabled("/metrics", flag: "--metrics") }
        var text = PrometheusText()
        // The engine's metrics exist only with a model; the edge's always.
        if case .ready = modelReadiness.state { EngineMetrics.write(try await engine.status(), to: &text) }
        text.add(
            "martlet_generations_live", .gauge, help: "Generations that run or wait.",
            Double(registry.liveCount))
        text.add(
            "process_start_time_seconds", .gauge, help: "Start time of the server in seconds since 1970.",
            Double(startTime))
        text.add(
            "martlet_model_load_seconds", help: "Time to load a model in seconds.",
            [(labels: [("model", configuration.modelName)], value: modelReadiness.loadTimes)])
        journal?.metrics.write(to: &text)
        text.add(
            "martlet_log_lines_dropped_total", .counter, help: "Log lines lost because the log's reader was too slow.",
            Double(configuration.droppedLogLineCount()))
        registry.metrics.write(to: &text)
        metrics.write(to: &text)
        return Response(
            status: .ok,
            headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8", .processStart: "\(startTime)"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text.text)))
    }

    private func disabled(_ route: String, flag: String) -> APIError {
        APIError(.notSupported, "\(route) is disabled; start the server with \(flag)")
    }
}
