import Llama
import MartletProtocol
import MartletText

/// The sequence breakers of the last request that had any. Finding them reads the whole vocabulary (some tens of
/// milliseconds for 152,000 tokens). Any thread may use it.
final class SequenceBreakerCache: Sendable {
    private let last = Locked<(texts: [ExactString], breakers: SequenceBreakers)>(([], .none))

    func breakers(for parameters: SamplingParameters, vocabulary: Vocabulary) -> SequenceBreakers {
        let isUsed = parameters.mirostat == .off && parameters.samplers.contains(.dry) && parameters.dry.isActive
        guard isUsed else { return .none }
        let texts = parameters.dry.sequenceBreakers
        let (known, cached) = last.withLock { ($0.texts, $0.breakers) }
        if known == texts.map({ ExactString($0) }) { return cached }
        var finder = SequenceBreakers.Finder(texts)
        vocabulary.forEachDetokenized { token, piece in
            finder.add(token, piece) { bytes in
                var tokens: [Int32] = []
                bytes.withUnsafeBufferPointer { buffer in
                    // A rest that cannot be tokenized is completed by no token.
                    try? vocabulary.tokenizeWhole(buffer, parsesSpecial: false, into: &tokens)
                }
                return tokens
            }
        }
        let breakers = finder.breakers
        last.withLock { $0 = (texts.map { ExactString($0) }, breakers) }
        return breakers
    }
}
