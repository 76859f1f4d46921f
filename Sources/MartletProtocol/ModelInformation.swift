/// The properties of a loaded model that the server side needs.
package struct ModelInformation: Sendable, Equatable {
    /// The path of the GGUF file.
    package var path: String = ""
    /// `general.name` of the file, if it has one.
    package var name: String?
    /// A description for log lines and pages, such as "qwen3 0.6B Q8_0".
    package var summary: String = ""
    /// The type of the weights, such as "Q8_0".
    package var fileType: String = ""
    package var parameterCount: UInt64 = 0
    /// The size of the weights in bytes.
    package var byteCount: UInt64 = 0
    package var vocabularyKind: Int32 = 0
    package var vocabularySize = 0
    package var embeddingLength = 0
    package var trainedContextLength = 0
    /// The number of tokens in the KV cache of all sequences together.
    package var contextLength = 0
    /// The largest number of tokens of one sequence.
    package var sequenceContextLength = 0
    /// The number of generations that can run at the same time.
    package var sequenceCount = 0
    /// The chat template in the file, if there is one.
    package var chatTemplate: String?
    /// The chat template for requests with tools, if there is one.
    package var toolUseChatTemplate: String?
    package var beginningToken: String = ""
    package var endToken: String = ""
    /// All tokens that end a generation.
    package var endOfGenerationTokens: [Int32] = []
    /// The pooling of embeddings; `nil` = the engine makes none.
    package var embeddingPooling: EmbeddingPooling?
    /// The form of inputs for reranking; `nil` = the engine ranks no documents.
    package var rerankFormat: RerankFormat?
    /// The tokens for completions within a text.
    package var infillTokens = InfillTokens()
    /// The largest number of tokens of one decode.
    package var batchSize = 0
    /// The adapters that requests may name.
    package var adapters: [AdapterInformation] = []
    /// The duration of loading.
    package var loadTime: Duration = .zero

    package init() {}

    /// Whether tokens of `other` continue here. Equal figures are taken for equal weights.
    package func hasTokens(of other: ModelInformation) -> Bool {
        (vocabularySize, vocabularyKind, parameterCount, byteCount, fileType)
            == (other.vocabularySize, other.vocabularyKind, other.parameterCount, other.byteCount, other.fileType)
    }
}

/// A LoRA adapter that was loaded together with the model.
package struct AdapterInformation: Sendable, Equatable {
    package var path: String
    /// The scale that applies if a request names none.
    package var scale: Float
    /// `adapter.lora.task_name` of the file, or "".
    package var taskName = ""
    /// `adapter.lora.prompt_prefix` of the file, or "".
    package var promptPrefix = ""

    package init(path: String, scale: Float) {
        self.path = path
        self.scale = scale
    }
}

/// A token and its bytes.
package struct TokenPiece: Sendable, Equatable {
    package var id: Int32
    /// The bytes may be part of a UTF-8 character.
    package var bytes: [UInt8]

    package init(id: Int32, bytes: [UInt8]) {
        self.id = id
        self.bytes = bytes
    }
}

/// The slots of an engine, and its counters since the start.
package struct EngineStatus: Sendable, Equatable {
    package var slots: [SlotStatus] = []
    /// The number of generations that wait for a slot.
    package var queued = 0
    package var counters = EngineCounters()
    package var cache = CacheStatus()

    package init() {}
}

/// The state of one slot.
package struct SlotStatus: Sendable, Equatable {
    /// The part of a generation's run that the slot is in.
    package enum Phase: UInt8, Sendable {
        case idle = 0
        case prompt = 1
        case generating = 2
        /// The generation of the slot is paused.
        case paused = 3
    }
    package var index: Int
    package var phase: Phase = .idle
    /// The generation of the slot, or its last one; `nil` if there was none.
    package var handle: GenerationHandle?
    /// Tokens in the KV cache of the slot.
    package var kvCacheTokens = 0
    package var promptTokens = 0
    package var promptTokensProcessed = 0
    package var cachedTokens = 0
    package var predictedTokens = 0
    /// The number of tokens until the limit of the generation; `nil` if it has none.
    package var remainingTokens: Int?
    /// Whether the output contains a line break.
    package var hasLineBreak = false

    package init(index: Int) { self.index = index }
}

/// Sums since the start of the engine. They never decrease.
package struct EngineCounters: Sendable, Equatable {
    /// Prompt tokens that were computed.
    package var promptTokens: UInt64 = 0
    /// Prompt tokens that the KV cache held already.
    package var cachedTokens: UInt64 = 0
    package var predictedTokens: UInt64 = 0
    package var promptTime: Duration = .zero
    package var predictedTime: Duration = .zero
    /// Drafts that were computed, their tokens, and the tokens that were accepted.
    package var drafts: UInt64 = 0
    package var draftedTokens: UInt64 = 0
    package var acceptedDraftTokens: UInt64 = 0
    /// Calls of `llama_decode`.
    package var decodes: UInt64 = 0
    /// The sum over all decodes of the number of sequences that took part.
    package var busySlots: UInt64 = 0
    /// The longest history of a sequence, in tokens.
    package var longestContext = 0

    package init() {}
}
