internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletJSON
internal import MartletObservability
internal import MartletProtocol
internal import MartletStreams
internal import NIOCore
internal import Synchronization

/// `GET /v1/metrics/history`: the figures of the last hour, one per second, and the task that collects them.
///
/// Thread: any. `tick` is called once per second by one timer.
final class HistoryRoute: Sendable {
    /// The state of the engine; nil while there is none.
    private let engineStatus: @Sendable () async -> EngineStatus?
    private let registry: GenerationRegistry
    private let history = Mutex(MetricsHistory())
    /// Whether the engine has not answered the last question yet. A hanging engine is asked once.
    private let isAsking = Atomic(false)
    private let isServed: Bool

    init(
        isServed: Bool, registry: GenerationRegistry, engineStatus: @escaping @Sendable () async -> EngineStatus?
    ) {
        self.isServed = isServed
        self.registry = registry
        self.engineStatus = engineStatus
        // All sums begin at 0 with the server, so that the first second counts, too.
        record(MetricsHistory.Totals())
    }

    func add(to table: inout RouteTable) {
        table.add(.get, "/v1/metrics/history") { [self] request, _ in
            guard isServed else {
                throw APIError(
                    .notSupported, "/v1/metrics/history is disabled; start the server with --metrics")
            }
            let after = try request.count("since", upTo: Int(Int32.max) * 4) ?? 0
            return .json(Self.body(history.withLock { $0.samples(after: Int64(after)) }))
        }
    }

    /// Records a second.
    ///
    /// The engine is not asked after an idle second in which no generation lives and none had its first token, so an idle
    /// server wakes no worker.
    func tick() {
        guard isServed else { return }
        let metrics = registry.metrics
        if registry.liveCount == 0, let totals = history.withLock({ $0.isIdle ? $0.lastTotals : nil }),
            totals.firstTokens == MetricsHistory.Totals(nil, metrics).firstTokens
        {
            return record(totals)
        }
        guard !isAsking.exchange(true, ordering: .relaxed) else { return }
        Task { [self] in
            let status = await engineStatus()
            isAsking.store(false, ordering: .relaxed)
            record(MetricsHistory.Totals(status, registry.metrics))
        }
    }

    private func record(_ totals: MetricsHistory.Totals) {
        let monotonic = Double(NIODeadline.now().uptimeNanoseconds) / 1e9
        let calendar = registry.calendar()
        history.withLock { $0.record(totals, calendar: calendar, monotonic: monotonic) }
    }

    /// One array per figure: shorter than an object per second, and ready for a chart.
    static func body(_ samples: [MetricsHistory.Sample]) -> JSONValue {
        func column(_ value: (MetricsHistory.Sample) -> Float?) -> JSONValue {
            .array(samples.map { value($0).map { .number((Double($0) * 1_000).rounded() / 1_000) } ?? .null })
        }
        return [
            "object": "metrics.history",
            "interval": 1,
            "time": .array(samples.map { .integer($0.time) }),
            "generated_tokens_per_second": column { $0.generated },
            "prompt_tokens_per_second": column { $0.prompt },
            "cached_tokens_per_second": column { $0.cached },
            "running": .array(samples.map { .integer(Int64($0.running)) }),
            "waiting": .array(samples.map { .integer(Int64($0.waiting)) }),
            "first_token_seconds": column { $0.firstTokenSeconds },
        ]
    }
}
