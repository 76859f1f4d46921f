package import Llama
package import MartletGrammar

/// Whether sequences share one pool of attention memory.
package enum KVCacheLayout: String, Sendable, CaseIterable {
    /// Separate for small models, if memory allows; else shared.
    case automatic
    /// One pool of `contextLength` tokens, of which a sequence may have all.
    case unified
    /// `contextLength` tokens for each sequence, and bits that depend on nobody else (see design.md).
    case separate
}

/// How an engine runs its model.
package struct EngineConfiguration: Sendable {
    /// A GGUF file.
    package var modelPath: String
    /// Most tokens of one sequence. 0 = as many as the model was trained on, or fewer where their memory would take
    /// more than a quarter of what is free (see `MemoryBudget`).
    package var contextLength = 0
    package var kvCacheLayout = KVCacheLayout.automatic
    /// How many generations run at once: 1 to 256.
    package var sequenceCount = 4
    /// Most tokens of one decode.
    package var batchSize = 2048
    /// Most tokens computed at once.
    package var microBatchSize = 512
    /// Threads of a decode of one token per sequence; `nil` = by the model's size and the machine's cores.
    package var threads: Int?
    /// Threads of a decode with prompt tokens; `nil` = as `threads`.
    package var batchThreads: Int?
    /// Layers on the GPU, if there is one; a negative number means all.
    package var gpuLayers: Int32 = -1
    package var keyCacheType = CacheType.f16
    package var valueCacheType = CacheType.f16
    package var flashAttention = Context.Options.FlashAttention.automatic
    package var loadMode = Model.Options.LoadMode.mapped
    /// Whether weights are searched for invalid numbers while loading.
    package var checksTensors = false
    /// Whether a token is computed while loading, so that the first request is as fast as the others.
    package var warmsUp = true
    /// Whether a GPU, if there is one, holds the KV cache, and computes on weights that it does not hold.
    package var offloadsKVCache = true
    package var offloadsOperations = true
    package var positions = RotaryPositions()
    /// Whether control tokens have a text in answers.
    package var showsControlTokens = false
    package var usesRepackedWeights = true
    /// Whether weights on the CPU stay out of a GPU's host buffer.
    package var bypassesHostBuffer = false
    /// Where the threads of a decode run; `batchPlacement` is for decodes with prompt tokens.
    package var placement = ThreadPlacement()
    package var batchPlacement = ThreadPlacement()
    /// How threads are spread over NUMA nodes; `nil` = as the system does it.
    package var numa: NUMAStrategy?
    /// Control vectors with the strength of each, and the layers that feel them; `nil` = all.
    package var controlVectors: [(path: String, scale: Float)] = []
    package var controlLayers: ClosedRange<Int>?
    /// Whether a token's bits do not depend on how many other tokens are computed beside it (see design.md). Costs next
    /// to nothing on a CPU; a GPU's kernels do not promise it at any price.
    package var isReproducible = true
    /// Whether sliding-window layers keep all tokens.
    package var keepsFullWindow = false
    /// Changes of the weights, and how strongly each is applied where nobody says otherwise.
    package var adapters: [(path: String, scale: Float)] = []
    /// How embeddings are made; `nil` = not at all, which saves their memory.
    package var embeddings: Pooling?
    /// Most generations that wait for a sequence; more are refused as `overloaded`.
    package var queueLimit = 1024
    /// Memory for what paused generations had in theirs when others took it; what does not fit is computed again.
    package var kvStateCacheByteCount = 8 << 30
    /// What matching a grammar may cost; the rest was decided where the grammar was made.
    package var grammarLimits = GrammarLimits.standard
    package var parallelSampling = ParallelSampling()
    /// How long prompts may hold up sequences that write, per decode.
    package var maximumPrefillStall: Duration = .milliseconds(60)
    /// Longest wait of a prompt for others to be read with it, where the engine has nothing else to do (see
    /// `PrefillBudget`).
    package var batchingWindow: Duration = .milliseconds(3)

    package init(modelPath: String) { self.modelPath = modelPath }

    /// The first rule that a value breaks, as a sentence.
    package var violation: String? {
        let rules: [(String, Int, ClosedRange<Int>)] = [
            ("context length", contextLength, 0...Int(Int32.max)),
            ("sequence count", sequenceCount, 1...256),
            ("batch size", batchSize, 1...(1 << 20)),
            ("micro-batch size", microBatchSize, 1...(1 << 20)),
            ("thread count", threads ?? 1, 1...1024),
            ("batch thread count", batchThreads ?? 1, 1...1024),
            ("queue limit", queueLimit, 0...(1 << 20)),
        ]
        for (name, value, range) in rules where !range.contains(value) {
            return "The \(name) must be \(range.lowerBound) to \(range.upperBound), not \(value)."
        }
        return nil
    }
}
