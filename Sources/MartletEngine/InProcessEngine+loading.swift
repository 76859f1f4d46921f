import Llama
import Logging
import MartletGGUF
import MartletModels
import MartletProtocol

extension InProcessEngine {
    /// The body of the engine thread: loads the model, then runs the engine loop until `stop`.
    func runEngine() {
        engineProgress.record(.loading)
        do throws(EngineError) {
            try load().run()
        } catch {
            finishLoading(.failure(error))
            engineProgress.record(.idle)
            rejectUntilStopped()
        }
    }

    private func load() throws(EngineError) -> EngineLoop {
        let begin = MonotonicTime.now
        if let violation = configuration.violation { throw EngineError(.loadFailed, violation) }
        LlamaLog.route(to: logger)
        do {
            report(.textModel, 0)
            try LlamaSystem.loadModules(path: configuration.backendModulePath)
            try LlamaSystem.addRemoteDevices(configuration.remoteServers)
            var options = Model.Options()
            options.placement = configuration.devicePlacement
            options.overrides = configuration.metadataOverrides
            options.gpuLayers = try gpuLayers()
            options.loadMode = configuration.loadMode
            options.checksTensors = configuration.checksTensors
            options.usesRepackedWeights = configuration.usesRepackedWeights
            options.bypassesHostBuffer = configuration.bypassesHostBuffer
            configuration.numa?.apply()
            let shares = LoadShares(
                model: configuration.modelPath, draft: configuration.speculation.draftModel?.path)
            var reported: Float = 0
            let model = try Model(path: configuration.modelPath, options: options) { fraction in
                engineProgress.record(.loading)
                // A hundred reports are enough for a progress display.
                if fraction - reported >= 0.01 || fraction >= 1 {
                    reported = fraction
                    report(.textModel, shares.progress(ofModel: fraction))
                }
                deliverEarlyTerminalEvents()
                return !shared.withLock(\.isClosed)
            }
            guard model.hasDecoder, !model.hasEncoder else {
                throw LlamaError(.loadFailed, "The model \(model.path) is not a decoder, so it cannot generate text.")
            }
            let adapters = try configuration.adapters.map { adapter throws(LlamaError) in
                try Self.load(adapter.path, for: model)
            }
            let controlVector = try controlVector(for: model)
            let vocabulary = try Vocabulary(model: model)
            let draftWeights = try loadDraftModel(for: model, shares)
            report(.warmUp, 0)
            engineProgress.record(.warmUp)
            let contextOptions = try self.contextOptions(for: model, beside: draftWeights)
            var context = try Context(model: model, options: contextOptions, abortSignal: decodeGuard.signal)
            if let controlVector { try context.apply(controlVector) }
            if configuration.warmsUp { try Self.warmUp(&context, vocabulary: vocabulary) }
            var information = Self.describe(model, vocabulary)
            information.contextLength = context.contextLength
            information.batchSize = context.batchSize
            information.sequenceContextLength = min(context.sequenceContextLength, context.contextLength)
            information.sequenceCount = configuration.sequenceCount
            information.loadTime = MonotonicTime.now - begin
            logger.info(
                "model loaded",
                metadata: [
                    "path": "\(model.path)", "contextPerSequence": "\(information.sequenceContextLength)",
                    "contextInTotal": "\(information.contextLength)", "sequenceCount": "\(information.sequenceCount)",
                    "threads": "\(contextOptions.threads)",
                    "loadTime": "\(information.loadTime)",
                ])
            information.adapters = zip(adapters, configuration.adapters).map { adapter, wanted in
                var described = AdapterInformation(path: adapter.path, scale: wanted.scale)
                described.taskName = adapter.metadata("adapter.lora.task_name")
                described.promptPrefix = adapter.metadata("adapter.lora.prompt_prefix")
                return described
            }
            let draftModel = try draftWeights.map { weights throws(LlamaError) in
                try DraftModel(weights, options: draftOptions(contextOptions), for: vocabulary)
            }
            let embedder = try makeEmbedder(model, vocabulary, contextOptions, controlVector, &information)
            let loaded = OpenedModel(
                model: model, vocabulary: vocabulary, information: information, adapters: adapters,
                embedding: embedder?.limits, generatesText: context.hasKVCache,
                showsControlTokens: configuration.showsControlTokens, grammarLimits: configuration.grammarLimits)
            let (tiers, slotFiles) = makeTiers(model, contextOptions)
            let loop = EngineLoop(
                loaded: loaded, context: context, usesUnifiedKV: contextOptions.usesUnifiedKV,
                configuration: configuration, mailbox: mailbox, receiver: receiver, decodeGuard: decodeGuard,
                board: board, progress: engineProgress, embedder: embedder, draftModel: draftModel, tiers: tiers,
                slotFiles: slotFiles, rowLimit: try rowLimit(of: contextOptions),
                hasDevices: try !configuration.devicePlacement.chosenDevices().isEmpty)
            if configuration.shiftLength > 0, !loop.core.canMoveItems {
                logger.warning(
                    "the memory of this model cannot be shifted, so prompts reuse common beginnings only (--cache-reuse)",
                    metadata: ["kind": "\(loop.core.kvCache.kind)"])
            }
            finishLoading(.success(loaded))
            return loop
        } catch let error as LlamaError {
            let isShortage = error.code == .outOfMemory || MemoryShortage.isNamed(in: error.message)
            throw EngineError(isShortage ? .outOfMemory : .loadFailed, error.message)
        } catch {
            throw EngineError(.loadFailed, "\(error)")
        }
    }

