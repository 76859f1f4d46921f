import CLlama

/// How the vectors of the tokens of a sequence become one vector.
package enum Pooling: Sendable, CaseIterable {
    /// The pooling that the model file names; none if it names none.
    case ofModel
    /// No pooling: one vector per token.
    case none
    case mean
    /// The vector of the first token.
    case first
    /// The vector of the last token.
    case last
    /// The classifier of the model computes a score.
    case rank

    var raw: llama_pooling_type {
        switch self {
        case .ofModel: LLAMA_POOLING_TYPE_UNSPECIFIED
        case .none: LLAMA_POOLING_TYPE_NONE
        case .mean: LLAMA_POOLING_TYPE_MEAN
        case .first: LLAMA_POOLING_TYPE_CLS
        case .last: LLAMA_POOLING_TYPE_LAST
        case .rank: LLAMA_POOLING_TYPE_RANK
        }
    }
}

extension Context {
    /// The pooling in effect; never `ofModel`.
    package var pooling: Pooling {
        let raw = llama_pooling_type(pointer)
        return Pooling.allCases.first { $0 != .ofModel && $0.raw == raw } ?? .none
    }

    /// The number of elements of a vector.
    package var embeddingLength: Int {
        pooling == .rank ? Int(llama_model_n_cls_out(model.pointer)) : Int(llama_model_n_embd_out(model.pointer))
    }

    /// Whether sequences have a KV cache, so that a sequence can be computed in several decodes.
    package var hasKVCache: Bool { memory != nil }

    /// The vector of the batch's token `index`, without pooling.
    ///
    /// The buffer belongs to libllama and is valid until the next decode.
    package mutating func embedding(at index: Int) -> UnsafeBufferPointer<Float>? {
        llama_get_embeddings_ith(pointer, Int32(index)).map { UnsafeBufferPointer(start: $0, count: embeddingLength) }
    }

    /// The pooled vector of `sequence`, which the batch had tokens of.
    ///
    /// The buffer belongs to libllama and is valid until the next decode.
    package mutating func embedding(of sequence: Int) -> UnsafeBufferPointer<Float>? {
        llama_get_embeddings_seq(pointer, Int32(sequence)).map {
            UnsafeBufferPointer(start: $0, count: embeddingLength)
        }
    }
}
