import MartletPlatform
import MartletProtocol

/// Says how likely a sampled token and its rivals were.
///
/// Memory is taken with the first use, and used again. Used by the engine's thread alone.
final class TokenReport {
    private let candidates: Candidates
    private let savedLogits: UnsafeMutableBufferPointer<Float>
    private var best: [(token: Int32, value: Float)] = []
    /// Logarithm of the sum of the exponentials of the logits that were kept.
    private var total: Float = 0

    init(vocabularySize: Int) {
        candidates = Candidates(vocabularySize: vocabularySize)
        savedLogits = .allocate(capacity: vocabularySize)
        savedLogits.initialize(repeating: 0)
    }

    deinit { savedLogits.deallocate() }

    /// Keeps the model's own logits, before anything changes them.
    ///
    /// - Complexity: three fast passes over the vocabulary, whatever `count` is, and log(`count`) for each of the best.
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

    /// NaN becomes the lowest value.
    private func logarithm(_ logit: Float) -> Float {
        let value = logit - total
        return value > -.greatestFiniteMagnitude ? value : -.greatestFiniteMagnitude
    }

    /// Whether any logit that was kept was a number, and none infinite.
    var isUsable: Bool { total.isFinite }

    /// The logarithms of the probabilities of the logits that were kept.
    func report(
        _ token: Int32, textOffset: Int, text: (Int32) -> ArraySlice<UInt8>
    ) -> TokenProbabilities {
        report(token, value: logarithm(savedLogits[Int(token)]), textOffset: textOffset, text: text)
    }

    /// The probabilities of what a token was sampled from.
    ///
    /// - Parameter sampled: as the sampler left it; changed.
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
