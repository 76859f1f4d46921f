/// What a loaded model is, as far as those who serve it need to know.
package struct ModelInformation: Sendable, Equatable {
    /// Path of the GGUF file.
    package var path: String = ""
    /// `general.name` of the file, if it has one.
    package var name: String?
    /// For people, such as "qwen3 0.6B Q8_0".
    package var summary: String = ""
    /// Of the weights, such as "Q8_0".
    package var fileType: String = ""
    package var parameterCount: UInt64 = 0
    /// Of the weights, in bytes.
    package var byteCount: UInt64 = 0
    package var vocabularyKind: Int32 = 0
    package var vocabularySize = 0
    package var embeddingLength = 0
    package var trainedContextLength = 0
    /// Tokens that fit the memory that all sequences share.
    package var contextLength = 0
    /// Most tokens of one sequence.
    package var sequenceContextLength = 0
    /// How many generations run at once.
    package var sequenceCount = 0
    /// The chat template in the file, if there is one.
    package var chatTemplate: String?
    /// The variant for requests with tools, if there is one.
    package var toolUseChatTemplate: String?
    package var beginningToken: String = ""
    package var endToken: String = ""
    /// All tokens that end an answer.
    package var endOfGenerationTokens: [Int32] = []
    /// How embeddings are made; `nil` = they are not.
    package var embeddingPooling: EmbeddingPooling?
    /// Changes of the weights that requests may ask for.
    package var adapters: [AdapterInformation] = []
    /// How long loading took.
    package var loadTime: Duration = .zero

    package init() {}
}

/// A low-rank change of a model's weights (LoRA) that is loaded beside it.
package struct AdapterInformation: Sendable, Equatable {
    package var path: String
    /// How strongly it is applied where nobody says otherwise.
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

/// A token and what it stands for.
package struct TokenPiece: Sendable, Equatable {
    package var id: Int32
    /// May be part of a UTF-8 character.
    package var bytes: [UInt8]

    package init(id: Int32, bytes: [UInt8]) {
        self.id = id
        self.bytes = bytes
    }
}

/// What an engine's sequences do, and what it has done since it was started.
package struct EngineStatus: Sendable, Equatable {
    package var slots: [SlotStatus] = []
    /// Generations that wait for a sequence.
    package var queued = 0
    package var counters = EngineCounters()

    package init() {}
}

/// What one sequence of the engine does.
package struct SlotStatus: Sendable, Equatable {
    package enum Phase: UInt8, Sendable {
        case idle = 0
        case prompt = 1
        case generating = 2
        /// It holds a generation that waits for an order to go on.
        case paused = 3
    }
    package var index: Int
    package var phase: Phase = .idle
    /// The generation that runs, or the last generation of the slot; `nil` = there was none.
    package var handle: GenerationHandle?
    /// Tokens in the sequence's memory.
    package var kvCacheTokens = 0
    package var promptTokens = 0
    package var promptTokensProcessed = 0
    package var cachedTokens = 0
    package var predictedTokens = 0

    package init(index: Int) { self.index = index }
}

/// Sums since the engine was started. They only grow.
package struct EngineCounters: Sendable, Equatable {
    /// Prompt tokens that were computed.
    package var promptTokens: UInt64 = 0
    /// Prompt tokens that were found in memory.
    package var cachedTokens: UInt64 = 0
    package var predictedTokens: UInt64 = 0
    package var promptTime: Duration = .zero
    package var predictedTime: Duration = .zero
    /// Calls of `llama_decode`.
    package var decodes: UInt64 = 0
    /// Over all decodes, how many sequences took part.
    package var busySlots: UInt64 = 0
    /// Longest context that a sequence has had, in tokens.
    package var longestContext = 0

    package init() {}
}
