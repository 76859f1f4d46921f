/// How the vectors of an input's tokens become its embedding. The raw values are part of frames.
package enum EmbeddingPooling: UInt8, Sendable, CaseIterable {
    /// No pooling: one vector per token.
    case none = 0
    case mean = 1
    /// The vector of the first token.
    case first = 2
    /// The vector of the last token.
    case last = 3
    /// The classifier of the model computes a score.
    case rank = 4
}

/// The embedding of one input: one vector, or one per token without pooling. The vectors are not normalised.
package struct Embedding: Sendable, Equatable {
    /// The number of tokens of the input.
    package var tokenCount: Int
    /// The number of elements of one vector; at least 1.
    package let length: Int
    /// The elements of all vectors, adjacent.
    package let values: [Float]

    /// Creates an embedding.
    ///
    /// - Precondition: `values` contains whole vectors.
    package init(tokenCount: Int, length: Int, values: [Float]) {
        precondition(length > 0 && values.count % length == 0, "\(values.count) numbers are no vectors of \(length)")
        self.tokenCount = tokenCount
        self.length = length
        self.values = values
    }

    /// The vectors in order. They share the storage of `values`.
    package var vectors: [ArraySlice<Float>] {
        stride(from: 0, to: values.count, by: length).map { values[$0..<$0 + length] }
    }
}
