internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletPlatform
internal import MartletProtocol
internal import MartletStreams
internal import NIOCore

/// Runs completions: admits them, and answers with a stream or a whole.
struct CompletionService: Sendable {
    let configuration: ServerConfiguration
    let engine: any EngineService
    let registry: GenerationRegistry
    let modelReadiness: ModelReadiness
    let loops: ReaderLoops
    let shutdown: ShutdownFlag
    let adapterScales: AdapterScales
    let tracing: RequestTracing
    let reasoningCounts: ReasoningTokenCounts

    /// - Parameter headers: of the request.
    func respond<View>(
        to completion: CompletionPlan<View>, _ headers: HTTPFields, on context: EdgeContext
    ) async throws -> Response {
        var response = try await makeResponse(completion, headers, on: context)
        let warning = modelReadiness.model?.warning(about: completion.options.model, configuration: configuration)
        response.headers[.warnings] = warning
        return response
    }

    private func makeResponse<View>(
        _ completion: CompletionPlan<View>, _ headers: HTTPFields, on context: EdgeContext
    ) async throws -> Response {
        guard !shutdown.isSet else { throw APIError(.unavailable, "The server is shutting down") }
        let resume = try ResumeFields(headers, completion.options, resumesAlways: configuration.resumesAlways)
        let (spec, view) = spec(of: completion, resume, owner: context.requestInfo.owner)
        let generation = try await start(completion, spec, on: context)
        if spec.streams {
            return StreamResponse(generation: generation, encodedStream: generation.response, loops: loops)
                .response(in: context)
        }
        if spec.lifetime == .background { return .accepted(generation, registry.status(of: generation)) }
        if spec.isResumable {
            await generation.waitForEnd(on: context.channel)
        } else {
            await generation.log.waitForEnd()
        }
        guard generation.log.terminalEvent != nil else { throw APIError.handedOver(generation) }
        return .json(try view.response(for: generation.log.events), headers: generation.headers)
    }

    /// Begins a generation that goes on whatever becomes of its client, and does not wait: a refusal of the engine is
    /// its last event.
    func begin<View>(
        _ completion: CompletionPlan<View>, label: String?, owner: Owner, on eventLoop: any EventLoop
    ) throws(APIError) -> Generation {
        guard !shutdown.isSet else { throw APIError(.unavailable, "The server is shutting down") }
        if case .failed(let error) = modelReadiness.state { throw APIError(error) }
        let resume = ResumeFields(
            lifetime: completion.options.isBackground ? .background : .resumable, label: label)
        let prepared = try modelReadiness.model.map { model throws(APIError) in
            try prepare(completion, for: model, owner: owner)
        }
        let generation = try prepare(spec(of: completion, resume, owner: owner).0)
        let wheel = loops.loop(for: eventLoop).wheel
        eventLoop.execute { [registry] in registry.monitor(generation, on: wheel) }
        registry.publishID(of: generation)
        if let prepared {
            submit(completion, prepared, as: generation)
        } else {
            startWhenLoaded(completion, generation)
        }
        return generation
    }

    /// What is fixed before the generation begins.
    private func spec<View>(
        of completion: CompletionPlan<View>, _ resume: ResumeFields, owner: Owner
    ) -> (GenerationSpec, View) {
        let options = completion.options
        let created = time(nil)
        let head = LogHead(created: Int64(created), model: configuration.modelName)
        let responseHead = ResponseHead(
            id: completion.idPrefix + head.id, created: created, model: head.model, fingerprint: configuration.build,
            warnings: options.warnings, hasShortCallIDs: modelReadiness.model?.demandsShortCallIDs ?? false,
            endTokens: modelReadiness.model?.information.endOfGenerationTokens ?? [])
        let view = completion.makeView(responseHead)
        var spec = GenerationSpec(head: head, responseID: completion.idPrefix + head.id, view: view)
        spec.owner = owner
        spec.lifetime = resume.lifetime
        spec.label = resume.label
        if spec.isResumable { spec.storedRequest = storedRequest(completion, responseHead) }
        spec.streams = options.streams
        spec.choicesPerPrompt = options.choiceCount
        spec.choiceCount = options.choiceCount * completion.promptCount
        if options.streams || resume.lifetime != .plain {
            spec.pingInterval = options.pingInterval.map { TimeAmount($0) }
        }
        return (spec, view)
    }

