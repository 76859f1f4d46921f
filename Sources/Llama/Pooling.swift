import CLlama

/// How the vectors of a sequence's tokens become one.
package enum Pooling: Sendable, CaseIterable {
    /// As the model's file says; where it says nothing, not at all.
    case ofModel
    /// Not at all: each token keeps its own.
    case none
    case mean
    /// The vector of the first token.
    case first
    /// The vector of the last token.
    case last
    /// The model's classifier makes a score of it.
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
    /// How vectors are pooled; never `ofModel`.
    package var pooling: Pooling {
        let raw = llama_pooling_type(pointer)
        return Pooling.allCases.first { $0 != .ofModel && $0.raw == raw } ?? .none
    }

    /// Numbers of one vector.
    package var embeddingLength: Int {
        pooling == .rank ? Int(llama_model_n_cls_out(model.pointer)) : Int(llama_model_n_embd_out(model.pointer))
    }

    /// Whether sequences have a memory, so that one can be computed in several decodes.
    package var hasKVCache: Bool { memory != nil }

    /// The vector of the batch's token `index`, where nothing is pooled.
    ///
    /// The buffer is libllama's and valid until the next decode.
    package mutating func embedding(at index: Int) -> UnsafeBufferPointer<Float>? {
        llama_get_embeddings_ith(pointer, Int32(index)).map { UnsafeBufferPointer(start: $0, count: embeddingLength) }
    }

    /// The pooled vector of `sequence`, of which the batch had tokens.
    ///
    /// The buffer is libllama's and valid until the next decode.
    package mutating func embedding(of sequence: Int) -> UnsafeBufferPointer<Float>? {
        llama_get_embeddings_seq(pointer, Int32(sequence)).map {
            UnsafeBufferPointer(start: $0, count: embeddingLength)
        }
    }
}
