import Llama
import MartletProtocol
import MartletText

/// The sequence breakers of the default texts, and of the last other texts of a request or a command.
///
/// Finding breakers reads the whole vocabulary (some tens of milliseconds for 152,000 tokens). The default ones are
/// found once, when the model is loaded. Thread: any; the input processor's thread in practice.
final class SequenceBreakerCache: Sendable {
    private static let defaultTexts = DryParameters().sequenceBreakers.map { ExactString($0) }

    private struct Entry {
        let texts: [ExactString]
        let breakers: SequenceBreakers
    }

    private struct Entries {
        var ofDefaults: Entry?
        var last: Entry?
    }

    private let entries = Locked(Entries())

    /// Finds the breakers of texts, or returns the known ones.
    ///
    /// - Complexity: linear in the bytes of the vocabulary, times the number of texts, if they are not known.
    func breakers(of texts: [String], in vocabulary: Vocabulary) -> SequenceBreakers {
        let exact = texts.map { ExactString($0) }
        if exact.isEmpty { return .none }
        let known = entries.withLock { [$0.ofDefaults, $0.last] }
        for case let entry? in known where entry.texts == exact { return entry.breakers }
        let entry = Entry(texts: exact, breakers: find(texts, in: vocabulary))
        entries.withLock { entries in
            if exact == Self.defaultTexts { entries.ofDefaults = entry } else { entries.last = entry }
        }
        return entry.breakers
    }

    private func find(_ texts: [String], in vocabulary: Vocabulary) -> SequenceBreakers {
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
        return finder.breakers
    }
}
