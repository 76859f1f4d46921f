internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletJSON
internal import MartletObservability
internal import MartletProtocol
internal import MartletStreams
internal import MartletText
internal import NIOCore
internal import Synchronization

/// `GET /v1/metrics/history`: the figures of the last hour, one per second, and the task that collects them.
///
/// `?model=NAME` selects one model of a server that has several; without it the figures are those of all models together.
/// Thread: any. `tick` is called once per second by one timer.
final class HistoryRoute: Sendable {
    /// The figures of all models together, and of each model.
    private struct State {
        var sums = EngineSums()
        var all = MetricsHistory()
        /// By name, for models that were loaded since the start; at most `maximumModelCount`.
        var byModel: [String: MetricsHistory] = [:]
    }

    /// The most models with figures of their own, 144 kB each.
    private static let maximumModelCount = 32

    /// The states of the engines that are ready, by their models' names.
    private let engineStatuses: @Sendable () async -> [(model: String, status: EngineStatus)]
    private let registry: GenerationRegistry
    private let state = Mutex(State())
    /// Whether an engine has not answered the last question yet. A hanging engine is asked once.
    private let isAsking = Atomic(false)
    private let isServed: Bool

    init(
        isServed: Bool, registry: GenerationRegistry,
        engineStatuses: @escaping @Sendable () async -> [(model: String, status: EngineStatus)]
    ) {
        self.isServed = isServed
        self.registry = registry
        self.engineStatuses = engineStatuses
        // All sums begin at 0 with the server, so that the first second counts, too.
        record([], GenerationMetrics())
    }

    func add(to table: inout RouteTable) {
        table.add(.get, "/v1/metrics/history") { [self] request, _ in
            guard isServed else {
                throw APIError(
                    .notSupported, "/v1/metrics/history is disabled; start the server with --metrics")
            }
            let after = Int64(try request.count("since", upTo: Int(Int32.max) * 4) ?? 0)
            guard let name = request.uri.queryParameters["model"].map(String.init) else {
                return .json(Self.body(state.withLock { $0.all.samples(after: after) }))
            }
            guard let samples = state.withLock({ $0.byModel[name]?.samples(after: after) }) else {
                throw APIError(
                    .notFound,
                    "Parameter 'model': No figures of \"\(name.excerpt(bytes: 256))\" exist since the start of the server",
                    field: "model")
            }
            return .json(Self.body(samples))
        }
    }

    /// Records a second.
    ///
    /// The engines are not asked after an idle second in which no generation lives and none had its first token, so an idle
    /// server wakes no worker.
    func tick() {
        guard isServed else { return }
        let metrics = registry.metrics
        if registry.liveCount == 0, let totals = state.withLock({ $0.all.isIdle ? $0.all.lastTotals : nil }),
            totals.firstTokens == MetricsHistory.Totals(nil, metrics).firstTokens
        {
            return recordIdle()
        }
        guard !isAsking.exchange(true, ordering: .relaxed) else { return }
        Task { [self] in
            let statuses = await engineStatuses()
            isAsking.store(false, ordering: .relaxed)
            record(statuses, registry.metrics)
        }
    }

    /// Records the figures of engines. A model whose engine is not ready has no running generations.
    private func record(_ engines: [(model: String, status: EngineStatus)], _ metrics: GenerationMetrics) {
        let (calendar, monotonic) = times
        state.withLock { state in
            state.sums.add(engines.map { ($0.model, $0.status.counters) })
            var totals = MetricsHistory.Totals(nil, metrics)
            totals.counters = state.sums.total
            for (_, status) in engines {
                totals.running += status.slots.count { $0.phase != .idle }
                totals.waiting += status.queued
            }
            state.all.record(totals, calendar: calendar, monotonic: monotonic)
            for (model, _) in engines where state.byModel[model] == nil && state.byModel.count < Self.maximumModelCount
            {
                var history = MetricsHistory()
                // As for the server: the first second counts from 0.
                history.record(MetricsHistory.Totals(), calendar: calendar - 1, monotonic: monotonic - 1)
                state.byModel[model] = history
            }
            for model in state.byModel.keys {
                let status = engines.first { $0.model.hasSameBytes(as: model) }?.status
                let totals = MetricsHistory.Totals(status, metrics, model: model)
                state.byModel[model]?.record(totals, calendar: calendar, monotonic: monotonic)
            }
        }
    }

    /// Records a second in which nothing can have changed.
    private func recordIdle() {
        let (calendar, monotonic) = times
        state.withLock { state in
            if let totals = state.all.lastTotals {
                state.all.record(totals, calendar: calendar, monotonic: monotonic)
            }
            for model in state.byModel.keys {
                guard let totals = state.byModel[model]?.lastTotals else { continue }
                state.byModel[model]?.record(totals, calendar: calendar, monotonic: monotonic)
            }
        }
    }

    /// Seconds since 1970, and seconds of a clock that is never set.
    private var times: (calendar: Int64, monotonic: Double) {
        (registry.calendar(), Double(NIODeadline.now().uptimeNanoseconds) / 1e9)
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
