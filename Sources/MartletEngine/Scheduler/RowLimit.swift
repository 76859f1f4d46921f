import Llama
import MartletGGUF

/// The number of generated tokens that one decode may compute so that each of them rounds as it does by itself.
///
/// Example: ggml multiplies a matrix of F32 weights by a single vector with one kernel, and by two or more with another.
/// The logits differ by about 3e-6, which decides between two tokens within some thousand tokens. With Q8_0 every number
/// of vectors gives the same bits.
///
/// | weights | as by itself |
/// | --- | --- |
/// | Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, MXFP4 | any number |
/// | Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_XS | up to 3 (Q4_K) or 7 (the others) |
/// | F32, F16, BF16, IQ4_NL | 1 |
///
/// Measured with ggml 0.25.3 on x86-64 with AVX-512, both methods of attention; with AMX the limits of the first two lines
/// hold. Types that were not measured have the limit 1, which holds for every kernel: a decode of one token never depends
/// on others.
enum RowLimit {
    /// The limit of the types whose kernels change with the number of vectors: the smallest measured one, because
    /// the groups of vectors that a kernel forms depend on the processor.
    static let ofGroupedTypes = 3

    /// The properties of a context, apart from its weights, that change kernels with the number of tokens.
    struct Setting: Sendable, Equatable {
        /// The number of threads of a decode with one token.
        var threads = 1
        var usesFlashAttention = true
        var keyType = CacheType.f16
        var valueType = CacheType.f16
        /// Whether requests may add LoRA adapters, whose matrices are F32 or F16.
        var hasAdapters = false

        /// Whether a single token is computed in a way of its own.
        ///
        /// With flash attention ggml divides the cells of a single token of a single sequence among threads, from 512
        /// cells on, if keys and values have the same type, F32 or F16 (`use_split_kv_path`). With one thread there is one
        /// part, and the result has the same bits.
        var changesSingleTokens: Bool {
            let splits = threads > 1 && usesFlashAttention && keyType == valueType && [.f32, .f16].contains(keyType)
            return hasAdapters || splits
        }
    }

    /// The limit of a model with these tensors; `nil` = any number of tokens.
    static func of(_ tensors: [GGUFTensor], _ setting: Setting) -> Int? {
        if setting.changesSingleTokens { return 1 }
        let hasOutput = tensors.contains { $0.name == "output.weight" }
        return tensors.filter { isMatrix($0, hasOutput: hasOutput) }.compactMap { limit(ofType: $0.typeNumber) }.min()
    }

    /// The limit of a type by its number in files (`ggml_type`); `nil` = any number of tokens.
    static func limit(ofType number: UInt32) -> Int? {
        switch number {
        case 2, 3, 6, 7, 8, 39: nil
        case 10...14, 23: ofGroupedTypes
        default: 1
        }
    }

    /// Whether a tensor is multiplied by the vectors of tokens.
    ///
    /// - Parameter hasOutput: whether the model has an output matrix. Otherwise the embeddings of tokens are that matrix.
    private static func isMatrix(_ tensor: GGUFTensor, hasOutput: Bool) -> Bool {
        guard tensor.dimensions.count(where: { $0 > 1 }) > 1 else { return false }
        if tensor.name == "token_embd.weight" { return !hasOutput }
        // Tables whose rows are read, and kernels of convolutions, which are applied token by token.
        let others = ["position_embd.", "token_types.", "per_layer_token_embd.", ".ssm_conv1d.", ".shortconv.conv."]
        return !others.contains { tensor.name.contains($0) } && !tensor.name.hasSuffix(".ssm_a")
    }
}
