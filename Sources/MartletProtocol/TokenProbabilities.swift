/// The probabilities that a request asks for.
package struct ProbabilityRequest: Sendable, Equatable {
    /// The point at which probabilities are computed. The raw values are part of frames and journals.
    package enum Stage: UInt8, Sendable, CaseIterable {
        /// Logprobs of the model, before sampling.
        case beforeSampling = 0
        /// Probabilities of the tokens that remained after all filters.
        case afterSampling = 1
    }
    /// The number of most likely tokens that are reported in addition to the sampled one.
    package var count: Int
    package var stage: Stage

    package init(count: Int, stage: Stage = .beforeSampling) {
        self.count = count
        self.stage = stage
    }
}

/// The probability of a sampled token, and of the most likely tokens.
///
/// Packed, because a long output may have one per token: 12 bytes per reported token, and its text.
package struct TokenProbabilities: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        var id: Int32
        var value: Float
        /// The end of the token's text in `text`. It begins where the text of the entry before ends.
        var textEnd: UInt32
    }
    /// The sampled token, then the most likely tokens in descending order.
    private(set) var entries: [Entry] = []
    private(set) var text: [UInt8] = []
    /// The number of characters of the output before the sampled token.
    package var textOffset: Int

    package init(textOffset: Int, capacity: Int = 1) {
        self.textOffset = textOffset
        entries.reserveCapacity(capacity)
    }

    /// A token and its probability.
    package struct Element: Sendable, Equatable {
        package var id: Int32
        /// The probability or its logarithm, as the request asks. A logarithm is never below the lowest `Float`.
        /// Infinite for the first token of a prompt, which no token precedes.
        package var value: Float
        /// The bytes may be part of a character; empty for control tokens without text in the output.
        package var bytes: ArraySlice<UInt8>
    }

    /// Appends an entry: first the sampled token, then the most likely tokens in descending order.
    package mutating func append(id: Int32, value: Float, bytes: some Collection<UInt8>) {
        text.append(contentsOf: bytes)
        entries.append(Entry(id: id, value: value, textEnd: UInt32(truncatingIfNeeded: text.count)))
    }

    package var count: Int { entries.count }

    /// The entry at an index.
    ///
    /// - Parameter index: 0 = the sampled token.
    package subscript(index: Int) -> Element {
        let start = index == 0 ? 0 : Int(entries[index - 1].textEnd)
        let entry = entries[index]
        return Element(id: entry.id, value: entry.value, bytes: text[start..<Int(entry.textEnd)])
    }
}
