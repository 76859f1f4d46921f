import MartletProtocol

/// Makes tokens less likely that were there lately.
struct Penalties: Sendable {
    private let window: Int
    private let repeatPenalty: Float
    private let frequency: Float
    private let presence: Float
    /// How often each token is among the last `window` ones.
    private var counts: [Int32: Int] = [:]
    /// The tokens of the history that `counts` holds.
    private var counted = 0..<0

    /// - Returns: `nil` where the parameters change nothing.
    init?(_ parameters: SamplingParameters) {
        let changes =
            parameters.repeatPenalty != 1 || parameters.frequencyPenalty != 0 || parameters.presencePenalty != 0
        guard changes, parameters.repeatLastN > 0 else { return nil }
        window = parameters.repeatLastN
        repeatPenalty = parameters.repeatPenalty
        frequency = parameters.frequencyPenalty
        presence = parameters.presencePenalty
    }

    /// Takes in what was added to `history`, prompt included.
    ///
    /// - Complexity: the added tokens, at most twice the window.
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
                forget(history[counted.lowerBound])
                counted = (counted.lowerBound + 1)..<counted.upperBound
            }
        }
    }

    private mutating func forget(_ token: Int32) {
        guard let count = counts[token] else { return }
        counts[token] = count > 1 ? count - 1 : nil
    }

    /// Changes the logits of the tokens in the window.
    func apply(to candidates: Candidates) {
        candidates.update(counts) { logit, count in
            // Dividing a negative logit would make the token likelier.
            let repeated = logit <= 0 ? logit * repeatPenalty : logit / repeatPenalty
            return repeated - (Float(count) * frequency + presence)
        }
    }
}