    /// The number of layers on devices: the stated one, or as many as fit beside the KV cache and the margin.
    ///
    /// - Throws: if the file cannot be read, or a named device is not there.
    private func gpuLayers() throws(LlamaError) -> Int32 {
        if let stated = configuration.gpuLayers { return stated }
        let devices = try configuration.devicePlacement.chosenDevices()
        guard !devices.isEmpty else { return 0 }
        let shape: ModelShape
        do {
            let headers = try GGUFFile.headers(configuration.modelPath)
            shape = ModelShape(headers.first, headers.others)
        } catch {
            throw LlamaError(.notAModel, "The model file \(configuration.modelPath) \(error).")
        }
        let free = MemoryFit.Free(
            host: UInt64(clamping: MemoryBudget.available ?? .max), devices: devices.map(\.freeByteCount))
        var request = configuration.loadRequest(for: shape, available: free.host)
        let shares = configuration.devicePlacement.shares
        request.devices = devices.enumerated().map { index, device in
            LoadRequest.Device(
                name: device.name, freeByteCount: device.freeByteCount,
                share: index < shares.count ? Double(shares[index]) : nil)
        }
        configuration.applyAttention(to: &request, shape)
        let count = configuration.deviceLayerCount(shape, request, in: free)
        logger.notice(
            "layers on devices are chosen by free memory (--n-gpu-layers)",
            metadata: [
                "layers": "\(count)", "of": "\(shape.layers.count + 1)",
                "devices": "\(devices.map(\.name).joined(separator: ", "))",
            ])
        return Int32(clamping: count)
    }

    /// The options of the context: sizes within the memory budget, threads within the processors of this process.
    ///
    /// - Parameter draft: a draft model, whose KV cache has as many tokens.
    private func contextOptions(for model: Model, beside draft: Model?) throws(LlamaError) -> Context.Options {
        let draftBytes = draft.map { draft in
            MemoryBudget.bytesPerToken(
                of: draft, keys: configuration.speculation.draftModel?.keyCacheType ?? .f16,
                values: configuration.speculation.draftModel?.valueCacheType ?? .f16)
        }
        let plan = try MemoryBudget.plan(
            configuration, trained: model.trainedContextLength, weights: model.byteCount,
            bytesPerToken: MemoryBudget.bytesPerToken(
                of: model, keys: configuration.keyCacheType, values: configuration.valueCacheType) + (draftBytes ?? 0),
            available: MemoryBudget.available)
        var options = Context.Options()
        options.usesUnifiedKV = plan.usesUnifiedKV
        options.contextLength =
            plan.usesUnifiedKV ? plan.contextLength : plan.contextLength * configuration.sequenceCount
        options.sequenceCount = configuration.entryCount(
            usesUnifiedKV: plan.usesUnifiedKV, hasRecurrentState: model.hasRecurrentState)
        options.outputCount = configuration.sequenceCount + BatchShape.chunk
        options.batchSize = max(configuration.batchSize, configuration.sequenceCount)
        options.microBatchSize = configuration.microBatchSize
        options.placement = try placement(configuration.placement)
        options.batchPlacement = try placement(configuration.batchPlacement)
        options.threads = threads(
            configuration.threads ?? ThreadCount.preferred(byteCount: model.byteCount), at: options.placement)
        options.batchThreads = threads(configuration.batchThreads ?? options.threads, at: options.batchPlacement)
        options.flashAttention = configuration.flashAttention
        options.keyType = configuration.keyCacheType
        options.valueType = configuration.valueCacheType
        options.keepsFullWindow = configuration.keepsFullWindow
        if try choosesPlainAttention(for: model, options) {
            options.flashAttention = .off
            options.microBatchSize = min(options.microBatchSize, PlainAttention.microBatchSize)
        }
        options.offloadsKVCache = configuration.offloadsKVCache
        options.offloadsOperations = configuration.offloadsOperations
        options.positions = configuration.positions
        return options
    }

