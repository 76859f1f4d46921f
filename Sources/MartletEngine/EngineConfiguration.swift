package import Llama
package import MartletGrammar
internal import MartletModels
package import MartletStateFiles

/// How the sequences of a context share its KV cache.
package enum KVCacheLayout: String, Sendable, CaseIterable {
    /// Separate for small models if the memory suffices; otherwise unified.
    case automatic
    /// One KV cache of `contextLength` tokens for all sequences. A single sequence may use all of it.
    case unified
    /// A KV cache of `contextLength` tokens per sequence. The output of a sequence is then batch-invariant (see
    /// design.md).
    case separate
}

/// How the number of layers on devices and the length of the context follow from free memory (`--fit`).
package struct MemoryFitting: Sendable, Equatable {
    /// Whether they do. Otherwise all layers are on devices, and the context has the trained length.
    package var isOn = true
    /// Bytes of each device that stay free; a single number is that of all devices.
    package var deviceMargins: [UInt64] = [1 << 30]
    /// The smallest context that is chosen, in tokens.
    package var minimumContextLength = 4_096

    /// The memory of each device that a model may fill.
    ///
    /// - Parameter freeByteCounts: the free bytes of each device, in the order of the margins.
    package func room(_ freeByteCounts: [UInt64]) -> [UInt64] {
        freeByteCounts.enumerated().map { index, free in
            let margin =
                deviceMargins.count == 1 ? deviceMargins[0] : index < deviceMargins.count ? deviceMargins[index] : 0
            return free - min(margin, free)
        }
    }
}

