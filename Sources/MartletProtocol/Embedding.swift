/// How the vectors of an input's tokens become its embedding.
package enum EmbeddingPooling: UInt8, Sendable, CaseIterable {
    /// Not at all: there is one for each token.
    case none = 0
    case mean = 1
    /// The vector of the first token.
    case first = 2
    /// The vector of the last token.
    case last = 3
    /// The model's classifier makes a score of it.
    case rank = 4
}

/// What a model makes of one input: one vector, or one for each token where nothing is pooled. As computed, not
/// normalised.
package struct Embedding: Sendable, Equatable {
    /// Tokens of the input.
    package var tokenCount: Int
    /// Numbers of one vector, at least 1.
    package let length: Int
    /// The vectors, one after the other.
    package let values: [Float]

    /// - Precondition: `values` holds whole vectors.
    package init(tokenCount: Int, length: Int, values: [Float]) {
        precondition(length > 0 && values.count % length == 0, "\(values.count) numbers are no vectors of \(length)")
        self.tokenCount = tokenCount
        self.length = length
        self.values = values
    }

    package var vectors: [ArraySlice<Float>] {
        stride(from: 0, to: values.count, by: length).map { values[$0..<$0 + length] }
    }
}
