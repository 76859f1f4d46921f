internal import MartletAPI
internal import MartletJSON
internal import MartletProtocol
internal import MartletStreams
internal import MartletText

/// Orders to running generations, whatever way they come.
struct ControlService: Sendable {
    let registry: GenerationRegistry
    let recovery: RecoveryGate
    let gate: ModelGate
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
        guard let generation = registry.runningOrKept(id: id, of: owner) else {
            // Looked up last: a generation that ends between the lookups is found by the second.
            if let end = registry.recentEnd(id: id, named: name, of: owner) { throw ControlBodies.finished(end) }
            return nil
        }
        let isNamed = name.hasSameBytes(as: id) || name.hasSameBytes(as: generation.terms.responseID)
        return isNamed ? generation : nil
    }

    /// Gives an order. Orders are obeyed in the order in which they were given.
    func give(_ json: JSONValue, to generation: Generation) throws(APIError) -> GivenOrder {
        let name = try OrderName.of(json)
        // First: what it asks for may not be possible any more.
        if let name {
            let known = try Self.named { () throws(OrderNameError) in
                try registry.order(named: name, to: generation)
            }
            if let known { return known }
        }
        return try give(json, named: name, to: generation)
    }

    private func give(
        _ json: JSONValue, named name: OrderName?, to generation: Generation
    ) throws(APIError) -> GivenOrder {
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
            let origin = try origin(of: generation)
            _ = try gate.readyModel()
            do throws(GenerationRegistry.ForkError) {
                return try registry.fork(generation, into: changes, named: name, origin.makeForkTerms)
            } catch {
                switch error {
                case .excess(let excess): throw APIError(excess)
                case .name(let error): throw ControlBodies.refusal(error)
                }
            }
        }
        return try Self.named { () throws(OrderNameError) in
            try registry.give(action, to: generation, named: name)
        }
    }

    /// - Throws: what a client is told of a name that its order cannot have.
    private static func named<Result>(_ body: () throws(OrderNameError) -> Result) throws(APIError) -> Result {
        do throws(OrderNameError) {
            return try body()
        } catch {
            throw ControlBodies.refusal(error)
        }
    }

    /// What is told of an order that took effect.
    /// - Throws: why it did not.
    static func body(of reply: ControlReply) throws(APIError) -> JSONValue {
        switch reply {
        case .applied(let record, let event): return ControlBodies.applied(record, event: event)
        case .status(let report): return ControlBodies.status(report)
        case .refused(let refusal): throw ControlBodies.refusal(refusal)
        case .ended(let end): throw ControlBodies.finished(end)
        }
    }

    private func origin(of generation: Generation) throws(APIError) -> GenerationOrigin {
        if let origin = registry.origin(of: generation) as? GenerationOrigin { return origin }
        if let end = generation.log.terminalEvent { throw ControlBodies.finished(end) }
        // It waits for the model.
        throw ControlBodies.refusal(.notStarted)
    }

    private func injection(_ wish: ControlInjection, _ generation: Generation) throws(APIError) -> Injection {
        guard let role = wish.role else {
            return Injection(
                content: Prompt(pieces: [.text(wish.content, isTrusted: false)], addsBeginning: false),
                moment: wish.moment, opensTurn: false)
        }
        guard let chat = try origin(of: generation).chat else {
            throw .field("role", "A plain completion has no turns; leave the role out")
        }
        return Injection(
            content: try gate.readyModel().turn(of: role, saying: wish.content, in: chat), moment: wish.moment,
            opensTurn: true)
    }
}
