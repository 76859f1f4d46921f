import Llama
import MartletEngine
import MartletGrammar
import MartletStateFiles

extension Pooling {
    /// Reads `--pooling`. `nil` is the pooling of the model file.
    fileprivate init(flag: String?) {
        self =
            switch flag {
            case "none": .none
            case "mean": .mean
            case "cls": .first
            case "last": .last
            case "rank": .rank
            default: .ofModel
            }
    }
}

extension EngineConfiguration {
    /// Reads the settings of the engine. Settings that are not set leave the configuration's own default.
    /// - Parameter modelPath: The model file, found and checked.
    /// - Throws: If settings exclude each other, or a scale or a processor list is no valid text.
    init(modelPath: String, _ values: SettingValues) throws(SettingError) {
        self.init(modelPath: modelPath)
        if let value = values.integer(.contextSize) { contextLength = value }
        if let value = values.integer(.sequenceContext), value > 0 {
            contextLength = contextLength > 0 ? min(contextLength, value) : value
        }
        if let value = values.toggle(.unifiedKV) { kvCacheLayout = value ? .unified : .separate }
        if let value = values.integer(.parallel) { sequenceCount = value }
        if let value = values.integer(.batchSize) { batchSize = value }
        if let value = values.integer(.microBatchSize) { microBatchSize = value }
        if let value = values.integer(.threads), value > 0 { threads = value }
        if let value = values.integer(.batchThreads), value > 0 { batchThreads = value }
        // -2 is the word `auto`.
        if let value = values.integer(.gpuLayers), value > -2 { gpuLayers = Int32(clamping: value) }
        try readFit(values)
        devicePlacement = try DevicePlacement(values)
        remoteServers = try Self.remoteServers(values)
        metadataOverrides = try Self.metadataOverrides(values)
        backendModulePath = CurrentProcess.environment("GGML_BACKEND_PATH").flatMap { $0.isEmpty ? nil : $0 }
        if let value = values.text(.keyCacheType).flatMap(CacheType.init) { keyCacheType = value }
        if let value = values.text(.valueCacheType).flatMap(CacheType.init) { valueCacheType = value }
        if let value = values.integer(.cacheMemory) { kvStateCacheByteCount = value < 0 ? .max : value << 20 }
        if let text = values.text(.diskCache) {
            guard let settings = DiskCacheSettings(parsing: text) else {
                throw SettingError(
                    "--cache-disk must be a folder, or a folder, a colon and a size such as 20G, not '\(text)'")
            }
            diskCache = settings
        }
        permitsSlotActions = values.text(.slotSavePath) != nil
        if let value = values.integer(.cacheReuse) { shiftLength = value }
        if let value = values.integer(.checkpoints) { checkpointLimit = value }
        if let value = values.integer(.checkpointStep) { checkpointMinimumStep = value }
        if let value = values.integer(.maximumStall) { maximumStall = .milliseconds(value) }
        if let value = values.toggle(.batchInvariance) { isReproducible = value }
        switch values.text(.flashAttention) {
        case "on": flashAttention = .on
        case "off": flashAttention = .off
        default: flashAttention = .automatic
        }
        loadMode = Self.loadMode(values)
        if let value = values.toggle(.checkTensors) { checksTensors = value }
        if let value = values.toggle(.warmUp) { warmsUp = value }
        if let value = values.toggle(.offloadCache) { offloadsKVCache = value }
        if let value = values.toggle(.offloadOperations) { offloadsOperations = value }
        if let value = values.toggle(.special) { showsControlTokens = value }
        positions = try RotaryPositions(values)
        if let value = values.toggle(.repack) { usesRepackedWeights = value }
        if let value = values.toggle(.noHostBuffer) { bypassesHostBuffer = value }
        (placement, batchPlacement) = try ThreadPlacement.placements(values)
        numa = values.text(.numa).flatMap(NUMAStrategy.init)
        if let value = values.toggle(.fullWindow) { keepsFullWindow = value }
        if let value = values.integer(.queueLimit) { queueLimit = value }
        if let value = values.integer(.grammarThreads) { grammarLimits.threads = value }
        if let value = values.integer(.grammarWork) { grammarLimits.work = value }
        if let value = values.integer(.grammarCache) { grammarLimits.cacheBytes = value << 20 }
        adapters = (values.list(.adapters) ?? []).map { ($0, 1) }
        for text in values.list(.scaledAdapters) ?? [] { adapters.append(try Self.scaled(text, .scaledAdapters)) }
        if values.toggle(.adaptersUnapplied) == true { adapters = adapters.map { ($0.path, 0) } }
        controlVectors = (values.list(.controlVectors) ?? []).map { ($0, 1) }
        for text in values.list(.scaledControlVectors) ?? [] {
            controlVectors.append(try Self.scaled(text, .scaledControlVectors))
        }
        controlLayers = values.bounds(.controlLayers)
        speculation = try SpeculationConfiguration(values)
        if values.toggle(.embeddings) == true { embeddings = Pooling(flag: values.text(.pooling)) }
        if values.toggle(.reranking) == true { embeddings = try Self.rerankPooling(values) }
    }

    /// The pooling of `--reranking`. Another pooling in the same command is a contradiction.
    private static func rerankPooling(_ values: SettingValues) throws(SettingError) -> Pooling {
        let pooling = values.text(.pooling) ?? "rank"
        guard pooling == "rank" else {
            throw SettingError("--pooling must be rank together with --reranking, but is \(pooling)")
        }
        return .rank
    }

    /// `--load-mode` if it is set, else the combination of `--direct-io`, `--mmap` and `--mlock`.
    private static func loadMode(_ values: SettingValues) -> Model.Options.LoadMode {
        if let mode = values.text(.loadMode).flatMap(Model.Options.LoadMode.init) { return mode }
        if values.toggle(.directIO) == true { return .direct }
        return switch (values.toggle(.memoryMap) ?? true, values.toggle(.memoryLock) ?? false) {
        case (true, false): .mapped
        case (true, true): .mappedAndLocked
        case (false, true): .locked
        case (false, false): .copied
        }
    }

    /// Reads `PATH:SCALE`. The last colon separates the two, so a path may have colons.
    private static func scaled(
        _ text: String, _ key: FlagKey
    ) throws(SettingError) -> (path: String, scale: Float) {
        guard let colon = text.lastIndex(of: ":"), colon > text.startIndex,
            let scale = Float(text[text.index(after: colon)...]), scale.isFinite
        else { throw SettingError("--\(key.rawValue) must be a path, a colon and a number, not '\(text)'") }
        return (String(text[..<colon]), scale)
    }
}

extension RotaryPositions {
    /// Reads the RoPE and YaRN settings. `--rope-scale` is the inverse of `--rope-freq-scale`; only one may be set.
    fileprivate init(_ values: SettingValues) throws(SettingError) {
        self.init()
        scaling = values.text(.ropeScaling).flatMap(Scaling.init)
        frequencyBase = values.number(.ropeBase)
        switch try values.chosen(of: .ropeScale, .ropeFrequencyScale) {
        case .ropeScale?: frequencyScale = values.number(.ropeScale).map { 1 / $0 }
        case .ropeFrequencyScale?: frequencyScale = values.number(.ropeFrequencyScale)
        default: break
        }
        yarnContextLength = values.integer(.yarnContext)
        yarnExtrapolation = values.number(.yarnExtrapolation)
        yarnAttention = values.number(.yarnAttention)
        yarnBetaSlow = values.number(.yarnBetaSlow)
        yarnBetaFast = values.number(.yarnBetaFast)
    }
}
