/// What is wanted to be known of how likely each token was.
package struct ProbabilityRequest: Sendable, Equatable {
    package enum Stage: UInt8, Sendable, CaseIterable {
        /// The model's own scores, as logarithms of probabilities.
        case beforeSampling = 0
        /// What was left to draw from, as probabilities.
        case afterSampling = 1
    }
    /// How many of the most likely tokens are told beside the one sampled.
    package var count: Int
    package var stage: Stage

    package init(count: Int, stage: Stage = .beforeSampling) {
        self.count = count
        self.stage = stage
    }
}

/// How likely a sampled token was, and which others were likely.
///
/// Packed, as there may be one for each token of a long answer: 12 bytes for each token named, and its text.
package struct TokenProbabilities: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        var id: Int32
        var value: Float
        /// Where its text ends in `text`. It begins where the text of the entry before ends.
        var textEnd: UInt32
    }
    /// The sampled token, then the most likely ones, descending.
    private(set) var entries: [Entry] = []
    private(set) var text: [UInt8] = []
    /// How many characters of the answer come before the sampled token.
    package var textOffset: Int

    package init(textOffset: Int, capacity: Int = 1) {
        self.textOffset = textOffset
        entries.reserveCapacity(capacity)
    }

    /// One token and how likely it was.
    package struct Element: Sendable, Equatable {
        package var id: Int32
        /// The probability or its logarithm, as it was asked for. A logarithm is never below the lowest `Float`.
        /// Infinite of a prompt's first token, which nothing comes before.
        package var value: Float
        /// May be part of a character; empty for control tokens that have no text in an answer.
        package var bytes: ArraySlice<UInt8>
    }

    /// First the sampled token, then the most likely ones, descending.
    package mutating func append(id: Int32, value: Float, bytes: some Collection<UInt8>) {
        text.append(contentsOf: bytes)
        entries.append(Entry(id: id, value: value, textEnd: UInt32(truncatingIfNeeded: text.count)))
    }

    package var count: Int { entries.count }

    /// - Parameter index: 0 = the sampled token.
    package subscript(index: Int) -> Element {
        let start = index == 0 ? 0 : Int(entries[index - 1].textEnd)
        let entry = entries[index]
        return Element(id: entry.id, value: entry.value, bytes: text[start..<Int(entry.textEnd)])
    }
}