    /// The request as a journal keeps it.
    private func storedRequest<View>(_ completion: CompletionPlan<View>, _ head: ResponseHead) -> [UInt8] {
        StoredRequest(
            kind: completion.kind, body: completion.body, promptTexts: completion.promptTexts,
            seed: completion.options.sampling.seed, build: configuration.build,
            hasShortCallIDs: head.hasShortCallIDs, endTokens: head.endTokens
        ).bytes
    }

    /// Begins the generation. For a stream it waits a little for a refusal, which is thrown.
    private func start<View>(
        _ completion: CompletionPlan<View>, _ spec: GenerationSpec, on context: EdgeContext
    ) async throws(APIError) -> Generation {
        if case .failed(let error) = modelReadiness.state { throw APIError(error) }
        guard let model = modelReadiness.model else {
            let generation = try prepare(spec, on: context)
            startWhenLoaded(completion, generation)
            registry.publishID(of: generation)
            return generation
        }
        let prepared = try prepare(completion, for: model, owner: spec.owner)
        let generation = try prepare(spec, on: context)
        submit(completion, prepared, as: generation)
        // Who waits for the whole answer learns of a refusal with it.
        guard spec.streams || spec.lifetime == .background else { return generation }
        await waitForAdmission(of: generation, on: context.channel.eventLoop)
        if let refusal = generation.log.refusal(ofChoices: spec.choiceCount) { throw APIError(refusal) }
        registry.publishID(of: generation)
        return generation
    }

    /// Waits for the engine's yes or no to every choice, which comes when the prompts are tokenized, however long that
    /// takes behind others. An engine that is being started again may take minutes: then the response's head does not
    /// wait.
    private func waitForAdmission(of generation: Generation, on eventLoop: any EventLoop) async {
        while await !generation.log.waitForAdmission(
            ofChoices: generation.spec.choiceCount, upTo: TimeAmount(configuration.admissionTimeout), on: eventLoop)
        {
            guard case .ready = modelReadiness.state, !Task.isCancelled else { return }
        }
    }

    /// The generation exists from now on. A plain one ends when the client goes away.
    private func prepare(_ spec: GenerationSpec, on context: EdgeContext) throws(APIError) -> Generation {
        let generation = try prepare(spec)
        context.requestInfo.generation = generation
        tracing.trace(generation, within: context.requestInfo.traceContext)
        let wheel = loops.loop(for: context.channel.eventLoop).wheel
        context.channel.withConnection { [registry] connection in
            registry.monitor(generation, on: wheel)
            guard !spec.isResumable else { return }
            if let connection {
                connection.onDisconnect { registry.cancel(generation.handle) }
            } else {
                registry.cancel(generation.handle)
            }
        }
        return generation
    }

    private func prepare(_ spec: GenerationSpec) throws(APIError) -> Generation {
        do throws(GenerationQuota.Excess) {
            return try registry.prepare(spec)
        } catch {
            throw APIError(error)
        }
    }

    private func submit<View>(
        _ completion: CompletionPlan<View>, _ prompts: [PreparedPrompt], as generation: Generation
    ) {
        let count = completion.options.choiceCount
        if prompts.contains(where: { $0.reasoning?.turnBudget != nil }) { reasoningCounts.count(generation) }
        let forkContext = forkContext(of: generation.spec, completion)
        for (number, prepared) in prompts.enumerated() {
            for choice in 0..<count {
                var request = completion.options.request(
                    handle: generation.handle(ofChoice: number * count + choice), prompt: prepared.prompt,
                    visibleDelimiters: prepared.visibleDelimiters, adapters: prepared.adapters,
                    constraint: prepared.constraint, leavingOut: prepared.unknownTokens, choice: choice)
                request.reasoning = prepared.reasoning
                registry.submit(request, parser: prepared.parser, forkContext: forkContext)
            }
        }
    }

    /// What orders need of the request.
    func forkContext<View>(of spec: GenerationSpec, _ completion: CompletionPlan<View>) -> ForkContext {
        ForkContext(chat: completion.chat) { forkSpec(of: spec, completion) }
    }

