internal import MartletProtocol
internal import MartletStreams
internal import NIOCore

extension CompletionService {
    /// Everything about a generation that is fixed at admission.
    ///
    /// The generation ends the lease.
    func spec(
        of plan: CompletionPlan, _ terms: GenerationTerms, for handle: ModelHandle, with lease: ModelLease
    ) -> GenerationSpec {
        let options = plan.options
        let (responseHead, logHead) = heads(of: plan, model: handle.name, of: handle)
        var spec = GenerationSpec(head: logHead, responseID: responseHead.id, view: plan.makeView(responseHead))
        spec.model = handle
        spec.onEnd = { lease.end() }
        spec.owner = terms.owner
        spec.lifetime = terms.lifetime
        spec.label = terms.label
        if spec.isResumable {
            spec.storedRequest = storedRequest(plan, responseHead)
            spec.resolvedOptions = ResolvedOptions(options, echoes: plan.echoes).bytes
        }
        spec.streams = options.streams
        spec.choicesPerPrompt = options.choiceCount
        spec.choiceCount = options.choiceCount * plan.promptCount
        if options.streams || spec.isResumable { spec.pingInterval = options.pingInterval.map { TimeAmount($0) } }
        return spec
    }

    /// The part of the request that control commands need.
    func forkContext(of spec: GenerationSpec, _ plan: CompletionPlan, _ handle: ModelHandle) -> PlanForkContext {
        PlanForkContext(spec: spec, plan: plan, service: self, handle: handle)
    }

    /// The spec of a fork. It has an id of its own and no reader yet, so it has the background lifetime.
    func forkSpec(of original: GenerationSpec, _ plan: CompletionPlan, _ handle: ModelHandle) -> GenerationSpec {
        let (responseHead, logHead) = heads(of: plan, model: original.head.model, of: handle)
        var spec = GenerationSpec(head: logHead, responseID: responseHead.id, view: plan.makeView(responseHead))
        spec.storedRequest = storedRequest(plan, responseHead)
        spec.resolvedOptions = ResolvedOptions(plan.options, echoes: plan.echoes).bytes
        spec.model = handle
        if handle.loadsOnDemand {
            var terms = LeaseTerms()
            terms.isContinuation = true
            let lease = handle.lease(terms)
            spec.onEnd = { lease.end() }
        }
        spec.owner = original.owner
        spec.lifetime = .background
        spec.streams = original.streams
        spec.pingInterval = original.pingInterval
        return spec
    }

    /// The heads of a new response and its log, with a new id.
    private func heads(of plan: CompletionPlan, model: String, of handle: ModelHandle) -> (ResponseHead, LogHead) {
        let created = registry.calendar()
        let logHead = LogHead(id: registry.makeID(), created: created, model: model)
        let served = handle.readiness.lastModel
        let responseHead = ResponseHead(
            id: plan.idPrefix + logHead.id, created: Int(created), model: model, fingerprint: configuration.build,
            warnings: plan.options.warnings, hasShortCallIDs: served?.demandsShortCallIDs ?? false,
            endTokens: served?.information.endOfGenerationTokens ?? [])
        return (responseHead, logHead)
    }

    /// The request in the form that a journal stores.
    private func storedRequest(_ plan: CompletionPlan, _ head: ResponseHead) -> [UInt8] {
        StoredRequest(
            kind: plan.kind, body: plan.body, promptTexts: plan.promptTexts.values, seed: plan.options.sampling.seed,
            build: configuration.build, hasShortCallIDs: head.hasShortCallIDs, endTokens: head.endTokens
        ).bytes
    }
}
