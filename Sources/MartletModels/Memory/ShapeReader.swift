import MartletGGUF

/// Reads hyperparameters of one architecture from a head.
struct ShapeReader {
    let architecture: String
    private let header: GGUFHeader
    private let layerCount: Int

    init(_ header: GGUFHeader) {
        self.header = header
        architecture = header.metadata["general.architecture"]?.text ?? ""
        layerCount = Int(clamping: header.metadata["\(architecture).block_count"]?.integer ?? 0)
    }

    /// The limit of every number here, so that products of four numbers do not overflow.
    private static let limit: Int64 = 1 << 24

    /// A number of the architecture; 0 if it is absent, negative or no number.
    func number(_ key: String) -> Int {
        let value = header.metadata["\(architecture).\(key)"]?.integer ?? 0
        return value > 0 ? Int(min(value, Self.limit)) : 0
    }

    /// The number for one layer: that of the layer if the file has a list, else the number for all layers.
    func number(_ key: String, layer: Int) -> Int {
        guard let list = header.lists["\(architecture).\(key)"] else { return number(key) }
        return layer < list.count ? Int(max(0, min(list[layer], Self.limit))) : 0
    }

    /// The largest number of all layers.
    func largest(_ key: String) -> Int {
        guard let list = header.lists["\(architecture).\(key)"] else { return number(key) }
        return Int(max(0, min(list.max() ?? 0, Self.limit)))
    }

    private func isSet(_ key: String) -> Bool { header.metadata["\(architecture).\(key)"] != nil }

    var vocabularySize: Int {
        if case .array(let count)? = header.metadata["tokenizer.ggml.tokens"] { return Int(clamping: count) }
        return number("vocab_size")
    }

    /// Elements of a head's key: stated, else the embedding divided by the heads.
    var keyLength: Int { isSet("attention.key_length") ? number("attention.key_length") : usualHeadLength }
    private var valueLength: Int {
        isSet("attention.value_length") ? number("attention.value_length") : usualHeadLength
    }
    private var usualHeadLength: Int { number("embedding_length") / max(1, largest("attention.head_count")) }

    // MARK: Layers

    /// All layers with their memory, without weights.
    func layers() -> [ModelShape.Layer] {
        guard layerCount <= 1_024 else { return [] }
        return (0..<layerCount).map { index in
            var layer = ModelShape.Layer()
            let isRecurrent = self.isRecurrent(index)
            if isRecurrent { layer.stateElements = stateElements }
            if !isRecurrent || Self.parallel.contains(architecture) {
                (layer.keyElements, layer.valueElements) = cacheElements(index)
                layer.isWindowed = isWindowed(index)
            }
            return layer
        }
    }

    func memory(of layers: [ModelShape.Layer]) -> ModelShape.Memory {
        let hasState = layers.contains { $0.stateElements > 0 }
        let hasAttention = layers.contains { $0.keyElements > 0 }
        switch (hasState, hasAttention) {
        case (true, true): return .hybrid
        case (true, false): return .recurrent
        case (false, false): return .none
        case (false, true):
            if Self.encoders.contains(architecture) { return .none }
            if isLatent { return .latent }
            return layers.contains(where: \.isWindowed) ? .slidingWindow : .dense
        }
    }

    /// Models without a memory between decodes.
    private static let encoders: Set<String> = [
        "bert", "nomic-bert", "nomic-bert-moe", "neo-bert", "jina-bert-v2", "jina-bert-v3", "modern-bert", "eurobert",
        "gemma-embedding",
    ]

    // MARK: Attention

    /// Elements of keys and of values per token.
    private func cacheElements(_ layer: Int) -> (UInt64, UInt64) {
        if Self.encoders.contains(architecture) { return (0, 0) }
        let heads =
            isSet("attention.head_count_kv")
            ? number("attention.head_count_kv", layer: layer) : number("attention.head_count", layer: layer)
        if isLatent {
            // One compressed vector per token, whose first part also serves as the values.
            return (UInt64(keyLength) * UInt64(max(1, heads)), 0)
        }
        let isWindowed = self.isWindowed(layer)
        let key = isWindowed && isSet("attention.key_length_swa") ? number("attention.key_length_swa") : keyLength
        let value =
            isWindowed && isSet("attention.value_length_swa") ? number("attention.value_length_swa") : valueLength
        return (UInt64(heads) * UInt64(key), UInt64(heads) * UInt64(value))
    }