    /// A fork has an id of its own and nobody who waits for it: it can be asked for like any answer in the background.
    private func forkSpec<View>(of original: GenerationSpec, _ completion: CompletionPlan<View>) -> GenerationSpec {
        let created = time(nil)
        let head = LogHead(created: Int64(created), model: original.head.model)
        let id = completion.idPrefix + head.id
        let responseHead = ResponseHead(
            id: id, created: created, model: head.model, fingerprint: configuration.build,
            warnings: completion.options.warnings, hasShortCallIDs: modelReadiness.model?.demandsShortCallIDs ?? false,
            endTokens: modelReadiness.model?.information.endOfGenerationTokens ?? [])
        var spec = GenerationSpec(head: head, responseID: id, view: completion.makeView(responseHead))
        spec.storedRequest = storedRequest(completion, responseHead)
        spec.owner = original.owner
        spec.lifetime = .background
        spec.streams = original.streams
        spec.pingInterval = original.pingInterval
        return spec
    }

    func startWhenLoaded<View>(_ completion: CompletionPlan<View>, _ generation: Generation) {
        modelReadiness.whenResolved { result in
            // Off the engine's thread: rendering takes time.
            Task {
                do throws(APIError) {
                    let prepared = try prepare(
                        completion, for: try result.mapError(APIError.init).get(), owner: generation.spec.owner)
                    submit(completion, prepared, as: generation)
                } catch {
                    registry.fail(generation.handle, EngineError(error))
                }
            }
        }
    }

    private func prepare<View>(
        _ completion: CompletionPlan<View>, for model: ServedModel, owner: Owner
    ) throws(APIError) -> [PreparedPrompt] {
        try model.check(name: completion.options.model, configuration: configuration)
        try model.check(completion.options.adapters ?? [], field: "lora")
        var prepared = try completion.prepared(for: model)
        configuration.promptLog?.write(prepared.map(\.prompt))
        let adapters = adapterScales.current(of: model.information)
        for index in prepared.indices {
            prepared[index].adapters = adapters
            guard let rule = prepared[index].reasoning, let budget = rule.turnBudget else { continue }
            let reported = reasoningCounts.tokens(of: rule.earlierReasoning, owner: owner)
            prepared[index].reasoning?.turnBudget = max(0, budget - reported.count)
            prepared[index].reasoning?.earlierReasoning = reported.unknown
        }
        return prepared
    }
}

extension Generation {
    /// Returns when it has ended or was handed over, or when the client has gone, and counts as somebody who waits for
    /// it.
    func waitForEnd(upTo timeout: Duration? = nil, on channel: any NIOCore.Channel) async {
        let lease = acquireReaderLease()
        let waiting = Task {
            if let timeout {
                await log.waitForEnd(upTo: TimeAmount(timeout), on: channel.eventLoop)
            } else {
                await log.waitForEnd()
            }
            lease.release()
        }
        waiting.cancelWithConnection(of: channel)
        await withTaskCancellationHandler {
            await waiting.value
        } onCancel: {
            waiting.cancel()
        }
    }
}

extension Task {
    /// Cancels it when the client goes away before the response in progress has ended.
    func cancelWithConnection(of channel: any NIOCore.Channel) {
        channel.withConnection { connection in
            if let connection { connection.onDisconnect { self.cancel() } } else { self.cancel() }
        }
    }
}

extension APIError {
    static func handedOver(_ generation: Generation) -> APIError {
        APIError(
            .unavailable,
            "The server restarts and then goes on with this answer; fetch it at "
                + "/v1/generations/\(generation.spec.responseID)/result")
    }

    init(_ excess: GenerationQuota.Excess) {
        self =
            switch excess {
            case .total(let limit):
                APIError(
                    .overloaded,
                    "\(limit) generations run or wait already, which is this server's limit "
                        + "(--max-generations)")
            case .perOwner(let limit):
                APIError(
                    .rateLimited,
                    "\(limit) generations of this API key run or wait already, which is its limit "
                        + "(--max-generations-per-key)")
            case .bytes(let limit):
                APIError(
                    .overloaded,
                    "Resumable generations that run take \(limit >> 20) MiB already, which is this server's limit "
                        + "(--log-memory)")
            case .bytesPerOwner(let limit):
                APIError(
                    .rateLimited,
                    "Resumable generations of this API key that run take \(limit >> 20) MiB already, which is its "
                        + "limit (--log-memory-per-key)")
            }
    }
}