    /// Whether the context computes plain attention although no flag asks for it.
    private func choosesPlainAttention(
        for model: Model, _ options: Context.Options
    ) throws(LlamaError) -> Bool {
        guard configuration.flashAttention == .automatic else { return false }
        let hasDevices = try !configuration.devicePlacement.chosenDevices().isEmpty
        return PlainAttention.isFaster(
            PlainAttention.Setting(
                sequenceLength: options.usesUnifiedKV
                    ? options.contextLength : options.contextLength / configuration.sequenceCount,
                headCount: model.headCount, isUnified: options.usesUnifiedKV, hasDevices: hasDevices,
                keyType: options.keyType, valueType: options.valueType,
                speculates: !configuration.speculation.kinds.isEmpty || configuration.speculation.draftModel != nil))
    }

    /// Restricts a placement to the processors that this process may use.
    private func placement(_ wanted: ThreadPlacement) throws(LlamaError) -> ThreadPlacement {
        guard var placement = wanted.restricted(to: ThreadCount.processors ?? wanted.processors) else {
            let numbers = wanted.processors.sorted().prefix(8).map(String.init).joined(separator: ", ")
            throw LlamaError(
                .loadFailed, "None of the processors \(numbers) of the CPU mask may be used by this process.")
        }
        if !placement.priority.isPermitted {
            logger.warning(
                "threads keep their normal priority, as the system does not permit another one",
                metadata: ["wanted": "\(placement.priority)"])
            placement.priority = .normal
        }
        return placement
    }

    /// The number of threads, restricted to the number of processors: threads that share a processor alternate while
    /// they wait for work, and rarely find any.
    private func threads(_ wanted: Int, at placement: ThreadPlacement) -> Int {
        let count = placement.threadLimit(available: ThreadCount.processors?.count).map { min($0, wanted) } ?? wanted
        if count < wanted {
            logger.warning(
                "fewer threads are used, so that each has a processor",
                metadata: ["wanted": "\(wanted)", "threads": "\(count)"])
        }
        return count
    }

    private func controlVector(for model: Model) throws(LlamaError) -> ControlVector? {
        guard !configuration.controlVectors.isEmpty else { return nil }
        return try ControlVector(
            files: configuration.controlVectors, layers: configuration.controlLayers, for: model)
    }

    private static func load(_ path: String, for model: Model) throws(LlamaError) -> Adapter {
        let adapter = try Adapter(path: path, for: model)
        guard adapter.invocationTokens.isEmpty else {
            throw LlamaError(
                .loadFailed, "The adapter \(path) begins with certain tokens (aLoRA), which is not supported.")
        }
        return adapter
    }

