internal import MartletProtocol
internal import MartletStreams
internal import NIOCore

extension CompletionService {
    /// The number of servers in a row that may die while a generation runs. Recovery then ends the generation.
    private static var maximumCrashes: Int { 3 }

    /// Restores one generation, and continues it if it had not ended.
    ///
    /// - Parameters:
    ///   - plan: the completion, made from `storedRequest`.
    ///   - parser: the description of the output parser; nil = the journal has none, and the prompt is prepared again.
    ///   - onContinue: called with an unfinished generation before it is submitted.
    ///   - onRetain: called with an ended generation.
    func restore(
        _ stored: StoredGeneration, as plan: CompletionPlan, parser description: ParserDescription?,
        from storedRequest: StoredRequest, cache: inout ModelCache, journal: Journal, on eventLoop: any EventLoop,
        onContinue: (Generation) -> Void, onRetain: (Generation) -> Void
    ) throws(GenerationError) {
        let head = stored.head
        let view = plan.makeView(
            ResponseHead(
                id: head.responseID, created: Int(head.log.created), model: head.log.model,
                fingerprint: storedRequest.build, warnings: plan.options.warnings,
                hasShortCallIDs: storedRequest.hasShortCallIDs, endTokens: storedRequest.endTokens))
        var (parser, bytes) = (nil as (any OutputParsing)?, stored.parserDescription ?? [])
        if let description {
            parser = description.parser { cache.prepared($0) }
        } else if let request = stored.request {
            let model = cache.model(request.model, configuration: configuration)
            let prompt = try plan.prepared(for: model).first
            (parser, bytes) = (prompt?.parser, prompt?.parserDescription.bytes ?? [])
        }
        var spec = head.spec(view: view)
        let handle = models.model(ofJournal: head.log.model)
        spec.model = handle
        // The generation that continues loads its model. The lease ends with it.
        let lease = stored.isEnded || !canContinue(stored) ? nil : handle?.lease()
        if let lease { spec.onEnd = { lease.end() } }
        let restored = registry.restore(
            spec, inputs: stored.numberedInputs, parser: parser, parserDescription: bytes,
            forkContext: handle.map { forkContext(of: spec, plan, $0) }, isWhole: stored.isWhole,
            finished: stored.finished
        ) { generation in
            guard !stored.isEnded else { return journal.retain(stored) }
            journal.resume(generation.handle, stored)
            journal.enableCommitIndex(of: generation)
        }
        guard let generation = restored else {
            lease?.end()
            return
        }
        if stored.request?.request.reasoning?.turnBudget != nil { reasoningCounts.count(generation) }
        guard !stored.isEnded else { return onRetain(generation) }
        onContinue(generation)
        monitor(generation, on: eventLoop)
        if let handle {
            resume(generation, stored, as: plan, of: handle, with: lease)
        } else {
            fail(generation, "The model \"\(head.log.model)\" is not served any more")
        }
    }

    private func fail(_ generation: Generation, _ message: String) {
        registry.fail(generation.handle, EngineError(.engineLost, message))
    }

    /// Whether the journal allows that the generation continues.
    private func canContinue(_ stored: StoredGeneration) -> Bool {
        stored.consecutiveCrashes < Self.maximumCrashes && !stored.isPartlySubmitted
    }

    /// Submits an unfinished generation behind its last token, or ends it if that is impossible.
    private func resume(
        _ generation: Generation, _ stored: StoredGeneration, as plan: CompletionPlan, of handle: ModelHandle,
        with lease: ModelLease?
    ) {
        guard stored.consecutiveCrashes < Self.maximumCrashes else {
            return fail(
                generation,
                "The server died \(stored.consecutiveCrashes) times while it generated this output, so it was given up")
        }
        guard let lease, !stored.isPartlySubmitted else {
            return fail(generation, "The server died while it began this generation; send the request again")
        }
        guard let requests = stored.continuations(handle: generation.handle) else {
            return startWhenLoaded(plan, generation, of: handle, with: lease)
        }
        lease.whenResolved { [registry, configuration] result in
            let model: ServedModel
            switch result {
            case .success(let loaded): model = loaded
            case .failure(let error):
                // Without its only model the server ends, and the next one tries again.
                if handle.loadsOnDemand { registry.fail(generation.handle, EngineError(error)) }
                return
            }
            if let original = stored.request?.model, !model.information.hasTokens(of: original) {
                registry.fail(
                    generation.handle,
                    EngineError(
                        .engineLost, "The server was started again with another model: \(model.information.summary)"))
            } else {
                let tenant = configuration.cacheScope.tenant(of: generation.spec.owner)
                for var request in requests {
                    // The scope of this start, which may differ from that of the start before.
                    request.tenant = tenant
                    registry.resubmit(request)
                }
            }
        }
    }
}
