import MartletPlatform
import MartletProtocol

/// Reports the probabilities of a sampled token and of the most likely tokens.
///
/// Memory is allocated with the first use, and reused. Thread: the engine thread only.
final class TokenReport {
    private let candidates: Candidates
    private let savedLogits: UnsafeMutableBufferPointer<Float>
    private var best: [(token: Int32, value: Float)] = []
    /// The logarithm of the sum of the exponentials of the saved logits.
    private var total: Float = 0

    init(vocabularySize: Int) {
        candidates = Candidates(vocabularySize: vocabularySize)
        savedLogits = .allocate(capacity: vocabularySize)
        savedLogits.initialize(repeating: 0)
    }

    deinit { savedLogits.deallocate() }

    /// Saves the logits of the model before penalties and filters change them.
    ///
    /// - Complexity: three fast passes over the vocabulary, and log(`count`) for each of the most likely tokens.
    func load(_ logits: UnsafeMutableBufferPointer<Float>, count: Int) {
        _ = savedLogits.update(fromContentsOf: logits)
        candidates.reset(UnsafeMutableBufferPointer(rebasing: savedLogits[..<logits.count]))
        total = candidates.logSumExp()
        best.removeAll(keepingCapacity: true)
        guard count > 0 else { return }
        candidates.truncateToLargest(count)
        for index in 0..<candidates.count {
            best.append((candidates[index].token, logarithm(candidates[index].logit)))
        }
    }

    /// The log probability of a logit; NaN becomes the lowest value.
    private func logarithm(_ logit: Float) -> Float {
        let value = logit - total
        return value > -.greatestFiniteMagnitude ? value : -.greatestFiniteMagnitude
    }

    /// Whether the saved logits contain a number, and no positive infinity.
    var isUsable: Bool { total.isFinite }

    /// Reports log probabilities of the saved logits.
    func report(
        _ token: Int32, textOffset: Int, text: (Int32) -> ArraySlice<UInt8>
    ) -> TokenProbabilities {
        report(token, value: logarithm(savedLogits[Int(token)]), textOffset: textOffset, text: text)
    }

    /// Reports the probabilities of the candidates that a token was sampled from.
    ///
    /// - Parameter sampled: the candidates as the sampler left them; changed.
    func report(
        _ token: Int32, isGreedy: Bool, from sampled: Candidates, count: Int, textOffset: Int,
        text: (Int32) -> ArraySlice<UInt8>
    ) -> TokenProbabilities {
        best.removeAll(keepingCapacity: true)
        var value: Float = 1
        if isGreedy {
            if count > 0 { best.append((token, 1)) }
        } else {
            let total = sampled.logSumExp()
            value = expf((sampled.logit(of: token) ?? -.infinity) - total)
            sampled.truncateToLargest(count)
            for index in 0..<sampled.count {
                let probability = expf(sampled[index].logit - total)
                guard probability > 0 else { break }
                best.append((sampled[index].token, probability))
            }
        }
        return report(token, value: value, textOffset: textOffset, text: text)
    }

    private func report(
        _ token: Int32, value: Float, textOffset: Int, text: (Int32) -> ArraySlice<UInt8>
    ) -> TokenProbabilities {
        var result = TokenProbabilities(textOffset: textOffset, capacity: best.count + 1)
        result.append(id: token, value: value, bytes: text(token))
        for entry in best { result.append(id: entry.token, value: entry.value, bytes: text(entry.token)) }
        return result
    }
}
