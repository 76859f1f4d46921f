/// The result of one run of a plan.
struct LoadResult: Sendable, Equatable {
    /// Successful and failed requests.
    var requestCount: Int
    /// The number of requests per kind of failure.
    var failures: [String: Int]
    /// Tokens of all successful requests.
    var tokenCount: Int
    /// The time from the first request to the end of the last one, in seconds.
    var duration: Double
    /// Seconds from a request to its first token.
    var firstToken: Distribution
    /// Seconds between two tokens of a request.
    var betweenTokens: Distribution
    /// The usage of the server's processes; `nil` if it was not measured.
    var usage: ProcessUsage?

    /// Combines the measurements of all requests. Failed requests count only as failures.
    init(_ measurements: [RequestMeasurement]) {
        requestCount = measurements.count
        failures = measurements.reduce(into: [:]) { if let failure = $1.failure { $0[failure, default: 0] += 1 } }
        let good = measurements.filter { $0.failure == nil }
        tokenCount = good.reduce(0) { $0 + $1.tokenCount }
        let begin = measurements.map(\.start).min() ?? 0
        duration = (measurements.map(\.end).max() ?? 0) - begin
        firstToken = Distribution(good.compactMap(\.firstTokenTime))
        betweenTokens = Distribution(
            good.flatMap { measurement in
                zip(measurement.tokenTimes.dropFirst(), measurement.tokenTimes).map { $0 - $1 }
            })
    }

    /// The number of failed requests, of all kinds.
    var failureCount: Int { failures.values.reduce(0, +) }
    /// Tokens of successful requests per second of the whole run; `nil` without tokens.
    var tokensPerSecond: Double? { duration > 0 && tokenCount > 0 ? Double(tokenCount) / duration : nil }
    /// CPU seconds of the server per 1,000 tokens; `nil` if usage was not measured.
    var processorSecondsPerThousandTokens: Double? {
        guard let usage, tokenCount > 0 else { return nil }
        return usage.processorSeconds * 1_000 / Double(tokenCount)
    }

    /// The figures of a report, in the order of its rows.
    static let figures: [Figure] = [
        Figure(name: "tokens/s", key: "tokens_per_second", isTime: false) { $0.tokensPerSecond },
        Figure(name: "first token p50", key: "ttft_p50", isTime: true) { $0.firstToken.median },
        Figure(name: "first token p95", key: "ttft_p95", isTime: true) { $0.firstToken.reliableQuantile(0.95) },
        Figure(name: "first token p99", key: "ttft_p99", isTime: true) { $0.firstToken.reliableQuantile(0.99) },
        Figure(name: "first token max", key: "ttft_max", isTime: true) { $0.firstToken.maximum },
        Figure(name: "between tokens p50", key: "inter_token_p50", isTime: true) { $0.betweenTokens.median },
        Figure(name: "between tokens p95", key: "inter_token_p95", isTime: true) {
            $0.betweenTokens.reliableQuantile(0.95)
        },
        Figure(name: "between tokens p99", key: "inter_token_p99", isTime: true) {
            $0.betweenTokens.reliableQuantile(0.99)
        },
        Figure(name: "between tokens max", key: "inter_token_max", isTime: true) { $0.betweenTokens.maximum },
        Figure(name: "CPU s per 1,000 tokens", key: "cpu_seconds_per_1000_tokens", isTime: false) {
            $0.processorSecondsPerThousandTokens
        },
        Figure(name: "memory MiB", key: "memory_mib", isTime: false) { $0.usage.map { $0.memoryMebibytes } },
    ]

    /// A number that a run has or lacks.
    struct Figure: Sendable {
        let name: String
        let key: String
        /// Whether the value is in seconds; tables show it in milliseconds.
        let isTime: Bool
        let value: @Sendable (LoadResult) -> Double?
    }
}
