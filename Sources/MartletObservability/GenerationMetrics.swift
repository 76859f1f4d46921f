package import MartletProtocol

/// Measurements of generations, by model.
///
/// A value without a lock. The registry records the measurements of a whole frame under one lock of its own.
package struct GenerationMetrics: Sendable {
    /// One measurement of one generation.
    package enum Sample: Sendable {
        /// Nanoseconds from the request to the assignment of a sequence.
        case started(after: Int64)
        /// Nanoseconds from the request to the first token.
        case firstToken(after: Int64)
        /// Nanoseconds from one token to the next.
        case nextToken(after: Int64)
        /// The engine's own figures at the end. Stored separately, because nearly all samples are times of tokens.
        indirect case finished(Timings)
    }

    /// Measurements of one frame, collected without a lock and recorded together.
    package typealias Batch = [(series: Int, sample: Sample)]

    /// The histograms of one model. Times are in seconds, speeds in tokens per second.
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

        /// Adds a measurement to the histogram that counts it.
        package mutating func record(_ sample: Sample) {
            switch sample {
            case .started(let nanoseconds): queue.record(Double(nanoseconds) * 1e-9)
            case .firstToken(let nanoseconds): firstToken.record(Double(nanoseconds) * 1e-9)
            case .nextToken(let nanoseconds): interToken.record(Double(nanoseconds) * 1e-9)
            case .finished(let timings):
                if let speed = timings.promptSpeed { promptSpeed.record(speed) }
                if let speed = timings.decodeSpeed { decodeSpeed.record(speed) }
                if timings.promptTokens > 0 {
                    cachedShare.record(Double(timings.cachedTokens) / Double(timings.promptTokens))
                }
            }
        }
    }
    /// One element for each model, in the order of their first generation.
    package var series: [Series] = []

    package init() {}

    /// The index of a model in `series`; a new model is appended.
    /// - Parameter model: the server's name for the model, never a name from a client.
    package mutating func index(of model: String) -> Int {
        if let index = series.firstIndex(where: { $0.model == model }) { return index }
        series.append(Series(model: model))
        return series.count - 1
    }

    /// Records all measurements of a frame.
    /// - Complexity: O(measurements · buckets), about 10 ns for each measurement.
    package mutating func record(_ batch: Batch) {
        for (index, sample) in batch { series[index].record(sample) }
    }

    /// Adds the histograms of all models.
    package func write(to text: inout PrometheusText) {
        func add(_ name: String, _ help: String, _ histogram: (Series) -> Histogram) {
            text.add(name, help: help, series.map { (labels: [("model", $0.model)], value: histogram($0)) })
        }
        add("martlet_queue_seconds", "From a request to its sequence, in seconds.") { $0.queue }
        add("martlet_time_to_first_token_seconds", "From a request to its first token, in seconds.") { $0.firstToken }
        add("martlet_inter_token_seconds", "From a token to the next of its generation, in seconds.") { $0.interToken }
        add("martlet_prompt_tokens_per_second", "Prompt tokens computed per second, by generation.") { $0.promptSpeed }
        add("martlet_generation_tokens_per_second", "Tokens generated per second, by generation.") { $0.decodeSpeed }
        add("martlet_prompt_cached_ratio", "Share of the prompt found in the prefix cache, by generation.") {
            $0.cachedShare
        }
    }
}
