internal import Hummingbird
internal import MartletAPI
internal import MartletJSON
internal import MartletProtocol
internal import MartletStreams
internal import OrderedCollections

/// Orders to running generations over HTTP. A response comes when the order has taken effect, or cannot.
struct ControlRoutes: Sendable {
    let registry: GenerationRegistry
    let gate: ModelGate
    let bodyLimit: Int

    func add(to table: inout RouteTable) {
        table.add(.post, "/v1/generations/{id}/control") { request, context in
            let json = try await request.json(upTo: bodyLimit)
            let generation = try generation(named: context.parameters.get("id") ?? "", of: context.notes.owner)
            return .json(try await obey(json, generation))
        }
        table.add(.post, "/v1/chat/completions/control", "/chat/completions/control") { request, context in
            let json = try await request.json(upTo: bodyLimit)
            let reply = try await obey(json, try generation(json, of: context.notes.owner))
            guard case .object(var members) = reply else { return .json(reply) }
            // As llama-server says it; here it is also true.
            members["success"] = true
            return .json(.object(members))
        }
    }

    /// By id, or the newest of a conversation.
    private func generation(_ json: JSONValue, of owner: Owner) throws(APIError) -> Generation {
        let fields = try FieldReader(json)
        if let id = try fields.string("id") { return try generation(named: id, of: owner) }
        guard let label = try fields.string("conversation_id") else {
            throw .field("id", "Either 'id' or 'conversation_id' is required, but both are missing")
        }
        guard let generation = registry.generation(labelled: label, of: owner) else { throw Self.notFound }
        return generation
    }

    /// With or without the prefix of a wire format.
    private func generation(named name: String, of owner: Owner) throws(APIError) -> Generation {
        let id = name.split(separator: "-").last.map { String($0) } ?? ""
        guard let generation = registry.runningOrKept(id: id, of: owner),
            name == id || name == generation.terms.responseID
        else { throw Self.notFound }
        return generation
    }

    private static let notFound = APIError(.notFound, "Generation not found or expired")

    /// Has an order obeyed.
    /// - Throws: why it was not.
    func obey(_ json: JSONValue, _ generation: Generation) async throws -> JSONValue {
        let settings = registry.settings(of: generation) ?? AdjustableSettings()
        let request = try ControlRequest(json, settings: settings)
        switch try await reply(to: request, generation) {
        case .applied(let record, let event): return ControlBodies.applied(record, event: event)
        case .status(let report): return ControlBodies.status(report)
        case .refused(let refusal): throw ControlBodies.refusal(refusal)
        case .ended(let end): throw ControlBodies.finished(end)
        }
    }

    private func reply(to request: ControlRequest, _ generation: Generation) async throws -> ControlReply {
        let action: ControlAction
        switch request.action {
        case .endReasoning(let message): action = .endReasoning(message: message)
        case .stop(let reason): action = .stop(reason: reason)
        case .pause: action = .pause
        case .resume: action = .resume
        case .set(let change): action = .set(change)
        case .rewind(let target): action = .rewind(target)
        case .status: action = .status
        case .inject(let injection):
            action = .inject(try self.injection(injection, generation))
        case .fork(let changes):
            let origin = try origin(of: generation)
            do throws(GenerationQuota.Excess) {
                return try await registry.fork(
                    generation, into: changes, requestID: request.requestID, origin.makeForkTerms)
            } catch {
                throw APIError(error)
            }
        }
        return await registry.control(generation, action, requestID: request.requestID)
    }

    private func origin(of generation: Generation) throws(APIError) -> GenerationOrigin {
        if let origin = registry.origin(of: generation) as? GenerationOrigin { return origin }
        if let end = generation.log.terminalEvent { throw ControlBodies.finished(end) }
        var error = APIError(.conflict, "The model is still being loaded, or the server was started again meanwhile")
        error.reason = "origin_unknown"
        throw error
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
