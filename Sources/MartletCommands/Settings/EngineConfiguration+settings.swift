import Llama
import MartletEngine
import MartletGrammar

extension EngineConfiguration {
    /// - Parameter modelPath: The file, found and checked.
    init(modelPath: String, _ values: SettingValues) {
        self.init(modelPath: modelPath)
        if let value = values.integer(.contextSize) { contextLength = value }
        if let value = values.toggle(.sharedMemory) { memorySharing = value ? .shared : .separate }
        if let value = values.integer(.parallel) { sequenceCount = value }
        if let value = values.integer(.batchSize) { batchSize = value }
        if let value = values.integer(.microBatchSize) { microBatchSize = value }
        if let value = values.integer(.threads), value > 0 { threads = value }
        if let value = values.integer(.batchThreads), value > 0 { batchThreads = value }
        if let value = values.integer(.gpuLayers) { gpuLayers = Int32(clamping: value) }
        if let value = values.text(.keyCacheType).flatMap(CacheType.init) { keyCacheType = value }
        if let value = values.text(.valueCacheType).flatMap(CacheType.init) { valueCacheType = value }
        switch values.text(.flashAttention) {
        case "on": flashAttention = .on
        case "off": flashAttention = .off
        default: flashAttention = .automatic
        }
        if let value = values.toggle(.memoryMap) { usesMemoryMap = value }
        if let value = values.toggle(.repack) { usesRepackedWeights = value }
        if let value = values.toggle(.fullWindow) { keepsFullWindow = value }
        if let value = values.integer(.queueLimit) { queueLimit = value }
        if let value = values.integer(.grammarThreads) { grammarLimits.threads = value }
        if let value = values.integer(.grammarWork) { grammarLimits.work = value }
        if let value = values.integer(.grammarCache) { grammarLimits.cacheBytes = value << 20 }
    }
}
