import MartletPlatform
import MartletProtocol

/// Makes tokens less likely that would continue a repetition; the penalty grows with its length (DRY).
///
/// Wherever the last tokens have occurred before in the window, the token that followed there is penalised with
/// `multiplier * base ^ (length - allowedLength)`. No repetition extends over a sequence breaker.
struct Repetition: Sendable {
    private let parameters: DryParameters
    private let breakers: SequenceBreakers
    /// The largest exponent for which the power of the base is finite.
    private let largestExponent: Int
    /// For each position of the reversed window, the number of tokens from there on that equal the tokens from the
    /// first on.
    private var matches: [Int] = []
    /// For each token, the length of the longest repetition that it would continue.
    private var longest: [Int32: Int] = [:]

    /// Creates the penalty.
    ///
    /// - Returns: `nil` if the parameters have no effect.
    init?(_ parameters: DryParameters, breakers: SequenceBreakers) {
        guard parameters.isActive else { return nil }
        self.parameters = parameters
        self.breakers = breakers
        largestExponent = parameters.base > 1.000001 ? Int(88.722_839 / logf(parameters.base)) : 0
    }

    /// Changes the logits of the tokens that would continue a repetition in `history`.
    ///
    /// - Complexity: linear in the window, at most `lastN` tokens.
    mutating func apply(to candidates: Candidates, history: [Int32]) {
        let count = min(history.count, parameters.lastN)
        guard count > parameters.allowedLength else { return }
        let reach = breakers.distance(in: history, upTo: count)
        guard reach >= parameters.allowedLength else { return }
        findMatches(in: history, count: count)
        longest.removeAll(keepingCapacity: true)
        for place in 1..<max(1, count) {
            let length = min(matches[place], reach)
            guard length >= parameters.allowedLength else { continue }
            let next = history[history.count - place]
            if !breakers.isBreaker(next) { longest[next] = max(longest[next] ?? 0, length) }
        }
        candidates.update(longest) { logit, length in
            var exponent = length - parameters.allowedLength
            if largestExponent > 0 { exponent = min(exponent, largestExponent) }
            return logit - parameters.multiplier * powf(parameters.base, Float(exponent))
        }
    }

    /// Computes the Z function of the reversed window. A position inside the last match uses the result of its
    /// counterpart, so every token is compared at most twice.
    private mutating func findMatches(in history: [Int32], count: Int) {
        if matches.count < count { matches = Array(repeating: 0, count: count + count / 2) }
        history.withUnsafeBufferPointer { history in
            let last = history.count - 1
            var box = 0..<0
            for place in 1..<max(1, count) {
                var length = 0
                if box.contains(place) {
                    length = min(matches[place - box.lowerBound], box.upperBound - place)
                }
                while place + length < count, history[last - length] == history[last - place - length] { length += 1 }
                if place + length > box.upperBound { box = place..<(place + length) }
                matches[place] = length
            }
        }
    }
}

extension DryParameters {
    /// Whether the parameters have an effect.
    var isActive: Bool { multiplier != 0 && base >= 1 && lastN > 0 }
}
