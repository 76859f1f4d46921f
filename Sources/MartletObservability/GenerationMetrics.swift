package import MartletProtocol

/// How generations went, by model.
package struct GenerationMetrics: Sendable {
    /// Of one model.
    package struct Series: Sendable {
        let model: String
        private(set) var queue = Histogram(bounds: [0.001, 0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300])
        private(set) var firstToken = Histogram(
            bounds: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120])
        private(set) var interToken = Histogram(
            bounds: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5])
        private(set) var promptSpeed = Histogram(bounds: [10, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000])
        private(set) var decodeSpeed = Histogram(bounds: [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500])
        private(set) var cachedShare = Histogram(bounds: [0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1])

        /// - Parameter nanoseconds: from the request to the assignment of a sequence.
        package mutating func started(after nanoseconds: Int64) { queue.record(Double(nanoseconds) * 1e-9) }

        /// - Parameter nanoseconds: from the request on.
        package mutating func firstToken(after nanoseconds: Int64) { firstToken.record(Double(nanoseconds) * 1e-9) }

        /// - Parameter nanoseconds: from the token before.
        package mutating func nextToken(after nanoseconds: Int64) { interToken.record(Double(nanoseconds) * 1e-9) }

        package mutating func finished(_ timings: Timings) {
            if let speed = timings.promptSpeed { promptSpeed.record(speed) }
            if let speed = timings.decodeSpeed { decodeSpeed.record(speed) }
            if timings.promptTokens > 0 {
                cachedShare.record(Double(timings.cachedTokens) / Double(timings.promptTokens))
            }
        }
    }
    package var series: [Series] = []

    package init() {}

    /// - Parameter model: a name that the server gives, never one from a client.
    /// - Returns: where in `series` that model is.
    package mutating func index(of model: String) -> Int {
        if let index = series.firstIndex(where: { $0.model == model }) { return index }
        series.append(Series(model: model))
        return series.count - 1
    }

    package func write(to text: inout PrometheusText) {
        func add(_ name: String, _ help: String, _ histogram: (Series) -> Histogram) {
            text.add(name, help: help, series.map { (labels: [("model", $0.model)], value: histogram($0)) })
        }
        add("martlet_queue_seconds", "From a request to its sequence, in seconds.") { $0.queue }
        add("martlet_time_to_first_token_seconds", "From a request to its first token, in seconds.") { $0.firstToken }
        add("martlet_inter_token_seconds", "From a token to the next of its generation, in seconds.") { $0.interToken }
        add("martlet_prompt_tokens_per_second", "Prompt tokens computed per second, by generation.") { $0.promptSpeed }
        add("martlet_generation_tokens_per_second", "Tokens generated per second, by generation.") { $0.decodeSpeed }
        add("martlet_prompt_cached_ratio", "Share of the prompt found in memory, by generation.") { $0.cachedShare }
    }
}