    /// Creates the context for embeddings, if the configuration has one.
    private func makeEmbedder(
        _ model: Model, _ vocabulary: Vocabulary, _ base: Context.Options, _ controlVector: ControlVector?,
        _ information: inout ModelInformation
    ) throws(LlamaError) -> Embedder? {
        guard let wanted = configuration.embeddings else { return nil }
        var options = base
        options.embeddings = wanted
        options.usesUnifiedKV = true
        // As with generated text, the vectors of small models are batch-invariant: one input per batch.
        options.sequenceCount = model.byteCount > MemoryBudget.smallByteCount ? 32 : 1
        options.batchSize = configuration.microBatchSize
        options.microBatchSize = configuration.microBatchSize
        options.outputCount = configuration.microBatchSize
        options.contextLength = configuration.embeddingContextLength(
            wanted, sequenceLength: information.sequenceContextLength)
        options.flashAttention = configuration.embeddingFlashAttention(contextLength: options.contextLength)
        var context = try Context(model: model, options: options, abortSignal: decodeGuard.signal)
        if let controlVector { try context.apply(controlVector) }
        let embedder = Embedder(
            context: context,
            information: information,
            sequences: options.sequenceCount, queueLimit: configuration.queueLimit,
            maximumStall: configuration.maximumStall)
        information.embeddingPooling = embedder.kind
        if embedder.kind == .rank {
            try Self.checkClassifier(of: model)
            information.rerankFormat = RerankFormat(model, vocabulary)
        }
        return embedder
    }

    /// Runs one decode, so that libllama builds its graphs before the first request.
    private static func warmUp(_ context: inout Context, vocabulary: Vocabulary) throws(LlamaError) {
        var batch = Batch(capacity: 1)
        batch.add(token: vocabulary.beginning ?? 0, position: 0, sequence: 0, wantsLogits: true)
        let result = context.decode(batch)
        context.removeAll(of: 0)
        switch result {
        case .done, .aborted: return
        case .noRoom, .failed: throw LlamaError(.loadFailed, "A first decode failed (\(result)).")
        }
    }

    private static func describe(_ model: Model, _ vocabulary: Vocabulary) -> ModelInformation {
        var information = ModelInformation()
        information.path = model.path
        information.name = model.metadata("general.name")
        information.summary = model.summary
        information.fileType = model.fileType
        information.parameterCount = model.parameterCount
        information.byteCount = model.byteCount
        information.vocabularyKind = vocabulary.kind
        information.vocabularySize = vocabulary.count
        information.embeddingLength = model.embeddingLength
        information.trainedContextLength = model.trainedContextLength
        information.chatTemplate = model.chatTemplate()
        information.toolUseChatTemplate = model.chatTemplate(named: "tool_use")
        information.beginningToken = vocabulary.text(vocabulary.beginning)
        information.endToken = vocabulary.text(vocabulary.end)
        information.endOfGenerationTokens = vocabulary.endOfGeneration
        information.infillTokens = InfillTokens(vocabulary)
        return information
    }

    /// Publishes the progress of a stage, 0 to 1.
    func report(_ stage: LoadProgress.Stage, _ fraction: Double) {
        change(.loading(LoadProgress(stage: stage, fraction: fraction)))
    }

    private func change(_ state: EngineState) {
        shared.withLock { $0.state = state }
        receiver.engineStateChanged(state)
    }

    /// Publishes the result of loading, and resumes the tasks that wait for it.
    private func finishLoading(_ loadResult: Result<OpenedModel, EngineError>) {
        let waiters = shared.withLock { shared in
            shared.loadResult = loadResult
            defer { shared.waiters = [] }
            return shared.waiters
        }
        switch loadResult {
        case .success(let loaded): change(.ready(loaded.information))
        case .failure(let error):
            logger.error("\(error.message)")
            change(.failed(error))
        }
        for waiter in waiters { waiter.resume(returning: loadResult) }
        input.post(.loaded)
    }

    /// During loading: emits the terminal events of requests that were cancelled or refused before submission.
    private func deliverEarlyTerminalEvents() {
        for message in mailbox.receive(waits: false) { deliver(message) }
    }

    /// After a failed load: rejects every message until `stop`.
    private func rejectUntilStopped() {
        while true {
            for message in mailbox.receive(waits: true) {
                if case .stop = message { return }
                deliver(message)
            }
        }
    }

    private func deliver(_ message: EngineMessage) {
        switch message {
        case .reject(let handle, let error): receiver.receive([EngineEvent(handle, .failed(error))])
        case .cancelled(let handle, let submitted):
            receiver.receive([EngineEvent(handle, .finished(.cancelled(submitted: submitted), text: []))])
        case .cancel(let handle): decodeGuard.remove(handle)
        // Requests are submitted only after a successful load, so there is no generation that these messages concern.
        case .submit, .control, .embed, .unpin, .slot, .slotRead, .disk: break
        // `stop` is the last message. It is posted again for the next reader of the mailbox.
        case .stop: mailbox.post(.stop)
        }
    }
}
