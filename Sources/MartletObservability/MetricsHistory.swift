package import MartletProtocol

/// The server's figures of the last hour, one sample per second.
///
/// Example: the chat page draws its charts from it, and a menu bar shows the newest sample. Counters become rates here,
/// so that a reader needs no earlier state. A value without a lock; its owner records once per second.
///
/// Memory: `capacity` samples of 40 bytes, 144 kB for an hour. Without generations nothing is recorded but zeros.
package struct MetricsHistory: Sendable {
    /// Sums and levels at one moment. The sums begin at 0 with each process, so they may fall.
    package struct Totals: Sendable, Equatable {
        /// Sums of the engine.
        package var counters = EngineCounters()
        /// Generations with a sequence.
        package var running = 0
        /// Generations that wait for a sequence.
        package var waiting = 0
        /// First tokens so far, and the sum of their times in seconds.
        package var firstTokens: UInt64 = 0
        package var firstTokenSeconds = 0.0

        package init() {}

        /// - Parameters:
        ///   - status: nil while there is no engine; its sums are 0 then.
        ///   - model: the model whose first tokens count; nil = all models.
        package init(_ status: EngineStatus?, _ metrics: GenerationMetrics, model: String? = nil) {
            if let status {
                counters = status.counters
                running = status.slots.count { $0.phase != .idle }
                waiting = status.queued
            }
            for series in metrics.series where model.map({ $0 == series.model }) ?? true {
                firstTokens += series.firstToken.counts.reduce(0, +)
                firstTokenSeconds += series.firstToken.sum
            }
        }
    }

    /// The figures of one second.
    package struct Sample: Sendable, Equatable {
        /// Seconds since 1970 at the end of the second.
        package var time: Int64
        /// Tokens per second.
        package var generated: Float = 0
        package var prompt: Float = 0
        package var cached: Float = 0
        package var running: Int32 = 0
        package var waiting: Int32 = 0
        /// The mean time to the first token of generations that had it in this second; nil without one.
        package var firstTokenSeconds: Float?
    }

    /// The most samples; an hour.
    package let capacity: Int
    private var samples: [Sample] = []
    /// The place of the oldest sample, once `samples` is full.
    private var oldest = 0
    private var previous: (time: Double, totals: Totals)?

    package init(capacity: Int = 3_600) { self.capacity = capacity }

    /// Records the second that ends now. The first call only begins the first second.
    /// - Parameters:
    ///   - calendar: seconds since 1970; a clock that is set back makes times repeat, and nothing else.
    ///   - monotonic: seconds of a clock that is never set. A call less than half a second after the last one is ignored.
    package mutating func record(_ totals: Totals, calendar: Int64, monotonic: Double) {
        guard let (begin, old) = previous else {
            previous = (monotonic, totals)
            return
        }
        let seconds = monotonic - begin
        guard seconds >= 0.5 else { return }
        previous = (monotonic, totals)
        func rate(_ field: (EngineCounters) -> UInt64) -> Float {
            Float(Double(Self.growth(from: field(old.counters), to: field(totals.counters))) / seconds)
        }
        var sample = Sample(time: calendar)
        sample.generated = rate(\.predictedTokens)
        sample.prompt = rate(\.promptTokens)
        sample.cached = rate(\.cachedTokens)
        sample.running = Int32(clamping: totals.running)
        sample.waiting = Int32(clamping: totals.waiting)
        let count = Self.growth(from: old.firstTokens, to: totals.firstTokens)
        if count > 0 {
            sample.firstTokenSeconds = Float(max(0, totals.firstTokenSeconds - old.firstTokenSeconds) / Double(count))
        }
        append(sample)
    }

    /// The growth of a sum. A sum that fell belongs to a new engine, and all of it is growth.
    fileprivate static func growth(from old: UInt64, to new: UInt64) -> UInt64 { new >= old ? new - old : new }

    private mutating func append(_ sample: Sample) {
        if samples.count < capacity { return samples.append(sample) }
        samples[oldest] = sample
        oldest = (oldest + 1) % capacity
    }

    /// The samples later than `time`, the oldest first.
    /// - Complexity: O(capacity).
    package func samples(after time: Int64 = 0) -> [Sample] {
        (samples[oldest...] + samples[..<oldest]).filter { $0.time > time }
    }

    /// Whether the newest sample shows that nothing runs or waits.
    package var isIdle: Bool {
        let newest = samples.isEmpty ? nil : samples[(oldest + samples.count - 1) % samples.count]
        return newest.map { $0.running == 0 && $0.waiting == 0 && $0.generated == 0 && $0.prompt == 0 } ?? false
    }

    /// The totals of the last record, for a second in which nothing can have changed.
    package var lastTotals: Totals? { previous?.totals }
}

/// The sums of all engines of a server, which rise although engines come and go.
///
/// Example: model `a` has generated 1,000 tokens and is unloaded, model `b` has generated 5. The sum stays 1,005, and a
/// later load of `a` begins at 0 and adds to it.
package struct EngineSums: Sendable {
    /// The last counters of each engine that ran at the last call.
    private var last: [String: EngineCounters] = [:]
    /// The sums so far. Only the sums of tokens are kept.
    package private(set) var total = EngineCounters()

    /// Makes sums of 0.
    package init() {}

    /// Adds the growth of each engine since the last call. An engine that is gone, or that was replaced, begins at 0.
    /// - Complexity: O(engines).
    package mutating func add(_ engines: [(model: String, counters: EngineCounters)]) {
        for (model, counters) in engines {
            let old = last[model] ?? EngineCounters()
            total.promptTokens += MetricsHistory.growth(from: old.promptTokens, to: counters.promptTokens)
            total.cachedTokens += MetricsHistory.growth(from: old.cachedTokens, to: counters.cachedTokens)
            total.predictedTokens += MetricsHistory.growth(from: old.predictedTokens, to: counters.predictedTokens)
        }
        last = Dictionary(engines.map { ($0.model, $0.counters) }) { first, _ in first }
    }
}
