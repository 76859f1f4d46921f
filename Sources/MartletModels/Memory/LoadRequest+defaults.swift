extension LoadRequest {
    /// The request that the engine makes of `--ctx-size` and `--parallel` on this machine.
    ///
    /// The rules are those of `MemoryBudget.plan` of MartletEngine: without a stated length the context is the trained
    /// one, or less, so that the KV cache uses at most a quarter of the free memory; a small model has a KV cache for
    /// each sequence if they all fit into that quarter.
    ///
    /// - Parameters:
    ///   - contextLength: tokens of one sequence; 0 = by the rule.
    ///   - available: free bytes of the host.
    ///   - minimumContextLength: the smallest context that the rule chooses.
    package init(
        _ shape: ModelShape, contextLength: Int, sequenceCount: Int, available: UInt64,
        minimumContextLength: Int = 4_096
    ) {
        let perToken = shape.layers.reduce(UInt64(0)) { $0 &+ ($1.keyElements &+ $1.valueElements) &* 2 }
        let fitting = perToken > 0 ? Int(clamping: available / 4 / perToken / 256 * 256) : Int(Int32.max)
        let trained = max(256, shape.trainedContextLength ?? 4_096)
        let length = contextLength > 0 ? contextLength : min(trained, max(minimumContextLength, fitting))
        self.init(contextLength: length)
        self.sequenceCount = max(1, sequenceCount)
        usesUnifiedKV = shape.weightBytes > Self.smallByteCount || length > fitting / max(1, sequenceCount)
        outputCount = max(1, sequenceCount) + Self.outputsPerStep
        usedOutputCount = max(1, sequenceCount)
        setAttention(flash: nil, microBatchSize: microBatchSize)
    }

    /// Applies the flags of attention and of the micro-batch. Call it when devices and caches are set.
    ///
    /// - Parameter flash: whether a flag asks for flash attention; nil = the engine's choice (`PlainAttention` of
    ///   MartletEngine): on x86-64 processors, long sequences with caches of their own have plain attention in smaller
    ///   steps.
    package mutating func setAttention(flash: Bool?, microBatchSize: Int) {
        let isPlain = !usesUnifiedKV && devices.isEmpty && contextLength >= Self.plainLength
        usesFlashAttention = flash ?? !isPlain
        self.microBatchSize = usesFlashAttention || flash != nil ? microBatchSize : min(microBatchSize, Self.plainStep)
    }

    /// The context for text, and that for vectors if there is one, each as a request of its own.
    var contexts: [LoadRequest] {
        guard let embedding else { return [self] }
        var request = self
        request.contextLength = embedding.contextLength
        (request.usesUnifiedKV, request.usesFlashAttention) = (true, embedding.usesFlashAttention)
        (request.microBatchSize, request.outputCount) = (embedding.batchSize, embedding.batchSize)
        request.usedOutputCount = embedding.batchSize
        return [self, request]
    }

    /// The number of entries of the KV cache, for ended sequences too.
    func entryCount(hasRecurrentState: Bool) -> Int {
        Self.entryCount(
            sequenceCount: sequenceCount, usesUnifiedKV: usesUnifiedKV, hasRecurrentState: hasRecurrentState)
    }

    /// The number of entries of a KV cache: one per slot, or more if sequences share cells, so that prefixes without a slot
    /// are retained. 64 of them need no more memory than the logits of one chunk of a prompt.
    ///
    /// A recurrent state takes memory per sequence id, so there is one per slot.
    package static func entryCount(sequenceCount: Int, usesUnifiedKV: Bool, hasRecurrentState: Bool) -> Int {
        guard usesUnifiedKV, !hasRecurrentState else { return sequenceCount }
        return sequenceCount <= 32 ? 64 : min(256, sequenceCount * 2)
    }

    /// The number of cells of a sequence from which plain attention is the default. A server for shorter sequences mostly
    /// has prompts of some hundred tokens, which flash attention computes 15 % faster.
    package static let plainLength = 2_048
    /// The number of tokens that plain attention computes at once. More are not faster, and need more memory.
    package static let plainStep = 64

    /// The size up to which a model counts as small (`MemoryBudget.smallByteCount`).
    private static let smallByteCount: UInt64 = 64 << 20
    /// Tokens whose logits a decode computes beside one per sequence (`BatchShape.chunk`).
    private static let outputsPerStep = 64
}
