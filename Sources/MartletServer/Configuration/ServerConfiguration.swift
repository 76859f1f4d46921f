package import MartletAPI
package import MartletJSON
package import MartletProtocol
internal import MartletStreams
internal import NIOCore
internal import OrderedCollections
package import Tracing

/// How an edge server behaves. Every value has the default that a person at their own machine wants.
package struct ServerConfiguration: Sendable {
    /// Where to listen. Default: loopback, so that nobody else reaches the server.
    package var addresses = [ListenAddress.loopback]
    /// The first of them, as `--host` writes it. What is no address is taken for a name.
    package var host: String {
        get { addresses.first?.name ?? "" }
        set { addresses = [ListenAddress(newValue) ?? ListenAddress(endpoint: .host(newValue))] }
    }
    /// 0 = any free port; `onListening` tells which. Default: 8080, as at llama-server.
    package var port = 8080
    /// Called once when the server accepts connections, with the port that it listens on. Default: nothing.
    package var onListening: @Sendable (Int) -> Void = { _ in }

    /// PEM files with a certificate chain and its key, to speak HTTPS. Default: none, plain HTTP.
    package var tls: TLSFiles?
    /// Accepted API keys; none = everybody may do everything. Default: none.
    package var apiKeys = APIKeys()
    /// Whether a server without keys may listen where others than this machine reach it. Default: no.
    package var allowsUnauthenticated = false
    /// Names under which the server may be addressed besides those of this machine; `*` = any. Checked against the
    /// `Host` header when the server listens on loopback or when there are any. Default: none.
    package var allowedHosts: [String] = []
    /// Which web pages may use the server. Default: those served from this machine.
    package var crossOrigin = CrossOriginPolicy()

    /// What the model is called; the first name is the one that responses carry. Default: "martlet".
    package var modelNames = ["martlet"]
    /// The names that an operator chose, as the list of models shows them. Default: none.
    package var aliases: [String] = []
    /// Whether requests that name another model get a 404. Default: no, they are answered with a warning, as clients of
    /// llama-server expect it of the one model.
    package var refusesOtherModelNames = false
    /// What the model is tagged with where models are listed. Default: nothing.
    package var modelTags: [String] = []
    /// A chat template instead of the one in the model file. Default: the file's.
    package var chatTemplate: String?
    /// Values that chat templates see by name, unless a request sets them. Default: none.
    package var templateArguments: JSONObject = [:]
    /// Whether answers to chats are told as they are written, thinking and calls included. Default: no.
    package var skipsChatParsing = false
    /// How vectors are scaled where a request does not say. Default: to a Euclidean length of 1.
    package var embeddingNormalization = EmbeddingNormalization.euclidean
    /// What a completion request gets that does not say otherwise.
    package var completionDefaults = CompletionDefaults()

    package var limits = Limits()
    /// How long a request waits for the engine's yes or no, while that is being started again, before response headers
    /// are sent all the same. Of an engine that is there the answer is waited for, so that a refusal is a plain HTTP
    /// error. Default: 1 s.
    package var admissionTimeout: Duration = .seconds(1)
    /// From the request to shut down until the server ends, whatever its clients do. Running generations may go on for
    /// as long as this leaves time to end the others. Default: 3 s.
    package var drainTimeout: Duration = .seconds(3)
    /// Called when the server has not ended a second after `drainTimeout`, or a second after it was asked to end once
    /// more, with what holds it. To end the process is for who is called. Default: nothing.
    package var onOverdue: @Sendable (String) -> Void = { _ in }
    /// How long a connection may take for its last event when the server ends. Default: 0.5 s.
    package var closingTimeout: Duration = .milliseconds(500)

    /// Whether every stream is resumable, and not only those of requests that ask for it. Default: no.
    package var resumesAlways = false
    /// How long one that has ended is kept. Default: 1 h.
    package var retainTime: Duration = .seconds(3_600)
    /// How long a resumable generation goes on that nobody reads; `nil` = for ever. Default: 10 min.
    package var orphanTimeout: Duration? = .seconds(600)

    /// How resumable generations outlive the server. Default: they do not.
    package var journal: JournalConfiguration?

    /// Whether `/slots` is served. Default: yes.
    package var servesSlots = true
    /// Whether `/metrics` is served. Default: yes.
    package var servesMetrics = true
    /// Whether `POST /props` is answered. Default: no.
    package var changesProperties = false
    /// Where a line about each answered request goes. Default: nowhere.
    package var accessLog: AccessLog?
    /// Where the prompts of completions are written. Default: nowhere.
    package var promptLog: PromptLog?
    /// Who gets spans of requests and generations. Default: the tracer that the process was bootstrapped with, if it
    /// was.
    package var tracer: (any Tracer)?
    /// How many log lines were lost so far because nobody read them. Default: none.
    package var droppedLogLineCount: @Sendable () -> UInt64 = { 0 }
    /// Which build answers, as responses name it. Default: "martlet".
    package var build = "martlet"

    package init() {}

    /// The name that responses carry.
    var modelName: String { modelNames.first ?? "martlet" }

    /// Names under which clients address the server.
    var hostPolicy: HostPolicy {
        HostPolicy(hosts: addresses.filter { $0.socketPath == nil }.map(\.name), allowedHosts: allowedHosts)
    }

    /// - Throws: when the server would be open to others without a key, which is hardly ever meant.
    func check() throws(EdgeServerError) {
        guard apiKeys.isEmpty, !allowsUnauthenticated, let open = addresses.first(where: { !$0.isLocal }) else {
            return
        }
        throw .unauthenticated(host: open.name)
    }

    var retention: GenerationRegistry.Retention {
        var retention = GenerationRegistry.Retention()
        retention.time = TimeAmount(retainTime)
        retention.orphanTime = orphanTimeout.map { TimeAmount($0) }
        return retention
    }

    /// How long running generations may go on when the server ends.
    var generationGrace: Duration { max(drainTimeout - closingTimeout * 2, .zero) }

    /// The most that is taken from a client.
    package struct Limits: Sendable {
        /// Of a request's body. Default: 100 MB.
        package var bodyBytes = 100_000_000
        /// Of the texts and token ids of a request that is tokenized, rendered or embedded, but not continued. Default:
        /// 8 MiB and 1,048,576 tokens.
        package var text = TextBudget.standard
        /// Of a request's target: path and query. Default: 8 KiB.
        package var uriBytes = 8 * 1_024
        /// Of one header field. Default: 16 KiB.
        package var headerFieldBytes = 16 * 1_024
        /// Of all header fields of a request together. Default: 64 KiB.
        package var headerBytes = 64 * 1_024
        /// Header fields of a request. Default: 200.
        package var headerCount = 200
        /// Of a client's message over a WebSocket. Default: 16 MiB.
        package var socketMessageBytes = 16 << 20
        /// How long a connection may be idle, or a request may stall while it is read. Default: 60 s.
        package var idleTimeout: Duration = .seconds(60)
        /// From a request's header to the end of its body, however steadily that trickles in. Default: 300 s.
        package var requestTimeout: Duration = .seconds(300)
        /// How long a client may take nothing of a response before it counts as gone. Default: 60 s.
        package var stallTimeout: Duration = .seconds(60)
        /// Connections; a connection beyond is taken for one request, which is served if it is about health, slots, a
        /// stop or an order. Default: 4096.
        package var connections = 4_096
        /// Connections beyond that at the same time. Default: 256.
        package var extraConnections = 256
        /// Generations that run or wait, of all clients together; more get a 503. Default: 2048.
        package var generations = 2_048
        /// The same of one API key; more get a 429. Default: no limit.
        package var generationsPerKey: Int?

        /// Ended resumable generations that are kept, of all clients together; the oldest go first. Default: 4096.
        package var retained = 4_096
        /// The same of one API key. Default: no limit.
        package var retainedPerKey: Int?
        /// Bytes of the logs of resumable generations, of all clients together; ended ones make room, else more get a
        /// 503. Default: 1 GiB.
        package var logBytes = 1 << 30
        /// The same of one API key; more get a 429. Default: no limit.
        package var logBytesPerKey: Int?

        var quota: GenerationQuota {
            var quota = GenerationQuota(total: generations, perOwner: generationsPerKey ?? .max)
            quota.retained = retained
            quota.retainedPerOwner = retainedPerKey ?? .max
            quota.bytes = logBytes
            quota.bytesPerOwner = logBytesPerKey ?? .max
            return quota
        }

        /// Of the body of a request to which the budget for texts applies: escapes take room too.
        var textBodyBytes: Int { min(bodyBytes, text.byteCount * 2) }

        package init() {}
    }
}
