import MartletPlatform
import MartletProtocol

/// Makes tokens less likely that would continue a repetition, the more so the longer it is ("DRY").
///
/// For every place in the window where the last tokens have been before, the token that came next there is penalised
/// with `multiplier * base ^ (length - allowedLength)`, where no repetition reaches over a sequence breaker.
struct Repetition: Sendable {
    private let parameters: DryParameters
    private let breakers: SequenceBreakers
    /// Keeps powers of the base finite.
    private let largestExponent: Int
    /// Of the window, last token first: how many tokens from each place on equal those from the first one on.
    private var matches: [Int] = []
    /// The longest repetition that each token would continue.
    private var longest: [Int32: Int] = [:]

    /// - Returns: `nil` where the parameters change nothing.
    init?(_ parameters: DryParameters, breakers: SequenceBreakers) {
        guard parameters.isActive else { return nil }
        self.parameters = parameters
        self.breakers = breakers
        largestExponent = parameters.base > 1.000001 ? Int(88.722_839 / logf(parameters.base)) : 0
    }

    /// Changes the logits of the tokens that would continue a repetition in `history`.
    ///
    /// - Complexity: linear in the window, which is `lastN` tokens at most.
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

    /// The Z function of the reversed window: a place inside the last match found is answered from what is known of its
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
    /// Whether they change anything.
    var isActive: Bool { multiplier != 0 && base >= 1 && lastN > 0 }
}
