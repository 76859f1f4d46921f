internal import MartletAPI
internal import MartletJSON
internal import MartletProtocol
internal import MartletStreams
internal import MartletText

/// Orders to running generations, whatever way they come.
struct ControlService: Sendable {
    let registry: GenerationRegistry
    let recovery: RecoveryProgress
    let modelReadiness: ModelReadiness
    /// What a grammar may cost.
    let defaults: CompletionDefaults

    /// - Throws: when its owner has none of that name, or the one of that name has ended and left nothing.
    func generation(_ target: GenerationTarget, of owner: Owner) throws(APIError) -> Generation {
        let generation =
            switch target {
            case .id(let name): try generation(named: name, of: owner)
            case .conversation(let label): registry.generation(labelled: label, of: owner)
            }
        guard let generation else { throw APIError(.notFound, "Generation not found or expired") }
        return generation
    }

    /// With or without the prefix of a wire format.
    private func generation(named name: String, of owner: Owner) throws(APIError) -> Generation? {
        let id = name.split(separator: "-").last.map { String($0) } ?? ""
        guard let generation = registry.liveOrRetained(id: id, of: owner) else {
            // Looked up last: a generation that ends between the lookups is found by the second.
            if let end = registry.recentEndReason(id: id, named: name, of: owner) { throw ControlBodies.finished(end) }
            return nil
        }
        let isNamed = name.hasSameBytes(as: id) || name.hasSameBytes(as: generation.spec.responseID)
        return isNamed ? generation : nil
    }

    /// Gives an order. Orders are obeyed in the order in which they were given.
    func send(_ json: JSONValue, to generation: Generation) throws(APIError) -> SentCommand {
        let identity = try CommandIdentity.of(json)
        // First: what it asks for may not be possible any more.
        if let identity {
            let known = try Self.mapIdentityErrors { () throws(CommandIdentityError) in
                try registry.command(identity: identity, to: generation)
            }
            if let known { return known }
        }
        return try send(json, identity: identity, to: generation)
    }

    private func send(
        _ json: JSONValue, identity: CommandIdentity?, to generation: Generation
    ) throws(APIError) -> SentCommand {
        let settings = registry.settings(of: generation) ?? AdjustableSettings()
        let request = try ControlRequest(json, settings: settings, defaults: defaults)
        let action: ControlAction
        switch request.action {
        case .endReasoning(let message): action = .endReasoning(message: message)
        case .stop(let reason): action = .stop(reason: reason)
        case .pause: action = .pause
        case .resume: action = .resume
        case .set(let change): action = .set(change)
        case .rewind(let target): action = .rewind(target)
        case .status: action = .status
        case .inject(let injection): action = .inject(try self.injection(injection, generation))
        case .fork(let changes):
            let forkContext = try forkContext(of: generation)
            _ = try modelReadiness.readyModel()
            do throws(GenerationRegistry.ForkError) {
                return try registry.fork(generation, into: changes, identity: identity, forkContext.makeForkSpec)
            } catch {
                switch error {
                case .excess(let excess): throw APIError(excess)
                case .identity(let error): throw ControlBodies.refusal(error)
                }
            }
        }
        return try Self.mapIdentityErrors { () throws(CommandIdentityError) in
            try registry.send(action, to: generation, identity: identity)
        }
    }

    /// - Throws: what a client is told of a name that its order cannot have.
    private static func mapIdentityErrors<Result>(_ body: () throws(CommandIdentityError) -> Result) throws(APIError)
        -> Result
    {
        do throws(CommandIdentityError) {
            return try body()
        } catch {
            throw ControlBodies.refusal(error)
        }
    }

    /// What is told of an order that took effect.
    /// - Throws: why it did not.
    static func body(of reply: CommandReply) throws(APIError) -> JSONValue {
        switch reply {
        case .applied(let record, let event): return ControlBodies.applied(record, event: event)
        case .status(let report): return ControlBodies.status(report)
        case .refused(let refusal): throw ControlBodies.refusal(refusal)
        case .ended(let end): throw ControlBodies.finished(end)
        }
    }

    private func forkContext(of generation: Generation) throws(APIError) -> ForkContext {
        if let forkContext = registry.forkContext(of: generation) as? ForkContext { return forkContext }
        if let end = generation.log.terminalEvent { throw ControlBodies.finished(end) }
        // It waits for the model.
        throw ControlBodies.refusal(.notStarted)
    }

    private func injection(_ request: ControlInjection, _ generation: Generation) throws(APIError) -> Injection {
        guard let role = request.role else {
            return Injection(
                content: Prompt(pieces: [.text(request.content, isTrusted: false)], addsBeginning: false),
                moment: request.moment, opensTurn: false)
        }
        guard let chat = try forkContext(of: generation).chat else {
            throw .field("role", "A plain completion has no turns; leave the role out")
        }
        return Injection(
            content: try modelReadiness.readyModel().turnPrompt(of: role, content: request.content, in: chat),
            moment: request.moment,
            opensTurn: true)
    }
}
