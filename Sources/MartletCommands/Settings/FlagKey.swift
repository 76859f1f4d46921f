/// The key of a setting. The raw value is its long flag without the dashes, e.g. `ctx-size`.
///
/// `SettingTable` has exactly one entry per key; a test checks that.
enum FlagKey: String, Sendable, CaseIterable {
    /// A path; read by `SettingParser`.
    case config
    /// A path; read by `WorkerCommand` and `ServeCommand`.
    case model
    /// Texts; read by `PulledModel`.
    case hubRepository = "hf-repo"
    case hubFile = "hf-file"
    case hubToken = "hf-token"
    case modelAddress = "model-url"
    /// Paths; read by `ModelCatalogue`.
    case modelsFolder = "models-dir"
    case modelsPreset = "models-preset"
    /// Whole numbers; read by `PoolPlan`.
    case maximumModels = "models-max"
    case modelsMemoryMargin = "models-memory-margin"
    case sleepTime = "sleep-idle-seconds"
    /// On or off; read by `PoolPlan`.
    case modelsAutoload = "models-autoload"
    /// On or off; read by `PulledModel`.
    case offline
    /// A list; read by `Edge` and `ServerConfiguration`.
    case alias
    /// A list; read by `ServerConfiguration`.
    case tags
    /// On or off; read by `ServerConfiguration`.
    case strictModel = "strict-model"
    case strictFields = "strict-fields"
    case modelMap = "model-map"
    case infillSuffixFirst = "spm-infill"
    /// A text; read by `ServerConfiguration.chatTemplate(_:)`.
    case chatTemplate = "chat-template"
    /// A path; read by `ServerConfiguration.chatTemplate(_:)`.
    case chatTemplateFile = "chat-template-file"
    /// A JSON object; read by `ServerConfiguration.templateArguments(_:)`.
    case chatTemplateArguments = "chat-template-kwargs"

