import Llama
import Logging
import MartletProtocol

extension InProcessEngine {
    /// The engine's thread: loads, then runs until it is stopped.
    func runEngine() {
        do throws(EngineError) {
            try load().run()
        } catch {
            settle(.failure(error))
            rejectUntilStopped()
        }
    }

    private func load() throws(EngineError) -> EngineLoop {
        let begin = MonotonicTime.now
        if let violation = configuration.violation { throw EngineError(.loadFailed, violation) }
        LlamaLog.route(to: logger)
        do {
            report(.textModel, 0)
            var options = Model.Options()
            options.gpuLayers = configuration.gpuLayers
            options.usesMemoryMap = configuration.usesMemoryMap
            options.usesRepackedWeights = configuration.usesRepackedWeights
            var reported: Float = 0
            let model = try Model(path: configuration.modelPath, options: options) { fraction in
                // A hundred steps are enough for anybody who watches.
                if fraction - reported >= 0.01 || fraction >= 1 {
                    reported = fraction
                    report(.textModel, Double(fraction))
                }
                deliverEarlyEnds()
                return !shared.withLock(\.isClosed)
            }
            guard model.hasDecoder, !model.hasEncoder else {
                throw LlamaError(.loadFailed, "The model \(model.path) is no decoder, so it cannot write text.")
            }
            let vocabulary = try Vocabulary(model: model)
            report(.warmUp, 0)
            let contextOptions = try self.contextOptions(for: model)
            var context = try Context(model: model, options: contextOptions, abortSignal: decodeGuard.signal)
            try Self.warmUp(&context, vocabulary: vocabulary)
            var information = Self.describe(model, vocabulary)
            information.contextLength = context.contextLength
            information.sequenceContextLength = min(context.sequenceContextLength, context.contextLength)
            information.sequenceCount = configuration.sequenceCount
            information.loadTime = MonotonicTime.now - begin
            logger.info(
                "model loaded",
                metadata: [
                    "path": "\(model.path)", "contextLength": "\(information.contextLength)",
                    "sequenceCount": "\(information.sequenceCount)", "threads": "\(contextOptions.threads)",
                    "loadTime": "\(information.loadTime)",
                ])
            let loaded = LoadedModel(model: model, vocabulary: vocabulary, information: information)
            let loop = EngineLoop(
                loaded: loaded, context: context, sharesMemory: contextOptions.sharesMemory,
                configuration: configuration,
                mailbox: mailbox, receiver: receiver, decodeGuard: decodeGuard, board: board)
            settle(.success(loaded))
            return loop
        } catch let error as LlamaError {
            throw EngineError(.loadFailed, error.message)
        } catch {
            throw EngineError(.loadFailed, "\(error)")
        }
    }

    private func contextOptions(for model: Model) throws(LlamaError) -> Context.Options {
        let plan = try MemoryBudget.plan(
            configuration, trained: model.trainedContextLength, weights: model.byteCount,
            bytesPerToken: MemoryBudget.bytesPerToken(
                of: model, keys: configuration.keyCacheType, values: configuration.valueCacheType),
            available: MemoryBudget.available)
        var options = Context.Options()
        options.sharesMemory = plan.sharesMemory
        options.contextLength =
            plan.sharesMemory ? plan.contextLength : plan.contextLength * configuration.sequenceCount
        options.sequenceCount = configuration.sequenceCount
        options.batchSize = max(configuration.batchSize, configuration.sequenceCount)
        options.microBatchSize = configuration.microBatchSize
        options.threads = configuration.threads ?? ThreadCount.preferred(byteCount: model.byteCount)
        options.batchThreads = configuration.batchThreads ?? options.threads
        options.flashAttention = configuration.flashAttention
        options.keyType = configuration.keyCacheType
        options.valueType = configuration.valueCacheType
        options.keepsFullWindow = configuration.keepsFullWindow
        return options
    }

    /// Makes libllama build what it builds on the first decode.
    private static func warmUp(_ context: inout Context, vocabulary: Vocabulary) throws(LlamaError) {
        var batch = Batch(capacity: 1)
        batch.add(token: vocabulary.beginning ?? 0, position: 0, sequence: 0, wantsLogits: true)
        let outcome = context.decode(batch)
        context.removeAll(of: 0)
        switch outcome {
        case .done, .aborted: return
        case .noRoom, .failed: throw LlamaError(.loadFailed, "A first decode failed (\(outcome)).")
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
        return information
    }

    private func report(_ stage: LoadProgress.Stage, _ fraction: Double) {
        change(.loading(LoadProgress(stage: stage, fraction: fraction)))
    }

    private func change(_ state: EngineState) {
        shared.withLock { $0.state = state }
        receiver.engineStateChanged(state)
    }

    /// Loading is over: whoever waited for it goes on.
    private func settle(_ outcome: Result<LoadedModel, EngineError>) {
        let waiters = shared.withLock { shared in
            shared.outcome = outcome
            defer { shared.waiters = [] }
            return shared.waiters
        }
        switch outcome {
        case .success(let loaded): change(.ready(loaded.information))
        case .failure(let error):
            logger.error("\(error.message)")
            change(.failed(error))
        }
        for waiter in waiters { waiter.resume(returning: outcome) }
        intake.post(.loaded)
    }

    /// While loading: ends what was cancelled or refused before it could be submitted.
    private func deliverEarlyEnds() {
        for message in mailbox.take(waits: false) { deliver(message) }
    }

    /// After a failed load.
    private func rejectUntilStopped() {
        while true {
            for message in mailbox.take(waits: true) {
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
        case .cancel(let handle): decodeGuard.forget(handle)
        // Nothing is submitted before loading has ended well, so nothing can be told anything.
        case .submit, .control: break
        // It is the last message, and for whoever reads when loading is over.
        case .stop: mailbox.post(.stop)
        }
    }
}
