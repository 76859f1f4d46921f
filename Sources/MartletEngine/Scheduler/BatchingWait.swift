import MartletProtocol

/// The wait of an otherwise idle engine for prompts that its next decode could compute too.
///
/// Example: a prompt of 30 tokens, which take 7 ms each, waits 2.1 ms for others. A second one arrives after 1 ms; both
/// wait 4.2 ms from then on. Sixteen clients whose answers end in one step thus share the next prefill, although their
/// requests arrive within 20 ms.
struct BatchingWait {
    private let budget: PrefillBudget
    private var tokens: Int
    private var end: MonotonicTime

    /// - Parameter tokens: the number of tokens of the prompts that wait already.
    init(for tokens: Int, _ budget: PrefillBudget, at now: MonotonicTime) {
        self.budget = budget
        self.tokens = tokens
        end = now + budget.batchingDelay(before: tokens)
    }

    /// Begins the wait anew if further prompts have arrived: the decode takes longer with them.
    ///
    /// - Parameter tokens: the number of tokens of all prompts that wait.
    mutating func update(to tokens: Int, at now: MonotonicTime) {
        guard tokens > self.tokens else { return }
        self.tokens = tokens
        end = now + budget.batchingDelay(before: tokens)
    }

    /// The rest of the wait; zero or less if it is over.
    func left(at now: MonotonicTime) -> Duration { end - now }
}