    /// Tokens; read by `EngineConfiguration`.
    case contextSize = "ctx-size"
    case sequenceContext = "kv-unified-per-slot"
    /// A number; read by `EngineConfiguration`.
    case parallel
    /// Tokens; read by `EngineConfiguration`.
    case batchSize = "batch-size"
    /// Tokens; read by `EngineConfiguration`.
    case microBatchSize = "ubatch-size"
    /// A number; read by `EngineConfiguration`.
    case threads
    case batchThreads = "threads-batch"
    /// Texts; read by `ThreadPlacement.placements(_:)`.
    case processorMask = "cpu-mask"
    case processorRange = "cpu-range"
    /// One of fixed words; read by `ThreadPlacement.placements(_:)`.
    case strictProcessors = "cpu-strict"
    /// A whole number; read by `ThreadPlacement.placements(_:)`.
    case threadPriority = "prio"
    case polling = "poll"
    /// A text; read by `ThreadPlacement.placements(_:)`.
    case batchProcessorMask = "cpu-mask-batch"
    case batchProcessorRange = "cpu-range-batch"
    /// One of fixed words; read by `ThreadPlacement.placements(_:)`.
    case batchStrictProcessors = "cpu-strict-batch"
    /// A whole number; read by `ThreadPlacement.placements(_:)`.
    case batchThreadPriority = "prio-batch"
    case batchPolling = "poll-batch"
    /// One of fixed words; read by `EngineConfiguration`.
    case numa
    /// A number; read by `EngineConfiguration`.
    case gpuLayers = "n-gpu-layers"
    /// Lists, words, texts and numbers; read by `DevicePlacement`.
    case device
    case splitMode = "split-mode"
    case tensorSplit = "tensor-split"
    case mainGPU = "main-gpu"
    case overrideTensor = "override-tensor"
    case cpuExperts = "cpu-moe"
    case cpuExpertLayers = "n-cpu-moe"
    case cpuNetworkLayers = "n-cpu-ffn"
    /// On or off, MiB, and tokens; read by `EngineConfiguration`.
    case fit
    case fitTarget = "fit-target"
    case fitContext = "fit-ctx"
    /// A list; read by `EngineConfiguration`.
    case remoteServers = "rpc"
    case overrideMetadata = "override-kv"
    /// One of fixed words; read by `EngineConfiguration`.
    case keyCacheType = "cache-type-k"
    case valueCacheType = "cache-type-v"
    /// MiB; read by `EngineConfiguration`.
    case cacheMemory = "cache-ram"
    /// A path; read by `ServerConfiguration`.
    case slotSavePath = "slot-save-path"
    /// A folder and a size; read by `EngineConfiguration`.
    case diskCache = "cache-disk"
    /// Read by `EngineConfiguration`.
    case checkpoints = "ctx-checkpoints"
    /// Tokens; read by `EngineConfiguration`.
    case checkpointStep = "checkpoint-min-step"
    /// Milliseconds; read by `EngineConfiguration`.
    case maximumStall = "max-stall-ms"
    /// On or off; read by `EngineConfiguration`.
    case batchInvariance = "batch-invariance"
    /// One of fixed words; read by `EngineConfiguration`.
    case flashAttention = "flash-attn"
    case loadMode = "load-mode"
    /// On or off, as are the next six; read by `EngineConfiguration`.
    case memoryMap = "mmap"
    case memoryLock = "mlock"
    case directIO = "direct-io"
    case checkTensors = "check-tensors"
    case warmUp = "warmup"
    case offloadCache = "kv-offload"
    case offloadOperations = "op-offload"
    /// One of fixed words; read by `EngineConfiguration`.
    case ropeScaling = "rope-scaling"
    /// A number, as are the next two; read by `EngineConfiguration`.
    case ropeScale = "rope-scale"
    case ropeBase = "rope-freq-base"
    case ropeFrequencyScale = "rope-freq-scale"
    /// Tokens; read by `EngineConfiguration`.
    case yarnContext = "yarn-orig-ctx"
    /// A number, as are the next three; read by `EngineConfiguration`.
    case yarnExtrapolation = "yarn-ext-factor"
    case yarnAttention = "yarn-attn-factor"
    case yarnBetaSlow = "yarn-beta-slow"
    case yarnBetaFast = "yarn-beta-fast"
    /// On or off, as are the next four; read by `EngineConfiguration`.
    case special
    case repack
    case noHostBuffer = "no-host"
    case fullWindow = "swa-full"
    case unifiedKV = "kv-unified"
    /// A number; read by `EngineConfiguration`.
    case queueLimit = "queue-limit"
    /// On or off; read by `WorkerCommand`.
    case sandbox
    /// MiB; read by `WorkerCommand`.
    case workerMemory = "worker-memory"
    /// Seconds; read by `Edge`.
    case hangTimeout = "hang-timeout"
    /// On or off; read by `EngineConfiguration`.
    case embeddings
    case reranking
    /// One of fixed words; read by `EngineConfiguration`.
    case pooling
    /// A whole number; read by `ServerConfiguration`.
    case embeddingNormalization = "embd-normalize"
    /// Paths; read by `EngineConfiguration`.
    case adapters = "lora"
    /// A list; read by `EngineConfiguration`.
    case scaledAdapters = "lora-scaled"
    /// On or off; read by `EngineConfiguration`.
    case adaptersUnapplied = "lora-init-without-apply"
    /// Paths; read by `EngineConfiguration`.
    case controlVectors = "control-vector"
    /// A list; read by `EngineConfiguration`.
    case scaledControlVectors = "control-vector-scaled"
    /// Two numbers; read by `EngineConfiguration`.
    case controlLayers = "control-vector-layer-range"
    /// Words; read by `SpeculationConfiguration` and `CompletionDefaults`.
    case draftKinds = "spec-type"
    /// A path; read by `SpeculationConfiguration` and `CompletionDefaults`.
    case draftModel = "spec-draft-model"
    /// Tokens; read by `SpeculationConfiguration`.
    case draftMaximum = "spec-draft-n-max"
    /// Tokens; read by `SpeculationConfiguration`.
    case draftMinimum = "spec-draft-n-min"
    /// A number; read by `SpeculationConfiguration`.
    case draftProbability = "spec-draft-p-min"
    /// Tokens; read by `SpeculationConfiguration`.
    case lookupLength = "spec-ngram-simple-size-n"
    /// Tokens; read by `SpeculationConfiguration`.
    case lookupDraftLength = "spec-ngram-simple-size-m"
    /// A number, as are the next two; read by `SpeculationConfiguration`.
    case draftGPULayers = "spec-draft-ngl"
    case draftThreads = "spec-draft-threads"
    case draftBatchThreads = "spec-draft-threads-batch"
    /// One of fixed words; read by `SpeculationConfiguration`.
    case draftKeyCacheType = "spec-draft-type-k"
    /// One of fixed words; read by `SpeculationConfiguration`.
    case draftValueCacheType = "spec-draft-type-v"

