/// Measures the speed of prefill, and derives from it the number of prompt tokens per step and the wait for further
/// prompts.
struct PrefillBudget: Sendable {
    /// The longest time between two tokens of a running sequence while prompts are computed. Prefill adds as much as a
    /// decode without prompts takes, or a tenth of this value, if that is within the bound.
    let maximumStall: Duration
    /// The largest number of prompt tokens per step, whatever the speed.
    let ceiling: Int
    /// The longest wait for further prompts.
    let batchingWindow: Duration
    /// The smallest limit, so that prefill advances on the slowest machine.
    private let floor = 16
    private var nanosecondsPerToken: Double?
    /// The duration of a decode without prompt tokens.
    private var nanosecondsWithout: Double?

    init(maximumStall: Duration, ceiling: Int, batchingWindow: Duration = .zero) {
        self.maximumStall = maximumStall
        self.batchingWindow = batchingWindow
        self.ceiling = ceiling
    }

    /// Records the duration of a decode that had `tokens` prompt tokens.
    ///
    /// - Parameter besideDecoding: whether the decode also had tokens of generating sequences.
    mutating func observe(tokens: Int, nanoseconds: Int64, besideDecoding: Bool = false) {
        if tokens == 0 {
            nanosecondsWithout = Self.mean(of: nanosecondsWithout, and: Double(nanoseconds))
            return
        }
        // A short prompt measures overhead rather than speed. It is used only until there is a better value.
        guard tokens >= (nanosecondsPerToken == nil ? 1 : floor), nanoseconds > 0 else { return }
        // Only the added time counts, at least a tenth of the whole.
        let all = Double(nanoseconds)
        let added = besideDecoding ? max(all - (nanosecondsWithout ?? 0), all / 10) : all
        nanosecondsPerToken = Self.mean(of: nanosecondsPerToken, and: added / Double(tokens))
    }

    /// A moving average. It follows a slower machine, or a longer context, sooner than a faster one.
    private static func mean(of mean: Double?, and sample: Double) -> Double {
        guard let mean else { return sample }
        let weight = sample > mean ? 0.5 : 0.25
        return mean + (sample - mean) * weight
    }

    /// The shortest wait that is worth its cost: a thread sleeps at least 0.1 ms, whatever it asks for.
    static let shortestDelay: Duration = .microseconds(250)

    /// How long to wait for further prompts before a decode of only `tokens` prompt tokens: a hundredth of its
    /// duration. There is no wait before a short decode, because a later prompt joins the next one soon.
    ///
    /// Related requests arrive a moment apart. If the first were computed by itself, it would wait between its tokens
    /// while the others are computed, and they would wait for it.
    func batchingDelay(before tokens: Int) -> Duration {
        guard let nanosecondsPerToken else { return .zero }
        let delay = min(batchingWindow, .nanoseconds(Int64(min(1e15, nanosecondsPerToken * Double(tokens) / 100))))
        return delay < Self.shortestDelay ? .zero : delay
    }

    /// The largest number of prompt tokens of the next decode.
    ///
    /// - Parameter isDecoding: whether a sequence waits for its next token.
    func tokenLimit(isDecoding: Bool) -> Int {
        guard isDecoding else { return ceiling }
        return min(ceiling, max(floor, fittingCount ?? 4 * floor))
    }

    /// Whether prompts enter beside running sequences by the smallest parts only: a decode takes most of the longest
    /// stall, or the tokens of prompts are slow.
    var isNarrow: Bool { fittingCount.map { $0 <= floor } ?? false }

    /// The number of prompt tokens that a decode beside running sequences has time for; `nil` = not measured yet.
    private var fittingCount: Int? {
        guard let nanosecondsPerToken else { return nil }
        let bound = maximumStall / .nanoseconds(1)
        let without = nanosecondsWithout ?? 0
        // A margin, because a decode may be slower than the average.
        let room = max(0, bound * 0.6 - without)
        let fitting = nanosecondsWithout == nil ? room : min(room, max(bound / 10, without))
        return Int(min(1e9, fitting / nanosecondsPerToken))
    }
}
