internal import Llama
internal import MartletGGUF
package import MartletModels

/// The memory of a load with these settings, for the plan before it.
///
/// The rules are those of `InProcessEngine.contextOptions` and `makeEmbedder`, so the plan and the worker agree on lengths,
/// layouts and methods of attention.
extension EngineConfiguration {
    /// The request for memory that a worker with these settings makes, without devices.
    ///
    /// Reads the head of the draft model's file, if there is one.
    /// - Parameter available: free bytes of the host, from which a context length without a stated one follows.
    package func loadRequest(for shape: ModelShape, available: UInt64) -> LoadRequest {
        let trained = max(256, shape.trainedContextLength ?? 4_096)
        var request = LoadRequest(
            shape, contextLength: contextLength > 0 || fit.isOn ? contextLength : trained, sequenceCount: sequenceCount,
            available: available, minimumContextLength: fit.minimumContextLength)
        switch kvCacheLayout {
        case .automatic: break
        case .unified: request.usesUnifiedKV = true
        case .separate: request.usesUnifiedKV = false
        }
        request.keyType = LoadRequest.ElementType(keyCacheType.rawValue) ?? .half
        request.valueType = LoadRequest.ElementType(valueCacheType.rawValue) ?? .half
        request.keepsFullWindow = keepsFullWindow
        request.offloadsKVCache = offloadsKVCache
        request.hostExpertLayerCount = devicePlacement.hostExpertLayerCount
        applyAttention(to: &request, shape)
        request.embedding = embeddingContext(request)
        request.draftBytes = draftByteCount(request, available: available)
        return request
    }

    /// The number of layers on the request's devices: the stated one, all of them without `--fit`, or as many as fit.
    ///
    /// - Parameter free: the free memory, in the order of the request's devices.
    package func deviceLayerCount(_ shape: ModelShape, _ request: LoadRequest, in free: MemoryFit.Free) -> Int {
        guard !request.devices.isEmpty else { return 0 }
        if let stated = gpuLayers { return stated < 0 ? shape.layers.count + 1 : Int(stated) }
        guard fit.isOn else { return shape.layers.count + 1 }
        return MemoryFit.deviceLayerCount(
            shape, request, in: MemoryFit.Free(host: free.host, devices: fit.room(free.devices)))
    }

    /// Sets the method of attention and the micro-batch. Call it again when the request has devices.
    package func applyAttention(to request: inout LoadRequest, _ shape: ModelShape) {
        let setting = PlainAttention.Setting(
            sequenceLength: request.contextLength, headCount: shape.headCount, isUnified: request.usesUnifiedKV,
            hasDevices: !request.devices.isEmpty, keyType: keyCacheType, valueType: valueCacheType,
            speculates: !speculation.kinds.isEmpty || speculation.draftModel != nil)
        let choosesPlain = flashAttention == .automatic && PlainAttention.isFaster(setting)
        request.usesFlashAttention = choosesPlain ? false : flashAttention.isOn ?? true
        request.microBatchSize =
            choosesPlain ? min(microBatchSize, PlainAttention.microBatchSize) : microBatchSize
    }

    /// The context for vectors; `nil` without embeddings.
    private func embeddingContext(_ request: LoadRequest) -> LoadRequest.EmbeddingContext? {
        guard let embeddings else { return nil }
        let length = embeddingContextLength(embeddings, sequenceLength: request.contextLength)
        return LoadRequest.EmbeddingContext(
            contextLength: length, batchSize: microBatchSize,
            usesFlashAttention: embeddingFlashAttention(contextLength: length).isOn ?? true)
    }

    /// The bytes of the draft model: its weights, and a context as long as that of the model.
    private func draftByteCount(_ request: LoadRequest, available: UInt64) -> UInt64 {
        guard let draft = speculation.draftModel, let headers = try? GGUFFile.headers(draft.path) else { return 0 }
        let shape = ModelShape(headers.first, headers.others)
        var own = request
        own.devices = []
        (own.embedding, own.draftBytes, own.projectorBytes) = (nil, 0, 0)
        own.keyType = LoadRequest.ElementType(draft.keyCacheType.rawValue) ?? .half
        own.valueType = LoadRequest.ElementType(draft.valueCacheType.rawValue) ?? .half
        let host = MemoryPlan(shape, own).host
        return host.weights &+ host.cache &+ host.compute
    }

    // MARK: The context for vectors

    /// The length of a context for vectors up to which plain attention is the default.
    private static let plainEmbeddingLimit = 8_192

    /// Tokens of the context for vectors.
    ///
    /// Most poolings need all tokens of an input in one decode. The vector of the last token can be computed in several
    /// decodes.
    func embeddingContextLength(_ pooling: Pooling, sequenceLength: Int) -> Int {
        pooling == .last || pooling == .ofModel ? max(sequenceLength, microBatchSize) : microBatchSize
    }

    /// The method of attention of the context for vectors.
    ///
    /// Flash attention rounds differently from 64 tokens on. Plain attention needs memory for each pair of a batch token and a
    /// context token.
    func embeddingFlashAttention(contextLength: Int) -> Context.Options.FlashAttention {
        flashAttention == .automatic && contextLength <= Self.plainEmbeddingLimit ? .off : flashAttention
    }
}