    /// Tokens; read by `CompletionDefaults`.
    case maximumTokens = "n-predict"
    /// A number; read by `CompletionDefaults`.
    case temperature = "temp"
    /// A number; read by `CompletionDefaults`.
    case topK = "top-k"
    /// A share from 0 to 1; read by `CompletionDefaults`.
    case topP = "top-p"
    /// A share from 0 to 1; read by `CompletionDefaults`.
    case minP = "min-p"
    /// Tokens; read by `CompletionDefaults`.
    case repeatLastN = "repeat-last-n"
    /// A number, as are the next two; read by `CompletionDefaults`.
    case repeatPenalty = "repeat-penalty"
    case presencePenalty = "presence-penalty"
    case frequencyPenalty = "frequency-penalty"
    /// A whole number; read by `SamplingDefaults`.
    case seed
    /// A text; read by `SamplingDefaults`.
    case samplers
    /// A text; read by `SamplingDefaults`.
    case samplerSequence = "sampling-seq"
    /// On or off; read by `SamplingDefaults`.
    case ignoreEnd = "ignore-eos"
    /// A list; read by `SamplingDefaults`.
    case logitBias = "logit-bias"
    /// A number; read by `SamplingDefaults`.
    case topNSigma = "top-n-sigma"
    /// A share from 0 to 1, as are the next two; read by `SamplingDefaults`.
    case typicalP = "typical"
    case xtcProbability = "xtc-probability"
    case xtcThreshold = "xtc-threshold"
    /// A number, as is the next; read by `SamplingDefaults`.
    case dynamicTemperatureRange = "dynatemp-range"
    case dynamicTemperatureExponent = "dynatemp-exp"
    /// A whole number; read by `SamplingDefaults`.
    case mirostat
    /// A number, as is the next; read by `SamplingDefaults`.
    case mirostatEntropy = "mirostat-ent"
    case mirostatRate = "mirostat-lr"
    /// A share from 0 to 1, as is the next; read by `SamplingDefaults`.
    case adaptiveTarget = "adaptive-target"
    case adaptiveDecay = "adaptive-decay"
    /// A number; read by `SamplingDefaults`.
    case dryMultiplier = "dry-multiplier"
    /// A number; read by `SamplingDefaults`.
    case dryBase = "dry-base"
    /// Tokens; read by `SamplingDefaults`.
    case dryAllowedLength = "dry-allowed-length"
    /// Tokens; read by `SamplingDefaults`.
    case dryLastN = "dry-penalty-last-n"
    /// A list of texts; read by `SamplingDefaults`.
    case drySequenceBreaker = "dry-sequence-breaker"
    /// On or off; read by `CompletionDefaults` and `SamplingDefaults`.
    case escape
    /// On or off; read by `CompletionDefaults`.
    case contextShift = "context-shift"
    /// Tokens; read by `CompletionDefaults`.
    case retainedTokens = "keep"
    /// A list of texts; read by `CompletionDefaults`.
    case reversePrompt = "reverse-prompt"
    /// On or off; read by `CompletionDefaults`.
    case cachePrompt = "cache-prompt"
    /// Tokens; read by `CompletionDefaults` and `EngineConfiguration`.
    case cacheReuse = "cache-reuse"
    /// One of fixed words; read by `ServerConfiguration`.
    case stableHead = "stable-head"
    /// One of fixed words; read by `ServerConfiguration`.
    case cacheScope = "cache-scope"
    /// On or off; read by `CompletionDefaults`.
    case prefillAssistant = "prefill-assistant"
    /// On or off; read by `ServerConfiguration`.
    case skipChatParsing = "skip-chat-parsing"
    /// A text; read by `CompletionDefaults`.
    case grammar
    /// A path; read by `CompletionDefaults`.
    case grammarFile = "grammar-file"
    /// A text; read by `CompletionDefaults`.
    case jsonSchema = "json-schema"
    /// A path; read by `CompletionDefaults`.
    case jsonSchemaFile = "json-schema-file"
    /// One of fixed words; read by `ServerConfiguration.templateArguments(_:)`.
    case reasoning
    /// A text; read by `ServerConfiguration.templateArguments(_:)`.
    case reasoningEffort = "reasoning-effort"
    /// On or off; read by `ServerConfiguration.templateArguments(_:)`.
    case reasoningPreserve = "reasoning-preserve"
    /// One of fixed words; read by `CompletionDefaults`.
    case reasoningFormat = "reasoning-format"
    /// Tokens; read by `CompletionDefaults`.
    case reasoningBudget = "reasoning-budget"
    /// Tokens; read by `CompletionDefaults`.
    case reasoningTurnBudget = "reasoning-turn-budget"
    /// A text; read by `CompletionDefaults`.
    case reasoningMessage = "reasoning-budget-message"
    /// Seconds; read by `CompletionDefaults`.
    case pingInterval = "sse-ping-interval"
    /// One of fixed words; read by `CompletionDefaults`.
    case schemaMode = "schema-mode"
    /// One of fixed words; read by `CompletionDefaults`.
    case schemaWhitespace = "schema-whitespace"
    /// Bytes; read by `CompletionDefaults`.
    case schemaBytes = "schema-max-bytes"
    /// A number, as are the next two; read by `CompletionDefaults`.
    case schemaDepth = "schema-max-depth"
    case schemaNodes = "schema-max-nodes"
    case schemaAlternatives = "schema-max-alternatives"
    /// Bytes; read by `CompletionDefaults`.
    case grammarBytes = "grammar-max-bytes"
    /// A number, as are the next four; read by `CompletionDefaults`.
    case grammarDepth = "grammar-max-depth"
    case grammarRules = "grammar-max-rules"
    case grammarNodes = "grammar-max-nodes"
    case grammarStates = "grammar-max-states"
    case grammarRepetitions = "grammar-max-repetitions"
    /// A number; read by `EngineConfiguration`.
    case grammarThreads = "grammar-max-threads"
    /// A number; read by `EngineConfiguration`.
    case grammarWork = "grammar-max-work"
    /// MiB; read by `EngineConfiguration`.
    case grammarCache = "grammar-cache"

