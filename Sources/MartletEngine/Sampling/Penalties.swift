import MartletProtocol

/// Repetition, frequency and presence penalties: tokens of the recent history become less likely.
struct Penalties: Sendable {
    private let window: Int
    private let repeatPenalty: Float
    private let frequency: Float
    private let presence: Float
    /// The number of occurrences of each token among the last `window` tokens.
    private var counts: [Int32: Int] = [:]
    /// The range of the history that `counts` covers.
    private var counted = 0..<0

    /// Creates the penalties.
    ///
    /// - Returns: `nil` if the parameters have no effect.
    init?(_ parameters: SamplingParameters) {
        let changes =
            parameters.repeatPenalty != 1 || parameters.frequencyPenalty != 0 || parameters.presencePenalty != 0
        guard changes, parameters.repeatLastN > 0 else { return nil }
        window = parameters.repeatLastN
        repeatPenalty = parameters.repeatPenalty
        frequency = parameters.frequencyPenalty
        presence = parameters.presencePenalty
    }

    /// Counts the tokens that were appended to `history`, which begins with the prompt.
    ///
    /// - Complexity: linear in the appended tokens, at most twice the window.
    mutating func follow(_ history: [Int32]) {
        if history.count - counted.upperBound > window || history.count < counted.upperBound {
            counts.removeAll(keepingCapacity: true)
            let start = max(0, history.count - window)
            counted = start..<start
        }
        while counted.upperBound < history.count {
            counts[history[counted.upperBound], default: 0] += 1
            counted = counted.lowerBound..<(counted.upperBound + 1)
            if counted.count > window {
                removeCount(of: history[counted.lowerBound])
                counted = (counted.lowerBound + 1)..<counted.upperBound
            }
        }
    }

    private mutating func removeCount(of token: Int32) {
        guard let count = counts[token] else { return }
        counts[token] = count > 1 ? count - 1 : nil
    }

    /// Changes the logits of the tokens in the window.
    func apply(to candidates: Candidates) {
        candidates.update(counts) { logit, count in
            // Dividing a negative logit would make the token more likely.
            let repeated = logit <= 0 ? logit * repeatPenalty : logit / repeatPenalty
            return repeated - (Float(count) * frequency + presence)
        }
    }
}