    /// Whether the model has multi-head latent attention in the form whose cache is compressed.
    private var isLatent: Bool { number("attention.key_length_mla") > 0 && number("attention.value_length_mla") > 0 }

    // MARK: Sliding window

    /// After how many layers a layer stores all tokens, and whether the first one of such a group does. From
    /// `llama_model_…::load_arch_hparams`.
    private static let windowPatterns: [String: (period: Int, isDenseFirst: Bool)] = [
        "afmoe": (4, false), "cohere2": (4, false), "cohere2moe": (4, true), "exaone-moe": (4, false),
        "exaone4": (4, false), "gemma2": (2, false), "gemma3": (6, false), "gemma3n": (5, false), "laguna": (4, true),
        "llama4": (4, false), "mellum": (4, false), "olmo2": (4, false), "gpt-oss": (2, false), "plamo3": (8, false),
        "smallthinker": (4, true), "gemma4": (6, false),
    ]

    /// Windows that libllama knows for files that do not state them.
    private static let usualWindows: [String: Int] = [
        "gemma2": 4_096, "llama4": 8_192, "exaone-moe": 128,
    ]

    /// Tokens of the window; 0 = none.
    var window: Int {
        isSet("attention.sliding_window") ? number("attention.sliding_window") : Self.usualWindows[architecture] ?? 0
    }

    /// Whether a layer stores only its window. An architecture whose pattern is unknown counts as dense, which needs
    /// more memory.
    private func isWindowed(_ layer: Int) -> Bool {
        guard window > 0, let pattern = Self.windowPatterns[architecture] else { return false }
        if let list = header.lists["\(architecture).attention.sliding_window_pattern"] {
            return layer < list.count && list[layer] != 0
        }
        let stated = number("attention.sliding_window_pattern")
        let period = stated > 0 ? stated : pattern.period
        return pattern.isDenseFirst ? layer % period != 0 : layer % period < period - 1
    }

    // MARK: Running state

    /// Architectures whose layers all have a running state.
    private static let recurrent: Set<String> = ["mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7"]
    /// Architectures whose layers have both a running state and attention.
    private static let parallel: Set<String> = ["falcon-h1"]
    /// Architectures in which every n-th layer has attention.
    private static let intervals: Set<String> = ["qwen3next", "qwen35", "qwen35moe"]
    /// Architectures in which a layer without KV heads has a running state.
    private static let byHeads: Set<String> = [
        "jamba", "lfm2", "lfm2moe", "granitehybrid", "plamo2", "nemotron_h", "nemotron_h_moe", "kimi-linear",
    ]

    private func isRecurrent(_ layer: Int) -> Bool {
        if Self.recurrent.contains(architecture) || Self.parallel.contains(architecture) { return true }
        if Self.intervals.contains(architecture) {
            if let list = header.lists["\(architecture).attention.recurrent_layers"] {
                return layer < list.count && list[layer] != 0
            }
            let interval = number("full_attention_interval")
            return (layer + 1) % (interval > 0 ? interval : 4) != 0
        }
        guard Self.byHeads.contains(architecture) else { return false }
        let hasNetworkOnly =
            architecture.hasPrefix("nemotron_h") && number("feed_forward_length", layer: layer) > 0
        return number("attention.head_count_kv", layer: layer) == 0 && !hasNetworkOnly
    }

    /// Elements of a layer's running state for one sequence: that of convolutions, and that of the recurrence.
    private var stateElements: UInt64 {
        let embedding = UInt64(number("embedding_length"))
        let wkv = UInt64(number("wkv.head_size"))
        if wkv > 0 {
            return UInt64(isSet("token_shift_count") ? number("token_shift_count") : 2) * embedding + embedding * wkv
        }
        let shortConvolution = UInt64(number("shortconv.l_cache"))
        if shortConvolution > 0 { return embedding * (shortConvolution - 1) }
        let kernel = UInt64(max(1, number("ssm.conv_kernel"))) - 1
        let inner = UInt64(number("ssm.inner_size"))
        let state = UInt64(number("ssm.state_size"))
        return kernel * (inner + 2 * UInt64(number("ssm.group_count")) * state) + state * inner
    }
}
