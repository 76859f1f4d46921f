internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletProtocol
internal import MartletStreams
internal import NIOCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Runs completions: admits them, and answers with a stream or a whole.
struct CompletionService: Sendable {
    let configuration: ServerConfiguration
    let engine: any EngineService
    let registry: GenerationRegistry
    let gate: ModelGate
    let loops: ReaderLoops
    let shutdown: ShutdownFlag
    let adapterScales: AdapterScales
    let tracing: RequestTracing
    let thoughts: ThoughtCounts

    /// - Parameter headers: of the request.
    func respond<View>(
        to completion: Completion<View>, _ headers: HTTPFields, on context: EdgeContext
    ) async throws -> Response {
        var response = try await answer(completion, headers, on: context)
        let warning = gate.model?.warning(about: completion.options.model, configuration: configuration)
        response.headers[.warnings] = warning
        return response
    }

    private func answer<View>(
        _ completion: Completion<View>, _ headers: HTTPFields, on context: EdgeContext
    ) async throws -> Response {
        guard !shutdown.isSet else { throw APIError(.unavailable, "The server is shutting down") }
        let resume = try ResumeFields(headers, completion.options, resumesAlways: configuration.resumesAlways)
        let (terms, view) = terms(of: completion, resume, owner: context.notes.owner)
        let generation = try await start(completion, terms, on: context)
        if terms.streams {
            return StreamResponse(generation: generation, rendition: generation.response, loops: loops)
                .response(in: context)
        }
        if terms.lifetime == .background { return .accepted(generation, registry.status(of: generation)) }
        if terms.isResumable {
            await generation.waitForEnd(on: context.channel)
        } else {
            await generation.log.waitForEnd()
        }
        guard generation.log.terminalEvent != nil else { throw APIError.handedOver(generation) }
        return .json(try view.response(for: generation.log.events), headers: generation.headers)
    }

    /// Begins a generation that goes on whatever becomes of its client, and does not wait: a refusal of the engine is its
    /// last event.
    func begin<View>(
        _ completion: Completion<View>, label: String?, owner: Owner, on eventLoop: any EventLoop
    ) throws(APIError) -> Generation {
        guard !shutdown.isSet else { throw APIError(.unavailable, "The server is shutting down") }
        if case .failed(let error) = gate.state { throw APIError(error) }
        let resume = ResumeFields(
            lifetime: completion.options.isBackground ? .background : .resumable, label: label)
        let prepared = try gate.model.map { model throws(APIError) in try prepare(completion, for: model, owner: owner)
        }
        let generation = try prepare(terms(of: completion, resume, owner: owner).0)
        let wheel = loops.loop(for: eventLoop).wheel
        eventLoop.execute { [registry] in registry.attend(to: generation, on: wheel) }
        registry.announce(generation)
        if let prepared {
            submit(completion, prepared, as: generation)
        } else {
            startWhenLoaded(completion, generation)
        }
        return generation
    }

    /// What is fixed before the generation begins.
    private func terms<View>(
        of completion: Completion<View>, _ resume: ResumeFields, owner: Owner
    ) -> (GenerationTerms, View) {
        let options = completion.options
        let created = time(nil)
        let head = LogHead(created: Int64(created), model: configuration.modelName)
        let responseHead = ResponseHead(
            id: completion.idPrefix + head.id, created: created, model: head.model, fingerprint: configuration.build,
            warnings: options.warnings, hasShortCallIDs: gate.model?.demandsShortCallIDs ?? false,
            endTokens: gate.model?.information.endOfGenerationTokens ?? [])
        let view = completion.makeView(responseHead)
        var terms = GenerationTerms(head: head, responseID: completion.idPrefix + head.id, view: view)
        terms.owner = owner
        terms.lifetime = resume.lifetime
        terms.label = resume.label
        if terms.isResumable { terms.origin = stored(completion, responseHead) }
        terms.streams = options.streams
        terms.choicesPerPrompt = options.choiceCount
        terms.choiceCount = options.choiceCount * completion.promptCount
        if options.streams || resume.lifetime != .plain {
            terms.pingInterval = options.pingInterval.map { TimeAmount($0) }
        }
        return (terms, view)
    }

    /// The request as a journal keeps it.
    private func stored<View>(_ completion: Completion<View>, _ head: ResponseHead) -> [UInt8] {
        RequestOrigin(
            kind: completion.kind, body: completion.body, promptTexts: completion.promptTexts,
            seed: completion.options.sampling.seed, build: configuration.build,
            hasShortCallIDs: head.hasShortCallIDs, endTokens: head.endTokens
        ).bytes
    }

    /// Begins the generation. For a stream it waits a little for a refusal, which is thrown.
    private func start<View>(
        _ completion: Completion<View>, _ terms: GenerationTerms, on context: EdgeContext
    ) async throws(APIError) -> Generation {
        if case .failed(let error) = gate.state { throw APIError(error) }
        guard let model = gate.model else {
            let generation = try prepare(terms, on: context)
            startWhenLoaded(completion, generation)
            registry.announce(generation)
            return generation
        }
        let prepared = try prepare(completion, for: model, owner: terms.owner)
        let generation = try prepare(terms, on: context)
        submit(completion, prepared, as: generation)
        // Who waits for the whole answer learns of a refusal with it.
        guard terms.streams || terms.lifetime == .background else { return generation }
        await waitForAdmission(of: generation, on: context.channel.eventLoop)
        if let refusal = generation.log.refusal(ofChoices: terms.choiceCount) { throw APIError(refusal) }
        registry.announce(generation)
        return generation
    }

