/// Names a setting. The raw value is its long flag without the dashes.
enum FlagKey: String, Sendable, CaseIterable {
    case config
    case model
    case alias
    case tags
    case strictModel = "strict-model"
    case chatTemplate = "chat-template"
    case chatTemplateFile = "chat-template-file"
    case chatTemplateArguments = "chat-template-kwargs"

    case contextSize = "ctx-size"
    case sequenceContext = "kv-unified-per-slot"
    case parallel
    case batchSize = "batch-size"
    case microBatchSize = "ubatch-size"
    case threads
    case batchThreads = "threads-batch"
    case processorMask = "cpu-mask"
    case processorRange = "cpu-range"
    case strictProcessors = "cpu-strict"
    case threadPriority = "prio"
    case polling = "poll"
    case batchProcessorMask = "cpu-mask-batch"
    case batchProcessorRange = "cpu-range-batch"
    case batchStrictProcessors = "cpu-strict-batch"
    case batchThreadPriority = "prio-batch"
    case batchPolling = "poll-batch"
    case numa
    case gpuLayers = "n-gpu-layers"
    case keyCacheType = "cache-type-k"
    case valueCacheType = "cache-type-v"
    case cacheMemory = "cache-ram"
    case flashAttention = "flash-attn"
    case loadMode = "load-mode"
    case memoryMap = "mmap"
    case memoryLock = "mlock"
    case directIO = "direct-io"
    case checkTensors = "check-tensors"
    case warmUp = "warmup"
    case offloadCache = "kv-offload"
    case offloadOperations = "op-offload"
    case ropeScaling = "rope-scaling"
    case ropeScale = "rope-scale"
    case ropeBase = "rope-freq-base"
    case ropeFrequencyScale = "rope-freq-scale"
    case yarnContext = "yarn-orig-ctx"
    case yarnExtrapolation = "yarn-ext-factor"
    case yarnAttention = "yarn-attn-factor"
    case yarnBetaSlow = "yarn-beta-slow"
    case yarnBetaFast = "yarn-beta-fast"
    case special
    case repack
    case noHostBuffer = "no-host"
    case fullWindow = "swa-full"
    case unifiedKV = "kv-unified"
    case queueLimit = "queue-limit"
    case sandbox
    case hangTimeout = "hang-timeout"
    case embeddings
    case pooling
    case embeddingNormalization = "embd-normalize"
    case adapters = "lora"
    case scaledAdapters = "lora-scaled"
    case adaptersUnapplied = "lora-init-without-apply"
    case controlVectors = "control-vector"
    case scaledControlVectors = "control-vector-scaled"
    case controlLayers = "control-vector-layer-range"

    case maximumTokens = "n-predict"
    case temperature = "temp"
    case topK = "top-k"
    case topP = "top-p"
    case minP = "min-p"
    case repeatLastN = "repeat-last-n"
    case repeatPenalty = "repeat-penalty"
    case presencePenalty = "presence-penalty"
    case frequencyPenalty = "frequency-penalty"
    case seed
    case samplers
    case samplerSequence = "sampling-seq"
    case ignoreEnd = "ignore-eos"
    case logitBias = "logit-bias"
    case topNSigma = "top-n-sigma"
    case typicalP = "typical"
    case xtcProbability = "xtc-probability"
    case xtcThreshold = "xtc-threshold"
    case dynamicTemperatureRange = "dynatemp-range"
    case dynamicTemperatureExponent = "dynatemp-exp"
    case mirostat
    case mirostatEntropy = "mirostat-ent"
    case mirostatRate = "mirostat-lr"
    case adaptiveTarget = "adaptive-target"
    case adaptiveDecay = "adaptive-decay"
    case dryMultiplier = "dry-multiplier"
    case dryBase = "dry-base"
    case dryAllowedLength = "dry-allowed-length"
    case dryLastN = "dry-penalty-last-n"
    case drySequenceBreaker = "dry-sequence-breaker"
    case escape
    case contextShift = "context-shift"
    case retainedTokens = "keep"
    case reversePrompt = "reverse-prompt"
    case cachePrompt = "cache-prompt"
    case prefillAssistant = "prefill-assistant"
    case skipChatParsing = "skip-chat-parsing"
    case grammar
    case grammarFile = "grammar-file"
    case jsonSchema = "json-schema"
    case jsonSchemaFile = "json-schema-file"
    case reasoning
    case reasoningEffort = "reasoning-effort"
    case reasoningPreserve = "reasoning-preserve"
    case reasoningFormat = "reasoning-format"
    case reasoningBudget = "reasoning-budget"
    case reasoningTurnBudget = "reasoning-turn-budget"
    case reasoningMessage = "reasoning-budget-message"
    case pingInterval = "sse-ping-interval"
    case schemaMode = "schema-mode"
    case schemaWhitespace = "schema-whitespace"
    case schemaBytes = "schema-max-bytes"
    case schemaDepth = "schema-max-depth"
    case schemaNodes = "schema-max-nodes"
    case schemaAlternatives = "schema-max-alternatives"
    case grammarBytes = "grammar-max-bytes"
    case grammarDepth = "grammar-max-depth"
    case grammarRules = "grammar-max-rules"
    case grammarNodes = "grammar-max-nodes"
    case grammarStates = "grammar-max-states"
    case grammarRepetitions = "grammar-max-repetitions"
    case grammarThreads = "grammar-max-threads"
    case grammarWork = "grammar-max-work"
    case grammarCache = "grammar-cache"

    case host
    case port
    case apiKey = "api-key"
    case apiKeyFile = "api-key-file"
    case allowUnauthenticated = "allow-unauthenticated"
    case allowedHosts = "allowed-hosts"
    case tlsCertificateFile = "ssl-cert-file"
    case tlsKeyFile = "ssl-key-file"
    case crossOrigins = "cors-origins"
    case crossOriginMethods = "cors-methods"
    case crossOriginHeaders = "cors-headers"
    case crossOriginCredentials = "cors-credentials"
    case slots
    case metrics
    case properties = "props"
    case timeout
    case requestTimeout = "request-timeout"
    case stallTimeout = "stall-timeout"
    case maximumConnections = "max-connections"
    case maximumGenerations = "max-generations"
    case maximumGenerationsPerKey = "max-generations-per-key"
    case drainTimeout = "drain-timeout"

    case resume
    case orphanTimeout = "orphan-timeout"
    case retainTime = "retain-time"
    case retainCount = "retain-count"
    case retainCountPerKey = "retain-count-per-key"
    case logMemory = "log-memory"
    case logMemoryPerKey = "log-memory-per-key"

    case journal
    case stateDirectory = "state-dir"
    case durability
    case journalSize = "journal-size"

    case accessLog = "access-log"
    case logVerbosity = "log-verbosity"
    case verbose
    case promptFolder = "log-prompts-dir"
    case logFile = "log-file"
    case logDisable = "log-disable"
    case logColors = "log-colors"
    case logPrefix = "log-prefix"
    case logTimestamps = "log-timestamps"
    case logLinesOfJSON = "log-jsonl"
}
