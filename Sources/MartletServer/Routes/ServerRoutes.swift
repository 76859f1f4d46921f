internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletChat
internal import MartletGenerations
internal import MartletJSON
internal import MartletModels
internal import MartletObservability
internal import MartletPool
internal import MartletProtocol
internal import MartletStreams
import MartletText
internal import NIOCore

/// The routes that describe the server: health, models, properties, slots, metrics and tokenization.
///
/// Only tokenization needs a loaded model and loads it on demand. The other routes never wake a model.
struct ServerRoutes: Sendable {
    let configuration: ServerConfiguration
    let models: any ModelDirectory
    let registry: GenerationRegistry
    let journal: Journal?
    let metrics: RequestMetrics
    /// The time at which the server started, in seconds since 1970.
    let startTime: Int
    /// The models of a server that loads and unloads them; nil for a server of one model.
    let pool: ModelPool?

    /// - Parameter withModels: whether the routes of models are those of a server with one model.
    func add(to table: inout RouteTable, withModels: Bool = true) {
        if withModels { addModels(to: &table) }
        table.add(.get, "/health", "/v1/health", for: .essential) { _, _ in
            let readiness = models.all.map(\.readiness)
            let isReady = readiness.contains { if case .ready = $0.state { true } else { false } }
            // A server that loads models on demand is ready with none.
            if !isReady, let only = models.only, !only.loadsOnDemand { throw only.readiness.unavailability }
            return .json(["status": "ok"])
        }
        table.add(.get, "/props") { request, _ in
            do throws(GenerationError) {
                let handle = try models.model(of: request)
                // A sleeping model is not woken: the facts of its last load have not changed.
                if handle.loadsOnDemand, let model = handle.readiness.lastModel {
                    return .json(properties(of: model, handle))
                }
                return .json(properties(of: try handle.readyModel(), handle))
            } catch {
                // A server with several models describes itself, so that a page works before the first load.
                guard !withModels, request.uri.queryParameters["model"] == nil else { throw error }
                return .json(
                    ServerBodies.properties(
                        defaults: configuration.completionDefaults, endpoints: endpoints, build: configuration.build,
                        maximumModelCount: pool?.settings.limits.maximumModelCount ?? 0,
                        loadsOnDemand: pool?.settings.loadsOnDemand ?? true))
            }
        }
        table.add(.post, "/props") { request, _ in
            guard configuration.changesProperties else { throw disabled("POST /props", flag: "--props") }
            _ = try await request.json(upTo: configuration.limits.bodyBytes)
            return .json(["success": true])
        }
        table.add(.get, "/slots", for: .essential) { request, _ in try await slots(request) }
        table.add(.get, "/metrics") { _, _ in try await metricsText() }
        table.add(.post, "/tokenize") { request, context in
            let body = try TokenizeRequest(try await request.json(upTo: configuration.limits.textBodyBytes))
            let (handle, terms) = (try models.model(of: request, body.model), try LeaseTerms(request))
            let tokens = try await context.untilDisconnect {
                try await handle.withModel(terms) { _ in
                    try configuration.limits.text.check([body.prompt], field: "content")
                    return try await handle.engine.tokenize(body.prompt)
                }
            }
            return .json(body.response(tokens))
        }
        table.add(.post, "/detokenize") { request, context in
            let body = try DetokenizeRequest(try await request.json(upTo: configuration.limits.textBodyBytes))
            let (handle, terms) = (try models.model(of: request, body.model), try LeaseTerms(request))
            let bytes = try await context.untilDisconnect {
                try await handle.withModel(terms) { _ in
                    try configuration.limits.text.check(tokenCount: body.tokens.count, field: "tokens")
                    return try await handle.engine.detokenize(body.tokens)
                }
            }
            return .json(DetokenizeRequest.response(bytes))
        }
    }

    /// Adds the list of the only model.
    private func addModels(to table: inout RouteTable) {
        table.add(.get, "/v1/models", "/models") { _, _ in
            .json(
                ServerBodies.models(
                    name: configuration.modelName, aliases: configuration.aliases, tags: configuration.modelTags,
                    created: startTime,
                    model: try models.model(named: nil).readyModel().information))
        }
        // A model's name may contain slashes.
        table.add(.get, "/v1/models/**") { request, _ in try modelEntry(request, behind: 2) }
        table.add(.get, "/models/**") { request, _ in try modelEntry(request, behind: 1) }
    }

    /// One model by any of its names.
    /// - Parameter count: the number of parts before the name in the path.
    private func modelEntry(_ request: Request, behind count: Int) throws(GenerationError) -> Response {
        let model = try models.model(named: nil).readyModel()
        let part = RequestPath(request.uri.path).rest(behind: count) ?? ""
        guard let name = PercentEncoding.decoded(part), !name.isEmpty, model.isNamed(name) else {
            throw .unknownModel("The model \"\(part.excerpt(bytes: 256))\" does not exist")
        }
        return .json(
            ServerBodies.model(
                name: configuration.modelName, aliases: configuration.aliases, tags: configuration.modelTags,
                created: startTime, model: model.information))
    }

    /// The body of `/props`.
    private func properties(of model: ServedModel, _ handle: ModelHandle) -> JSONValue {
        ServerBodies.properties(
            model: model.information, name: handle.name, chatTemplate: model.templateSource,
            capabilities: (try? model.template.get().capabilities.json) ?? .null,
            defaults: configuration.completionDefaults,
            endpoints: endpoints, build: configuration.build)
    }

    private var endpoints: ServerBodies.Endpoints {
        (
            slots: configuration.servesSlots, metrics: configuration.servesMetrics,
            properties: configuration.changesProperties, history: configuration.historyPath != nil
        )
    }

    /// The body of `/slots`. `fail_on_no_slot` asks for a 503 if no slot is idle, as load balancers use it.
    private func slots(_ request: Request) async throws -> Response {
        guard configuration.servesSlots else { throw disabled("/slots", flag: "--slots") }
        let handle = try models.model(of: request)
        let model = try handle.readyModel()
        let status = try await handle.engine.status()
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
        // The engine's metrics exist only with a loaded model; the edge's always. Names are labels where several are possible.
        let hasSeveral = models.all.first?.loadsOnDemand ?? false
        EngineMetrics.write(
            await models.engineStatuses.map { EngineMetrics.Report(model: hasSeveral ? $0.model : nil, $0.status) },
            to: &text)
        text.add(
            "martlet_generations_live", .gauge, help: "Generations that run or wait.",
            Double(registry.liveCount))
        text.add(
            "process_start_time_seconds", .gauge, help: "Start time of the server in seconds since 1970.",
            Double(startTime))
        text.add(
            "martlet_model_load_seconds", help: "Time to load a model in seconds.",
            models.all.map { (labels: [("model", $0.name)], value: $0.readiness.loadTimes) })
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
