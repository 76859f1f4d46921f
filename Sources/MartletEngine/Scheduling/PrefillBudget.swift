/// Measures how fast prompts are read, and says how many of their tokens fit a given time, and whether others are worth
/// waiting for.
struct PrefillBudget: Sendable {
    /// Longest time that prompts may add to a decode while somebody waits for a token. Where a decode without prompts
    /// is shorter they may add as much as that takes, but at least a third of this.
    let maximumStall: Duration
    /// Most tokens at once, whatever the speed.
    let ceiling: Int
    /// Longest wait for prompts that may come.
    let batchingWindow: Duration
    /// So that prompts go on even on the slowest machine.
    private let floor = 16
    private var nanosecondsPerToken: Double?
    /// What a decode takes that holds no prompt tokens.
    private var nanosecondsWithout: Double?

    init(maximumStall: Duration, ceiling: Int, batchingWindow: Duration = .zero) {
        self.maximumStall = maximumStall
        self.batchingWindow = batchingWindow
        self.ceiling = ceiling
    }

    /// Takes the cost of a decode that held `tokens` prompt tokens.
    /// - Parameter besideDecoding: whether it also held tokens of sequences that write.
    mutating func observe(tokens: Int, nanoseconds: Int64, besideDecoding: Bool = false) {
        if tokens == 0 {
            nanosecondsWithout = Self.mean(of: nanosecondsWithout, and: Double(nanoseconds))
            return
        }
        // Small chunks say more about overhead than about speed; yet they say something.
        guard tokens >= (nanosecondsPerToken == nil ? 1 : floor), nanoseconds > 0 else { return }
        // What is added counts, and that is never nothing.
        let all = Double(nanoseconds)
        let added = besideDecoding ? max(all - (nanosecondsWithout ?? 0), all / 10) : all
        nanosecondsPerToken = Self.mean(of: nanosecondsPerToken, and: added / Double(tokens))
    }

    /// Follows a value that changes slowly.
    private static func mean(of mean: Double?, and sample: Double) -> Double {
        mean.map { $0 * 0.75 + sample * 0.25 } ?? sample
    }

    /// How long to wait for more before a decode of `tokens` prompt tokens and nothing else: a hundredth of what it
    /// takes.
    ///
    /// Requests that belong together come a moment apart. Who is read alone then waits between tokens while the others
    /// are read, and those wait for it.
    func batchingDelay(before tokens: Int) -> Duration {
        guard let nanosecondsPerToken else { return .zero }
        return min(batchingWindow, .nanoseconds(Int64(min(1e15, nanosecondsPerToken * Double(tokens) / 100))))
    }

    /// Most prompt tokens for the next decode.
    func tokenLimit(isDecoding: Bool) -> Int {
        guard isDecoding else { return ceiling }
        guard let nanosecondsPerToken else { return min(ceiling, 4 * floor) }
        let longest = maximumStall / .nanoseconds(1)
        let fitting = min(longest, max(longest / 3, nanosecondsWithout ?? longest))
        return min(ceiling, max(floor, Int(min(1e9, fitting / nanosecondsPerToken))))
    }
}
