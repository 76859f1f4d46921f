import CLlama

/// The encoding of positions (RoPE). `nil` = the value of the model file.
package struct RotaryPositions: Sendable, Equatable {
    /// The method by which positions are scaled to a longer context.
    package enum Scaling: String, Sendable, CaseIterable {
        case none
        case linear
        case yarn
    }
    package var scaling: Scaling?
    package var frequencyBase: Float?
    /// The inverse of the factor by which the context is stretched.
    package var frequencyScale: Float?
    /// The context length of the training that YaRN assumes, in tokens.
    package var yarnContextLength: Int?
    package var yarnExtrapolation: Float?
    package var yarnAttention: Float?
    package var yarnBetaSlow: Float?
    package var yarnBetaFast: Float?

    package init() {}

    func apply(to parameters: inout llama_context_params) {
        switch scaling {
        case .none?: parameters.rope_scaling_type = LLAMA_ROPE_SCALING_TYPE_NONE
        case .linear?: parameters.rope_scaling_type = LLAMA_ROPE_SCALING_TYPE_LINEAR
        case .yarn?: parameters.rope_scaling_type = LLAMA_ROPE_SCALING_TYPE_YARN
        case nil: break
        }
        if let frequencyBase { parameters.rope_freq_base = frequencyBase }
        if let frequencyScale { parameters.rope_freq_scale = frequencyScale }
        if let yarnContextLength { parameters.yarn_orig_ctx = UInt32(clamping: yarnContextLength) }
        if let yarnExtrapolation { parameters.yarn_ext_factor = yarnExtrapolation }
        if let yarnAttention { parameters.yarn_attn_factor = yarnAttention }
        if let yarnBetaSlow { parameters.yarn_beta_slow = yarnBetaSlow }
        if let yarnBetaFast { parameters.yarn_beta_fast = yarnBetaFast }
    }
}
