internal import MartletPlatform
internal import MartletProtocol
package import MartletStreams
package import NIOCore

/// Begins completions for every kind of caller: HTTP routes, the WebSocket, and recovery.
///
/// The way of one completion is described in `design.md`. Thread: any.
package struct CompletionService: Sendable {
    package let configuration: GenerationConfiguration
    package let models: any ModelDirectory
    package let registry: GenerationRegistry
    package let loops: ReaderLoops
    package let shutdown: ShutdownFlag
    package let reasoningCounts: ReasoningTokenCounts
    package let prefixes: PinnedPrefixes

    /// Makes the service; all services of a server share the same parts.
    package init(
        configuration: GenerationConfiguration, models: any ModelDirectory, registry: GenerationRegistry,
        loops: ReaderLoops, shutdown: ShutdownFlag, reasoningCounts: ReasoningTokenCounts,
        prefixes: PinnedPrefixes = PinnedPrefixes()
    ) {
        self.configuration = configuration
        self.models = models
        self.registry = registry
        self.loops = loops
        self.shutdown = shutdown
        self.reasoningCounts = reasoningCounts
        self.prefixes = prefixes
    }

    /// Begins a generation and, for a stream or a background generation, waits for its admission.
    ///
    /// A refusal of the engine is then an error of this call. A caller that waits for the whole output finds a refusal
    /// in the log.
    ///
    /// - Parameters:
    ///   - eventLoop: the event loop whose timer wheel appends pings and ends orphans.
    ///   - onPrepare: called once, when the generation exists and before it is submitted. A caller of a plain
    ///     generation makes sure here that the end of its connection cancels the generation.
    /// - Throws: `GenerationError` if the server ends, a quota is exhausted, the request does not fit the model, or the
    ///   engine refuses it.
    package func start(
        _ plan: CompletionPlan, _ terms: GenerationTerms, on eventLoop: any EventLoop,
        onPrepare: (Generation) -> Void
    ) async throws(GenerationError) -> Generation {
        try checkAdmission(of: plan, terms)
        let handle = try models.model(named: plan.options.model)
        let lease = handle.lease(terms.lease(plan.options))
        let (generation, isSubmitted) = try endingLease(lease) { () throws(GenerationError) in
            let prompts = try self.prompts(of: plan, for: handle, with: lease, owner: terms.owner)
            let generation = try prepare(spec(of: plan, terms, for: handle, with: lease), on: eventLoop)
            onPrepare(generation)
            submit(plan, prompts, as: generation, of: handle, with: lease)
            return (generation, prompts != nil)
        }
        guard isSubmitted else {
            registry.publishID(of: generation)
            return generation
        }
        guard generation.spec.streams || generation.spec.lifetime == .background else { return generation }
        await waitForAdmission(of: generation, by: handle, on: eventLoop)
        if let refusal = generation.log.refusal(ofChoices: generation.spec.choiceCount) {
            throw GenerationError(refusal)
        }
        registry.publishID(of: generation)
        return generation
    }

    /// Begins a generation that does not end with its connection, and does not wait: a refusal of the engine is its
    /// terminal event.
    package func begin(
        _ plan: CompletionPlan, _ terms: GenerationTerms, on eventLoop: any EventLoop
    ) throws(GenerationError) -> Generation {
        try checkAdmission(of: plan, terms)
        let handle = try models.model(named: plan.options.model)
        let lease = handle.lease(terms.lease(plan.options))
        return try endingLease(lease) { () throws(GenerationError) in
            let prompts = try self.prompts(of: plan, for: handle, with: lease, owner: terms.owner)
            let generation = try prepare(spec(of: plan, terms, for: handle, with: lease), on: eventLoop)
            registry.publishID(of: generation)
            submit(plan, prompts, as: generation, of: handle, with: lease)
            return generation
        }
    }

    /// Ends a lease if `body` throws. Otherwise the end of the generation ends it.
    private func endingLease<Result>(
        _ lease: ModelLease, _ body: () throws(GenerationError) -> Result
    ) throws(GenerationError) -> Result {
        do throws(GenerationError) {
            return try body()
        } catch {
            lease.end()
            throw error
        }
    }

    /// The prompts for a model that serves the request now; nil while the request waits for the model.
    private func prompts(
        of plan: CompletionPlan, for handle: ModelHandle, with lease: ModelLease, owner: Owner
    ) throws(GenerationError) -> [PreparedPrompt]? {
        guard let result = lease.result else { return nil }
        return try prepare(plan, for: try result.get(), of: handle, owner: owner)
    }

    /// Submits a generation now, or without prompts when its model is ready.
    private func submit(
        _ plan: CompletionPlan, _ prompts: [PreparedPrompt]?, as generation: Generation, of handle: ModelHandle,
        with lease: ModelLease
    ) {
        if let prompts {
            submit(plan, prompts, as: generation, of: handle)
        } else {
            if plan.options.reportsLoad, generation.spec.streams { reportLoad(to: generation, of: lease) }
            startWhenLoaded(plan, generation, of: handle, with: lease)
        }
    }

    /// - Throws: if the server ends, the terms forbid the priority, or the owner lacks the prefix.
    private func checkAdmission(of plan: CompletionPlan, _ terms: GenerationTerms) throws(GenerationError) {
        let priority = plan.options.parameters.priority
        guard priority <= 0 || terms.mayRaisePriority else {
            throw GenerationError(
                .forbidden,
                "Field 'priority': A value above 0 needs a key with that right (--priority-key), but got \(priority)",
                field: "priority")
        }
        _ = try prefixes.id(of: plan.options.prefix, owner: terms.owner)
        guard !shutdown.isSet else { throw GenerationError(.unavailable, "The server is shutting down") }
    }

    /// Waits for the engine's decision about every choice. The engine decides when it has tokenized the prompts, which
    /// may take long behind others. A restarting engine may need minutes: then the call returns after
    /// `admissionTimeout`.
    private func waitForAdmission(
        of generation: Generation, by handle: ModelHandle, on eventLoop: any EventLoop
    ) async {
        while await !generation.log.waitForAdmission(
            ofChoices: generation.spec.choiceCount, upTo: TimeAmount(configuration.admissionTimeout), on: eventLoop)
        {
            guard case .ready = handle.readiness.state, !Task.isCancelled else { return }
        }
    }

    /// Adds a generation to the registry, which monitors it from now on.
    private func prepare(
        _ spec: GenerationSpec, on eventLoop: any EventLoop
    ) throws(GenerationError) -> Generation {
        let generation: Generation
        do throws(GenerationQuota.Excess) {
            generation = try registry.prepare(spec)
        } catch {
            throw GenerationError(error)
        }
        monitor(generation, on: eventLoop)
        return generation
    }

    /// Lets a timer wheel of the event loop append pings and end an orphan.
    func monitor(_ generation: Generation, on eventLoop: any EventLoop) {
        let wheel = loops.loop(for: eventLoop).wheel
        eventLoop.execute { [registry] in registry.monitor(generation, on: wheel) }
    }

    /// Submits all choices of all prompts to the engine.
    private func submit(
        _ plan: CompletionPlan, _ prompts: [PreparedPrompt], as generation: Generation, of handle: ModelHandle
    ) {
        // A fork has one choice of one prompt, whatever the plan of its original says. The handles behind its own belong
        // to other generations.
        let (count, limit) = (generation.spec.choicesPerPrompt, generation.spec.choiceCount)
        if prompts.contains(where: { $0.reasoning?.turnBudget != nil }) { reasoningCounts.count(generation) }
        let forkContext = forkContext(of: generation.spec, plan, handle)
        // A prefix that was removed since the admission is no fault of the request.
        let prefix = try? prefixes.id(of: plan.options.prefix, owner: generation.spec.owner)
        for (number, prompt) in prompts.enumerated() {
            for choice in 0..<count where number * count + choice < limit {
                let handle = generation.handle(ofChoice: number * count + choice)
                var request = plan.options.request(handle: handle, prompt: prompt, choice: choice)
                request.tenant = configuration.cacheScope.tenant(of: generation.spec.owner)
                if let prefix { request.parameters.cache.prefix = prefix }
                let description = prompt.parserDescription
                registry.submit(
                    request, parser: prompt.parser, describeParser: { description.bytes }, forkContext: forkContext)
            }
        }
    }

    /// Writes the progress of the model into the log of a generation that waits for it.
    ///
    /// The events are those of the first choice, before its admission. A generation that continues after a restart of the
    /// server has them in its log already, and gets no further ones.
    private func reportLoad(to generation: Generation, of lease: ModelLease) {
        lease.whenProgressing { [registry, handle = generation.handle] wait in
            registry.receive([EngineEvent(handle, .promptProgress(PromptProgress(wait: wait)))])
        }
    }

    /// Submits the request when the model is ready, or ends the generation when the model has failed.
    func startWhenLoaded(
        _ plan: CompletionPlan, _ generation: Generation, of handle: ModelHandle, with lease: ModelLease
    ) {
        lease.whenResolved { result in
            let model: ServedModel
            switch result {
            case .success(let loaded): model = loaded
            case .failure(let error): return registry.fail(generation.handle, EngineError(error))
            }
            // A task, because rendering takes time and the engine's thread calls this.
            Task {
                do throws(GenerationError) {
                    let prompts = try prepare(plan, for: model, of: handle, owner: generation.spec.owner)
                    submit(plan, prompts, as: generation, of: handle)
                } catch {
                    registry.fail(generation.handle, EngineError(error))
                }
            }
        }
    }

    /// Makes the prompts of a plan for a model, with adapters and with the reasoning budget that the turn has left.
    private func prepare(
        _ plan: CompletionPlan, for model: ServedModel, of handle: ModelHandle, owner: Owner
    ) throws(GenerationError) -> [PreparedPrompt] {
        try model.check(name: plan.options.model, configuration: handle.configuration)
        try model.check(plan.options.adapters ?? [], field: "lora")
        var prompts = try plan.prepared(for: model)
        configuration.promptLog?.write(prompts.map(\.prompt))
        let adapters = handle.adapterScales.current(of: model.information)
        for index in prompts.indices {
            prompts[index].adapters = adapters
            guard let rule = prompts[index].reasoning, let budget = rule.turnBudget else { continue }
            let reported = reasoningCounts.tokens(of: rule.earlierReasoning, owner: owner)
            prompts[index].reasoning?.turnBudget = max(0, budget - reported.count)
            prompts[index].reasoning?.earlierReasoning = reported.unknown
        }
        return prompts
    }
}
