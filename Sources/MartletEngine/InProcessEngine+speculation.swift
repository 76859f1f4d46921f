import Llama
import Logging
import MartletProtocol

/// Loading of the draft model.
extension InProcessEngine {
    /// Loads the weights of the draft model; `nil` if the configuration has none, or the model cannot use it.
    /// - Parameter shares: the draft model's part in the progress of the load.
    func loadDraftModel(for model: Model, _ shares: LoadShares) throws(LlamaError) -> Model? {
        let wanted = configuration.speculation.draftModel
        if model.hasRecurrentState, wanted != nil || !configuration.speculation.kinds.isEmpty {
            logger.warning(
                "speculative decoding is off, because refused tokens cannot be removed from the model's recurrent state",
                metadata: ["path": "\(model.path)"])
            return nil
        }
        guard let wanted else { return nil }
        var options = Model.Options()
        options.gpuLayers = wanted.gpuLayers
        options.loadMode = configuration.loadMode
        options.checksTensors = configuration.checksTensors
        options.usesRepackedWeights = configuration.usesRepackedWeights
        options.bypassesHostBuffer = configuration.bypassesHostBuffer
        var reported: Float = 0
        return try Model(path: wanted.path, options: options) { fraction in
            engineProgress.record(.loading)
            if fraction - reported >= 0.01 || fraction >= 1 {
                reported = fraction
                report(.textModel, shares.progress(ofDraft: fraction))
            }
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
