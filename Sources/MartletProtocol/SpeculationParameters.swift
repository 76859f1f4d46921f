/// A way to draft tokens. The raw values are part of frames.
package enum DraftKind: UInt8, Sendable, CaseIterable {
    /// Lookup of the last tokens in the prompt and the output.
    case ngram = 0
    /// A smaller model with the same vocabulary.
    case model = 1
}

/// The wish of one request for speculative decoding. It changes the speed, not the tokens.
package struct SpeculationParameters: Sendable, Equatable {
    /// The kinds of drafts in order of preference; empty = no speculation; `nil` = the engine's.
    package var kinds: [DraftKind]?
    /// The most tokens of a draft; 0 = no speculation; `nil` = the engine's.
    package var maximumCount: Int?
    /// A draft with fewer tokens is discarded; `nil` = the engine's.
    package var minimumCount: Int?
    /// The draft model ends a draft before a token that it finds less likely; `nil` = the engine's.
    package var minimumProbability: Float?

    package init() {}
}
