import Llama
import MartletProtocol

/// Loading of the draft model.
extension InProcessEngine {
    /// Loads the weights of the draft model; `nil` if the configuration has none.
    func loadDraftModel() throws(LlamaError) -> Model? {
        guard let wanted = configuration.speculation.draftModel else { return nil }
        var options = Model.Options()
        options.gpuLayers = wanted.gpuLayers
        options.loadMode = configuration.loadMode
        options.checksTensors = configuration.checksTensors
        options.usesRepackedWeights = configuration.usesRepackedWeights
        options.bypassesHostBuffer = configuration.bypassesHostBuffer
        return try Model(path: wanted.path, options: options) { _ in
            engineProgress.record(.loading)
            return !shared.withLock(\.isClosed)
        }
    }

    /// The options of the draft context: as many tokens and sequences as the model's context, and its own threads and
    /// cache types.
    func draftOptions(_ base: Context.Options) -> Context.Options {
        var options = base
        options.sequenceCount = configuration.sequenceCount
        options.positions = RotaryPositions()
        guard let wanted = configuration.speculation.draftModel else { return options }
        options.threads = wanted.threads ?? base.threads
        options.batchThreads = wanted.batchThreads ?? wanted.threads ?? base.batchThreads
        options.keyType = wanted.keyCacheType
        options.valueType = wanted.valueCacheType
        return options
    }
}