/// The model file of an engine and everything that is fixed when it is loaded.
///
/// All sizes are checked by `violation` before the model is loaded.
package struct EngineConfiguration: Sendable {
    /// The path of a GGUF file.
    package var modelPath: String
    /// The largest number of tokens of one sequence. 0 = the trained context length, or less if the KV cache would
    /// exceed a quarter of the available memory (see `MemoryBudget`).
    package var contextLength = 0
    package var kvCacheLayout = KVCacheLayout.automatic
    /// The number of slots, 1 to 256: so many generations run at the same time.
    package var sequenceCount = 4
    /// The largest number of tokens of one decode.
    package var batchSize = 2048
    /// The largest number of tokens that libllama computes at once within a decode.
    package var microBatchSize = 512
    /// Threads of a decode with one token per sequence; `nil` = chosen by the size of the model and the cores of the
    /// machine.
    package var threads: Int?
    /// Threads of a decode with prompt tokens; `nil` = the value of `threads`.
    package var batchThreads: Int?
    /// The number of layers on devices, from the last on; a negative number = all layers, `nil` = as many as fit.
    package var gpuLayers: Int32?
    /// How values that no flag states follow from free memory.
    package var fit = MemoryFitting()
    /// The devices that store the weights.
    package var devicePlacement = DevicePlacement()
    /// Other machines with ggml's RPC server, `HOST:PORT` each, whose devices are used.
    package var remoteServers: [String] = []
    /// The file of a backend that is loaded as a module (`GGML_BACKEND_PATH`); `nil` = none.
    package var backendModulePath: String?
    /// Values that replace metadata of the model file.
    package var metadataOverrides: [MetadataOverride] = []
    /// The element types of the KV cache.
    package var keyCacheType = CacheType.f16
    package var valueCacheType = CacheType.f16
    package var flashAttention = Context.Options.FlashAttention.automatic
    package var loadMode = Model.Options.LoadMode.mapped
    /// Whether loading searches the weights for values that are not numbers.
    package var checksTensors = false
    /// Whether loading ends with one decode, so that the first request is not slower than later ones.
    package var warmsUp = true
    /// Whether the GPU stores the KV cache, and whether it computes with weights that are stored in host memory.
    package var offloadsKVCache = true
    package var offloadsOperations = true
    /// Changes of the rotary position encoding, for contexts longer than the trained one.
    package var positions = RotaryPositions()
    /// Whether the output contains the texts of control tokens.
    package var showsControlTokens = false
    /// Whether libllama may store weights in a layout that suits the processor better.
    package var usesRepackedWeights = true
    /// Whether weights on the CPU are kept out of the GPU's host buffer.
    package var bypassesHostBuffer = false
    /// The processors that run the threads of a decode; `batchPlacement` applies to decodes with prompt tokens.
    package var placement = ThreadPlacement()
    package var batchPlacement = ThreadPlacement()
    /// The distribution of threads over NUMA nodes; `nil` = the default of the system.
    package var numa: NUMAStrategy?
    /// Control vectors with their strengths, and the layers that they apply to; `nil` = all layers.
    package var controlVectors: [(path: String, scale: Float)] = []
    package var controlLayers: ClosedRange<Int>?
    /// Whether the result of a token is independent of the number of tokens in its batch (see design.md). The cost on a
    /// CPU is small. The kernels of a GPU do not promise it.
    package var isReproducible = true
    /// Whether layers with a sliding window store all tokens instead of the window.
    package var keepsFullWindow = false
    /// LoRA adapters, each with the scale that applies if a request names none.
    package var adapters: [(path: String, scale: Float)] = []
    /// Speculative decoding: drafts by lookup and by a second model.
    package var speculation = SpeculationConfiguration()
    /// The pooling of embeddings; `nil` = no embeddings, which saves the memory of a second context.
    package var embeddings: Pooling?
    /// The largest number of waiting generations; a further one fails with `overloaded`.
    package var queueLimit = 1024
    /// Memory for the KV states of swapped-out sequences and of evicted prefixes (the RAM tier), in bytes. A state that
    /// does not fit is computed again.
    package var kvStateCacheByteCount = 8 << 30
    /// The folder and the size of the disk tier; `nil` = none.
    package var diskCache: DiskCacheSettings?
    /// Whether slots can be saved, restored and erased. Their entries then stay in the KV cache, where the actions look for
    /// them.
    package var permitsSlotActions = false
    /// The largest number of checkpoints of one sequence, for memory that cannot be cut; 0 = none.
    package var checkpointLimit = 32
    /// The smallest distance between checkpoints of earlier messages, in tokens.
    package var checkpointMinimumStep = 8_192
    /// The value of `--cache-reuse`, for a warning if the memory of the model cannot be shifted. Requests have their own.
    package var shiftLength = 0
    /// The time without work after which the disk tier writes prefixes that it lacks.
    package var diskCacheDelay: Duration = .milliseconds(300)
    /// Limits on the cost of matching a grammar. Limits on the size of a grammar apply where it is built.
    package var grammarLimits = GrammarLimits.standard
    /// When several sequences are sampled at the same time.
    package var parallelSampling = ParallelSampling()
    /// The longest time between two tokens of a running sequence while prompts are computed (see `PrefillBudget`).
    package var maximumStall: Duration = .milliseconds(200)
    /// The longest time that an otherwise idle engine waits for further prompts before a prefill (see `PrefillBudget`).
    package var batchingWindow: Duration = .milliseconds(20)

    /// The number of sequence ids of the context: entries of the KV cache for all slots, and where a copy costs nothing
    /// also for prefixes without a slot.
    func entryCount(usesUnifiedKV: Bool, hasRecurrentState: Bool) -> Int {
        LoadRequest.entryCount(
            sequenceCount: sequenceCount, usesUnifiedKV: usesUnifiedKV, hasRecurrentState: hasRecurrentState)
    }

    /// Creates the default configuration for a model file.
    package init(modelPath: String) { self.modelPath = modelPath }

    /// The first limit that a value exceeds, as a sentence for the user; `nil` if all values are valid.
    package var violation: String? {
        let rules: [(String, Int, ClosedRange<Int>)] = [
            ("context length", contextLength, 0...Int(Int32.max)),
            ("sequence count", sequenceCount, 1...256),
            ("batch size", batchSize, 1...(1 << 20)),
            ("micro-batch size", microBatchSize, 1...(1 << 20)),
            ("thread count", threads ?? 1, 1...1024),
            ("batch thread count", batchThreads ?? 1, 1...1024),
            ("queue limit", queueLimit, 0...(1 << 20)),
            ("checkpoint limit", checkpointLimit, 0...StateFileFormat.maximumCheckpointCount),
            ("minimum step of checkpoints", checkpointMinimumStep, 0...Int(Int32.max)),
        ]
        for (name, value, range) in rules where !range.contains(value) {
            return "The \(name) must be \(range.lowerBound) to \(range.upperBound), not \(value)."
        }
        return nil
    }
}