    /// A list; read by `ServerConfiguration.addresses(_:)`.
    case host
    /// A whole number; read by `ServerConfiguration.addresses(_:)`.
    case port
    /// A list; read by `ServerConfiguration`.
    case apiKey = "api-key"
    /// A path; read by `ServerConfiguration`.
    case apiKeyFile = "api-key-file"
    /// Tokens; read by `ServerConfiguration`.
    case maximumPinnedTokens = "max-pinned-tokens"
    /// A list; read by `ServerConfiguration`.
    case priorityKey = "priority-key"
    /// On or off; read by `ServerConfiguration`.
    case allowUnauthenticated = "allow-unauthenticated"
    /// A list; read by `ServerConfiguration`.
    case allowedHosts = "allowed-hosts"
    /// A path; read by `ServerConfiguration`.
    case tlsCertificateFile = "ssl-cert-file"
    /// A path; read by `ServerConfiguration`.
    case tlsKeyFile = "ssl-key-file"
    /// A text; read by `ServerConfiguration`.
    case crossOrigins = "cors-origins"
    /// A text; read by `ServerConfiguration`.
    case crossOriginMethods = "cors-methods"
    /// A text; read by `ServerConfiguration`.
    case crossOriginHeaders = "cors-headers"
    /// On or off, as are the next five; read by `ServerConfiguration`.
    case crossOriginCredentials = "cors-credentials"
    case slots
    case metrics
    case properties = "props"
    case page = "ui"
    case history
    /// A path; read by `ServerConfiguration`.
    case pathPrefix = "api-prefix"
    /// Seconds; read by `ServerConfiguration`.
    case timeout
    case requestTimeout = "request-timeout"
    case stallTimeout = "stall-timeout"
    /// A number; read by `Edge` and `ServerConfiguration`.
    case maximumConnections = "max-connections"
    /// A number; read by `ServerConfiguration`.
    case maximumGenerations = "max-generations"
    /// A number; read by `ServerConfiguration`.
    case maximumGenerationsPerKey = "max-generations-per-key"
    /// Seconds; read by `ServerConfiguration`.
    case drainTimeout = "drain-timeout"

    /// One of fixed words; read by `ServerConfiguration`.
    case resume
    /// Seconds; read by `ServerConfiguration`.
    case orphanTimeout = "orphan-timeout"
    case retainTime = "retain-time"
    case responseTime = "response-time"
    /// A number; read by `ServerConfiguration`.
    case retainCount = "retain-count"
    case retainCountPerKey = "retain-count-per-key"
    /// MiB; read by `ServerConfiguration`.
    case logMemory = "log-memory"
    case responseSize = "response-size"
    case historySize = "history-size"
    case logMemoryPerKey = "log-memory-per-key"

    /// On or off; read by `JournalConfiguration`.
    case journal
    /// A path; read by `JournalConfiguration`.
    case stateDirectory = "state-dir"
    /// One of fixed words; read by `JournalConfiguration`.
    case durability
    /// MiB; read by `JournalConfiguration`.
    case journalSize = "journal-size"

    /// One of fixed words; read by `LogOutput`.
    case accessLog = "access-log"
    /// A whole number; read by `SettingValues.logLevel`.
    case logVerbosity = "log-verbosity"
    /// On or off; read by `SettingValues.logLevel`.
    case verbose
    /// A path; read by `Edge`.
    case promptFolder = "log-prompts-dir"
    /// A path; read by `LogOutput`.
    case logFile = "log-file"
    /// On or off; read by `LogOutput`.
    case logDisable = "log-disable"
    /// One of fixed words; read by `LogOutput`.
    case logColors = "log-colors"
    /// On or off; read by `LogOutput`.
    case logPrefix = "log-prefix"
    case logTimestamps = "log-timestamps"
    case logLinesOfJSON = "log-jsonl"
}
