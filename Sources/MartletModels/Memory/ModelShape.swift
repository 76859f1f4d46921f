package import MartletGGUF

/// The sizes of a model from which its memory follows: weights and memory of each layer.
///
/// All sizes come from the head of the file. The formulas are those of `llama-hparams.cpp`, `llama-kv-cache.cpp` and
/// `llama-memory-recurrent.cpp` of libllama 0.5.
package struct ModelShape: Sendable, Equatable {
    /// The memory that one layer needs, in elements.
    package struct Layer: Sendable, Equatable {
        /// Bytes of all tensors of the layer, and of those of its experts.
        package var weightBytes: UInt64 = 0
        package var expertBytes: UInt64 = 0
        /// Elements of the KV cache per token; 0 for a layer without attention.
        package var keyElements: UInt64 = 0
        package var valueElements: UInt64 = 0
        /// Whether the layer stores only the tokens of the sliding window.
        package var isWindowed = false
        /// Elements of the running state per sequence, of 32 bits; 0 for a layer without one.
        package var stateElements: UInt64 = 0

        /// Creates a layer without weights and memory.
        package init() {}
    }

    /// How a model remembers tokens.
    package enum Memory: String, Sendable {
        /// Every layer stores every token.
        case dense
        /// Some layers store a window of tokens.
        case slidingWindow = "sliding window"
        /// Some layers have a running state, others attention.
        case hybrid
        /// Every layer has a running state of constant size.
        case recurrent
        /// Keys and values are one compressed vector per token (multi-head latent attention).
        case latent = "latent attention"
        /// No memory between decodes, e.g. BERT.
        case none
    }

    package var architecture: String
    package var layers: [Layer]
    /// Bytes of the token embeddings, which stay in host memory.
    package var inputBytes: UInt64
    /// Bytes of the output matrix and of all other tensors outside of layers.
    package var outputBytes: UInt64
    /// Whether the output matrix is the token embeddings, which a device then stores a second time.
    package var sharesEmbeddings: Bool
    /// Tokens; 0 if there is no window.
    package var window: Int
    package var vocabularySize: Int
    package var embeddingLength: Int
    /// The largest number of elements of a layer's feed-forward network that one token needs.
    package var feedForwardLength: Int
    /// The largest number of heads of a layer, and the elements of one head.
    package var headCount: Int
    package var headLength: Int
    /// Tokens; `nil` if the file does not state the number.
    package var trainedContextLength: Int?
    package var memory: Memory
    /// The number of tensors.
    package var tensorCount: Int

    /// Whether a layer has a running state.
    var hasRecurrentState: Bool { layers.contains { $0.stateElements > 0 } }

    /// Bytes of all weights.
    package var weightBytes: UInt64 { layers.reduce(inputBytes &+ outputBytes) { $0 &+ $1.weightBytes } }

    /// Derives the sizes from the headers of all files of a model. The first one has the metadata.
    package init(_ first: GGUFHeader, _ others: [GGUFHeader] = []) {
        let reader = ShapeReader(first)
        architecture = reader.architecture
        layers = reader.layers()
        window = layers.contains(where: \.isWindowed) ? reader.window : 0
        vocabularySize = reader.vocabularySize
        embeddingLength = reader.number("embedding_length")
        // The inner vectors of a recurrence have the place of those of a feed-forward network.
        feedForwardLength = max(
            reader.largest("feed_forward_length"), 2 * reader.number("ssm.inner_size"),
            reader.number("expert_feed_forward_length") * max(1, reader.number("expert_used_count")))
        headCount = max(1, reader.largest("attention.head_count"))
        headLength = reader.keyLength
        trainedContextLength = first.metadata["\(architecture).context_length"]?.integer.map { Int($0) }
        memory = reader.memory(of: layers)
        tensorCount = others.reduce(first.tensors.count) { $0 + $1.tensors.count }
        inputBytes = 0
        outputBytes = 0
        var hasOutput = false
        for tensor in first.tensors + others.flatMap(\.tensors) {
            if let layer = Self.layer(ofTensor: tensor.name), layers.indices.contains(layer) {
                layers[layer].weightBytes &+= tensor.byteCount
                if Self.isExpert(tensor.name) { layers[layer].expertBytes &+= tensor.byteCount }
            } else if tensor.name.hasPrefix("token_embd.") || tensor.name.hasPrefix("per_layer_token_embd.") {
                inputBytes &+= tensor.byteCount
            } else {
                outputBytes &+= tensor.byteCount
                if tensor.name == "output.weight" { hasOutput = true }
            }
        }
        sharesEmbeddings = !hasOutput
    }

    /// The number in `blk.12.attn_q.weight`; `nil` for tensors outside of layers.
    package static func layer(ofTensor name: String) -> Int? {
        guard name.hasPrefix("blk.") else { return nil }
        return Int(name.dropFirst(4).prefix { $0 != "." })
    }

    /// Whether the tensor belongs to experts, as in llama-server's `--cpu-moe`.
    package static func isExpert(_ name: String) -> Bool {
        [
            ".ffn_up_exps", ".ffn_down_exps", ".ffn_gate_exps", ".ffn_gate_up_exps", ".ffn_up_chexps",
            ".ffn_down_chexps",
            ".ffn_gate_chexps",
        ].contains { name.contains($0) }
    }
}
