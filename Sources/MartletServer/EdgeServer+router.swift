internal import Hummingbird
internal import MartletAPI
internal import MartletGenerations
internal import MartletObservability
internal import MartletPlatform
internal import MartletPool
internal import MartletStreams

extension EdgeServer {
    /// All routes behind the middleware, outermost first: observation sees every response, then CORS, errors, site
    /// rules,
    /// keys, admission.
    func router(_ journal: Journal?) -> Router<EdgeContext> {
        let metrics = RequestMetrics()
        let routes = routes(journal, metrics)
        let router = Router(context: EdgeContext.self, options: .autoGenerateHeadEndpoints)
        router.add(
            middleware: ObservationMiddleware(
                metrics: metrics, accessLog: configuration.accessLog, tracing: tracing, parts: parts))
        router.add(middleware: CrossOriginMiddleware(policy: configuration.crossOrigin))
        router.add(middleware: ErrorMiddleware(routes: routes, bodyLimit: configuration.limits.bodyBytes))
        router.add(
            middleware: SiteMiddleware(
                hosts: configuration.hostPolicy,
                pages: configuration.pageOriginRule, maximumURIBytes: configuration.limits.uriBytes))
        router.add(
            middleware: AuthenticationMiddleware(keys: configuration.apiKeys, servesPage: configuration.servesPage))
        router.add(
            middleware: AdmissionMiddleware(
                connections: connections, routes: routes, limit: configuration.limits.connections))
        routes.register(in: router)
        return router
    }

    /// The table of all routes.
    /// - Parameters:
    ///   - journal: the journal, whose metrics a route shows.
    ///   - metrics: the counts of requests.
    func routes(_ journal: Journal? = nil, _ metrics: RequestMetrics = RequestMetrics()) -> RouteTable {
        var routes = RouteTable()
        let startTime = time(nil)
        ServerRoutes(
            configuration: configuration, models: models, registry: registry, journal: journal, metrics: metrics,
            startTime: startTime, pool: pool
        ).add(to: &routes, withModels: pool == nil)
        if let pool {
            PoolRoutes(pool: pool, configuration: configuration, startTime: startTime).add(to: &routes)
        }
        SlotRoutes(configuration: configuration, models: models).add(to: &routes)
        history.add(to: &routes)
        SavedChatRoutes(chats: savedChats()).add(to: &routes)
        if configuration.servesPage { PageRoutes(pack: pagePack()).add(to: &routes) }
        PrefixRoutes(service: prefixService, configuration: configuration).add(to: &routes)
        AdapterRoutes(configuration: configuration, models: models).add(to: &routes)
        EmbeddingRoutes(configuration: configuration, models: models, registry: registry).add(to: &routes)
        RerankRoutes(configuration: configuration, models: models, registry: registry).add(to: &routes)
        OllamaRoutes(
            configuration: configuration, completions: completions, models: models, pool: pool, registry: registry,
            startTime: startTime
        ).add(to: &routes)
        completions.add(to: &routes)
        ResponseRoutes(history: responseHistory, registry: registry, loops: loops).add(to: &routes)
        ConversationRoutes(
            files: responseHistory.stores.conversations, registry: registry,
            bodyLimit: configuration.limits.bodyBytes
        ).add(to: &routes)
        StoredCompletionRoutes(
            history: responseHistory, registry: registry, bodyLimit: configuration.limits.bodyBytes
        ).add(to: &routes)
        ResponseSocketRoute(configuration: configuration, completions: completions, loops: loops).add(to: &routes)
        StreamRoutes(
            registry: registry, recovery: recovery, loops: loops, bodyLimit: configuration.limits.bodyBytes
        ).add(to: &routes)
        GenerationRoutes(registry: registry, recovery: recovery, loops: loops).add(to: &routes)
        let control = ControlService(registry: registry, recovery: recovery)
        ControlRoutes(
            service: control, bodyLimit: configuration.limits.bodyBytes, defaults: configuration.completionDefaults
        ).add(to: &routes)
        RealtimeRoute(
            configuration: configuration, completions: completions, control: control, loops: loops
        ).add(to: &routes)
        // The last route: the document has the routes before it, and itself.
        let described = routes.all + [("get", "/openapi.json")]
        let (build, needsKey) = (configuration.build, !configuration.apiKeys.isEmpty)
        routes.add(.get, "/openapi.json") { _, _ in
            .json(OpenAPIDocument.json(of: described, build: build, needsKey: needsKey))
        }
        return routes
    }

    /// The saved chats of all keys; nil without `--history`.
    private func savedChats() -> SavedChats? {
        configuration.historyPath.map {
            SavedChats(path: $0, byteLimit: configuration.limits.historyBytes, logger: logger)
        }
    }
}
