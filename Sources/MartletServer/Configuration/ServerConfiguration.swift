package import MartletAPI
package import MartletGenerations
package import MartletJSON
package import MartletModels
package import MartletProtocol
internal import MartletStreams
internal import NIOCore
internal import OrderedCollections
package import Tracing

/// The settings of an edge server. Each default suits a user at their own machine.
package struct ServerConfiguration: Sendable {
    /// The addresses to listen on. Default: loopback, so other machines cannot reach the server.
    package var addresses = [ListenAddress.loopback]
    /// The first address, as `--host` spells it. Text that is no address counts as a name.
    package var host: String {
        get { addresses.first?.name ?? "" }
        set { addresses = [ListenAddress(newValue) ?? ListenAddress(endpoint: .host(newValue))] }
    }
    /// The TCP port. 0 = any free port, which `onListening` receives. Default: 8080, as at llama-server.
    package var port = 8080
    /// Called once, with the port, when the server accepts connections on every address. Default: nothing.
    package var onListening: @Sendable (Int) -> Void = { _ in }

    /// The certificate chain and key for HTTPS. Default: none, plain HTTP.
    package var tls: TLSFiles?
    /// The accepted API keys; without keys every request is accepted. Default: none.
    package var apiKeys = APIKeys()
    /// Whether a server without keys may listen on an address that other machines reach. Default: no.
    package var allowsUnauthenticated = false
    /// Values of the `Host` header that are accepted besides names of this machine; `*` = any. Checked if the server
    /// listens on loopback, or if there are any. Default: none.
    package var allowedHosts: [String] = []
    /// The web pages whose scripts may use the server. Default: pages of this machine.
    package var crossOrigin = CrossOriginPolicy()

    /// The names of the model. Responses have the first one. Default: "martlet".
    package var modelNames = ["martlet"]
    /// The operator's names for the model, as the list of models shows them. Default: none.
    package var aliases: [String] = []
    /// Whether a request that names another model gets a 404. Default: no; it is served with a warning, as clients of
    /// llama-server expect from a server of one model.
    package var refusesOtherModelNames = false
    /// The names of this server for names of models in requests. Default: none.
    package var modelNameMap = ModelNameMap()
    /// The tags of the model in the list of models. Default: none.
    package var modelTags: [String] = []
    /// A chat template instead of the one in the model file. Default: the file's.
    package var chatTemplate: String?
    /// Values that chat templates see by name, unless a request sets them. Default: none.
    package var templateArguments: JSONObject = [:]
    /// Whether chat responses contain the output unparsed, with reasoning and tool calls as text. Default: no.
    package var skipsChatParsing = false
    /// The norm of embeddings if a request does not set one. Default: Euclidean.
    package var embeddingNormalization = EmbeddingNormalization.euclidean
    /// Whether an infill prompt begins with the text behind the gap. Default: no.
    package var infillsSuffixFirst = false
    /// The values of completion fields that a request omits.
    package var completionDefaults = CompletionDefaults()

    /// The owners that share cached prompts. Default: each key has its own.
    package var cacheScope = CacheScope.owner
    /// The treatment of lines that change with every request, at the head of a chat. Default: off.
    package var stableHead = StableHead.off
    /// The bounds of requests, connections and generations.
    package var limits = Limits()
    /// The time for which a request waits for admission while the engine restarts, before the response's headers are
    /// sent.
    /// While the engine runs, admission is awaited without a limit, so a refusal is a plain HTTP error. Default: 1 s.
    package var admissionTimeout: Duration = .seconds(1)
    /// The time from the beginning of a shutdown to the end of the process, whatever clients do. Running generations
    /// may
    /// end by themselves for `generationGrace` of it. Default: 3 s.
    package var drainTimeout: Duration = .seconds(3)
    /// Called with the names of the running parts if the server is still running 1 s after `drainTimeout`, or 1 s after
    /// a
    /// second signal. The callee decides whether the process exits. Default: nothing.
    package var onOverdue: @Sendable (String) -> Void = { _ in }
    /// Called with each new state of the engine, on the engine's thread, after the server has recorded it.
    package var onEngineState: @Sendable (EngineState) -> Void = { _ in }
    /// The time in which a connection must send its last event during a shutdown. Default: 0.5 s.
    package var closingTimeout: Duration = .milliseconds(500)

    /// Whether every stream is resumable, even without a request for it. Default: no.
    package var resumesAlways = false
    /// The time for which ended resumable generations are retained. Default: 1 h.
    package var retainTime: Duration = .seconds(3_600)
    /// The time after which a resumable generation without readers is stopped; nil = never. Default: 10 min.
    package var orphanTimeout: Duration? = .seconds(600)

    /// The time for which responses are stored that later requests may continue. Default: 30 days.
    package var responseTime: Duration = .seconds(30 * 24 * 3_600)

    /// The journal that lets resumable generations outlive the server. Default: none.
    package var journal: JournalConfiguration?

    /// Whether the chat page is served at `/`. Default: yes.
    package var servesPage = true
    /// Reads the files of the chat page. Default: those of this build.
    var readPagePack: @Sendable () throws(PagePack.Damage) -> PagePack? = { () throws(PagePack.Damage) in
        try PagePack.embedded()
    }
    /// The folder of saved chats. Default: none, the server stores no chats.
    package var historyPath: String?
    /// The path behind which every route lies, such as `/llm`; "" = none. Default: none.
    package var pathPrefix = ""
    /// Whether `/slots` is served. Default: yes.
    package var servesSlots = true
    /// The folder for files of slots. Default: none, slots cannot be saved.
    package var slotSavePath: String?
    /// Whether `/metrics` is served. Default: yes.
    package var servesMetrics = true
    /// Whether `POST /props` is served. Default: no.
    package var changesProperties = false
    /// Deletes the files of a model on request, and returns the freed bytes. Default: refuses.
    package var removeModel: @Sendable (RegisteredModel) throws(ModelSourceError) -> UInt64 = {
        model throws(ModelSourceError) in throw ModelSourceError("\(model.name) cannot be deleted here")
    }
    /// The access log. Default: none.
    package var accessLog: AccessLog?
    /// The folder for prompts of completions. Default: none.
    package var promptLog: PromptLog?
    /// The tracer for spans of requests and generations. Default: the tracer with which the process was bootstrapped,
    /// if
    /// there is one.
    package var tracer: (any Tracer)?
    /// The number of log lines lost so far because the log's reader was too slow. Default: always 0.
    package var droppedLogLineCount: @Sendable () -> UInt64 = { 0 }
    /// The name of the build in responses. Default: "martlet".
    package var build = "martlet"

    package init() {}

    /// The model's name in responses.
    var modelName: String { modelNames.first ?? "martlet" }

    /// The settings of the application core.
    package var generations: GenerationConfiguration {
        var generations = GenerationConfiguration()
        generations.modelNames = modelNames
        generations.refusesOtherModelNames = refusesOtherModelNames
        generations.modelNameMap = modelNameMap
        generations.chatTemplate = chatTemplate
        generations.templateArguments = templateArguments
        generations.skipsChatParsing = skipsChatParsing
        generations.build = build
        generations.admissionTimeout = admissionTimeout
        generations.promptLog = promptLog
        generations.cacheScope = cacheScope
        generations.stableHead = stableHead
        return generations
    }

    /// The rule for `Host` headers that follows from the addresses.
    var hostPolicy: HostPolicy {
        HostPolicy(hosts: addresses.filter { $0.socketPath == nil }.map(\.name), allowedHosts: allowedHosts)
    }

    /// The rule for pages that follows from the addresses and the keys.
    var pageOriginRule: PageOriginRule {
        PageOriginRule(origins: crossOrigin, hosts: hostPolicy, hasKeys: !apiKeys.isEmpty)
    }

    /// - Throws: if other machines could use the server without a key, which is hardly ever intended.
    func check() throws(EdgeServerError) {
        guard apiKeys.isEmpty, !allowsUnauthenticated, let open = addresses.first(where: { !$0.isLocal }) else {
            return
        }
        throw .unauthenticated(host: open.name)
    }

    /// The registry's form of the retention settings.
    var retention: GenerationRegistry.Retention {
        var retention = GenerationRegistry.Retention()
        retention.time = TimeAmount(retainTime)
        retention.orphanTime = orphanTimeout.map { TimeAmount($0) }
        return retention
    }

    /// The time in which running generations may end by themselves during a shutdown: what `drainTimeout` leaves after
    /// twice
    /// `closingTimeout`.
    var generationGrace: Duration { max(drainTimeout - closingTimeout * 2, .zero) }

    /// Bounds of requests, connections, generations and memory.
    package struct Limits: Sendable {
        /// Bytes of a request's body. Default: 100 MB.
        package var bodyBytes = 100_000_000
        /// Bytes and tokens of a request that is tokenized, rendered or embedded without a generation. Default: 8 MiB
        /// and
        /// 1,048,576 tokens.
        package var text = TextBudget.standard
        /// Bytes of a request's target: path and query. Default: 8 KiB.
        package var uriBytes = 8 * 1_024
        /// Bytes of one header field. Default: 16 KiB.
        package var headerFieldBytes = 16 * 1_024
        /// Bytes of all header fields of a request together. Default: 64 KiB.
        package var headerBytes = 64 * 1_024
        /// The number of header fields of a request. Default: 200.
        package var headerCount = 200
        /// Bytes of a client's WebSocket message. Default: 16 MiB.
        package var socketMessageBytes = 16 << 20
        /// The time without a byte after which an idle connection, or a request that is read, ends. Default: 60 s.
        package var idleTimeout: Duration = .seconds(60)
        /// The time from the head of a request to the end of its body, even if bytes arrive steadily. Default: 300 s.
        package var requestTimeout: Duration = .seconds(300)
        /// The time without progress after which a client that does not receive counts as disconnected. Default: 60 s.
        package var stallTimeout: Duration = .seconds(60)
        /// Connections. A connection beyond the limit may send one request, which is served if it concerns health,
        /// slots, a
        /// stop or a control command. Default: 4096.
        package var connections = 4_096
        /// Connections beyond `connections` at the same time. Default: 256.
        package var extraConnections = 256
        /// Generations of all clients that run or wait; beyond the limit a request gets a 503. Default: 2048.
        package var generations = 2_048
        /// Generations of one API key that run or wait; beyond the limit a request gets a 429. Default: no limit.
        package var generationsPerKey: Int?

        /// Bytes of all stored responses; beyond the limit the oldest are removed. Default: 1 GiB.
        package var responseBytes = 1 << 30
        /// Bytes of the saved chats of one API key. Default: 1 GiB.
        package var historyBytes = 1 << 30
        /// Tokens of the pinned prefixes of one API key together. Default: 65,536.
        package var pinnedTokens = 65_536

        /// Ended resumable generations that are retained, of all clients; the oldest are removed first. Default: 4096.
        package var retained = 4_096
        /// Ended resumable generations that are retained, of one API key. Default: no limit.
        package var retainedPerKey: Int?
        /// Bytes of the logs of resumable generations, of all clients. Ended generations are removed for running ones;
        /// if that
        /// is not enough, a request gets a 503. Default: 1 GiB.
        package var logBytes = 1 << 30
        /// Bytes of the logs of resumable generations, of one API key; beyond the limit a request gets a 429. Default:
        /// no
        /// limit.
        package var logBytesPerKey: Int?

        /// The registry's form of the limits.
        var quota: GenerationQuota {
            var quota = GenerationQuota(total: generations, perOwner: generationsPerKey ?? .max)
            quota.retained = retained
            quota.retainedPerOwner = retainedPerKey ?? .max
            quota.bytes = logBytes
            quota.bytesPerOwner = logBytesPerKey ?? .max
            return quota
        }

        /// Bytes of a body to which the budget of texts applies. Twice the texts, because JSON escapes take room.
        var textBodyBytes: Int { min(bodyBytes, text.byteCount * 2) }

        package init() {}
    }
}
