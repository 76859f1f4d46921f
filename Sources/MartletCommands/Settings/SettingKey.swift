/// Names a setting. The raw value is its long flag without the dashes.
enum SettingKey: String, Sendable, CaseIterable {
    case model
    case alias
    case acceptAnyModel = "accept-any-model"
    case chatTemplate = "chat-template"
    case chatTemplateFile = "chat-template-file"
    case chatTemplateArguments = "chat-template-kwargs"

    case contextSize = "ctx-size"
    case parallel
    case batchSize = "batch-size"
    case microBatchSize = "ubatch-size"
    case threads
    case batchThreads = "threads-batch"
    case gpuLayers = "n-gpu-layers"
    case keyCacheType = "cache-type-k"
    case valueCacheType = "cache-type-v"
    case flashAttention = "flash-attn"
    case memoryMap = "mmap"
    case repack
    case fullWindow = "swa-full"
    case sharedMemory = "kv-unified"
    case queueLimit = "queue-limit"
    case embeddings
    case pooling
    case adapters = "lora"
    case scaledAdapters = "lora-scaled"
    case adaptersUnapplied = "lora-init-without-apply"

    case maximumTokens = "n-predict"
    case temperature = "temp"
    case topK = "top-k"
    case topP = "top-p"
    case minP = "min-p"
    case repeatLastN = "repeat-last-n"
    case repeatPenalty = "repeat-penalty"
    case presencePenalty = "presence-penalty"
    case frequencyPenalty = "frequency-penalty"
    case contextShift = "context-shift"
    case keptTokens = "keep"
    case reasoningFormat = "reasoning-format"
    case reasoningBudget = "reasoning-budget"
    case reasoningMessage = "reasoning-budget-message"
    case pingInterval = "sse-ping-interval"

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

    case accessLog = "access-log"
    case logVerbosity = "log-verbosity"
    case verbose
}