    /// Waits for the engine's yes or no to every choice, which comes when the prompts are tokenized, however long that takes
    /// behind others. An engine that is being started again may take minutes: then the response's head does not wait.
    private func waitForAdmission(of generation: Generation, on eventLoop: any EventLoop) async {
        while await !generation.log.waitForAdmission(
            ofChoices: generation.terms.choiceCount, upTo: TimeAmount(configuration.admissionPatience), on: eventLoop)
        {
            guard case .ready = gate.state, !Task.isCancelled else { return }
        }
    }

    /// The generation exists from now on. A plain one ends when the client goes away.
    private func prepare(_ terms: GenerationTerms, on context: EdgeContext) throws(APIError) -> Generation {
        let generation = try prepare(terms)
        context.notes.generation = generation
        tracing.follow(generation, within: context.notes.traceContext)
        let wheel = loops.loop(for: context.channel.eventLoop).wheel
        context.channel.withConnection { [registry] connection in
            registry.attend(to: generation, on: wheel)
            guard !terms.isResumable else { return }
            if let connection {
                connection.onAbandoned { registry.cancel(generation.handle) }
            } else {
                registry.cancel(generation.handle)
            }
        }
        return generation
    }

    private func prepare(_ terms: GenerationTerms) throws(APIError) -> Generation {
        do throws(GenerationQuota.Excess) {
            return try registry.prepare(terms)
        } catch {
            throw APIError(error)
        }
    }

    private func submit<View>(
        _ completion: Completion<View>, _ prompts: [PreparedPrompt], as generation: Generation
    ) {
        let count = completion.options.choiceCount
        if prompts.contains(where: { $0.reasoning?.turnBudget != nil }) { thoughts.follow(generation) }
        let origin = origin(of: generation.terms, completion)
        for (number, prepared) in prompts.enumerated() {
            for choice in 0..<count {
                var request = completion.options.request(
                    handle: generation.handle(ofChoice: number * count + choice), prompt: prepared.prompt,
                    visibleMarkers: prepared.visibleMarkers, adapters: prepared.adapters,
                    constraint: prepared.constraint, leavingOut: prepared.unknownTokens, choice: choice)
                request.reasoning = prepared.reasoning
                registry.submit(request, splitter: prepared.splitter, origin: origin)
            }
        }
    }

    /// What orders need of the request.
    func origin<View>(of terms: GenerationTerms, _ completion: Completion<View>) -> GenerationOrigin {
        GenerationOrigin(chat: completion.chat) { forkTerms(of: terms, completion) }
    }

    /// A fork has an id of its own and nobody who waits for it: it can be asked for like any answer in the background.
    private func forkTerms<View>(of original: GenerationTerms, _ completion: Completion<View>) -> GenerationTerms {
        let created = time(nil)
        let head = LogHead(created: Int64(created), model: original.head.model)
        let id = completion.idPrefix + head.id
        let responseHead = ResponseHead(
            id: id, created: created, model: head.model, fingerprint: configuration.build,
            warnings: completion.options.warnings, hasShortCallIDs: gate.model?.demandsShortCallIDs ?? false,
            endTokens: gate.model?.information.endOfGenerationTokens ?? [])
        var terms = GenerationTerms(head: head, responseID: id, view: completion.makeView(responseHead))
        terms.origin = stored(completion, responseHead)
        terms.owner = original.owner
        terms.lifetime = .background
        terms.streams = original.streams
        terms.pingInterval = original.pingInterval
        return terms
    }

    func startWhenLoaded<View>(_ completion: Completion<View>, _ generation: Generation) {
        gate.whenDecided { result in
            // Off the engine's thread: rendering takes time.
            Task {
                do throws(APIError) {
                    let prepared = try prepare(
                        completion, for: try result.mapError(APIError.init).get(), owner: generation.terms.owner)
                    submit(completion, prepared, as: generation)
                } catch {
                    registry.fail(generation.handle, EngineError(error))
                }
            }
        }
    }

    private func prepare<View>(
        _ completion: Completion<View>, for model: LoadedModel, owner: Owner
    ) throws(APIError) -> [PreparedPrompt] {
        try model.check(name: completion.options.model, configuration: configuration)
        try model.check(completion.options.adapters ?? [], field: "lora")
        var prepared = try completion.prepared(for: model)
        configuration.promptLog?.write(prepared.map(\.prompt))
        let adapters = adapterScales.current(of: model.information)
        for index in prepared.indices {
            prepared[index].adapters = adapters
            guard let rule = prepared[index].reasoning, let budget = rule.turnBudget else { continue }
            let spent = thoughts.tokens(of: rule.spent, owner: owner)
            prepared[index].reasoning?.turnBudget = max(0, budget - spent.count)
            prepared[index].reasoning?.spent = spent.unknown
        }
        return prepared
    }
}

extension Generation {
    /// Returns when it has ended or was handed over, or when the client has gone, and counts as somebody who waits for it.
    func waitForEnd(upTo timeout: Duration? = nil, on channel: any NIOCore.Channel) async {
        let seat = takeSeat()
        let waiting = Task {
            if let timeout {
                await log.waitForEnd(upTo: TimeAmount(timeout), on: channel.eventLoop)
            } else {
                await log.waitForEnd()
            }
            seat.leave()
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
            if let connection { connection.onAbandoned { self.cancel() } } else { self.cancel() }
        }
    }
}

extension APIError {
    static func handedOver(_ generation: Generation) -> APIError {
        APIError(
            .unavailable,
            "The server restarts and then goes on with this answer; fetch it at "
                + "/v1/generations/\(generation.terms.responseID)/result")
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
