internal import Hummingbird
internal import MartletAPI
internal import MartletJSON
internal import MartletStreams
internal import NIOCore
internal import OrderedCollections

/// Orders to running generations over HTTP. A response comes when the order has taken effect, or cannot.
struct ControlRoutes: Sendable {
    let service: ControlService
    let bodyLimit: Int

    func add(to table: inout RouteTable) {
        table.add(.post, "/v1/generations/{id}/control", for: .essential) { request, context in
            let json = try await request.json(upTo: bodyLimit)
            let target = GenerationTarget.id(context.parameters.get("id") ?? "")
            return .json(try await sendCommand(json, try await generation(target, context), context))
        }
        table.add(.post, "/v1/chat/completions/control", "/chat/completions/control", for: .essential) {
            request, context in
            let json = try await request.json(upTo: bodyLimit)
            let target = try GenerationTarget(try FieldReader(json))
            let reply = try await sendCommand(json, try await generation(target, context), context)
            guard case .object(var members) = reply else { return .json(reply) }
            // As llama-server says it; here it is also true.
            members["success"] = true
            return .json(.object(members))
        }
    }

    private func generation(_ target: GenerationTarget, _ context: EdgeContext) async throws(APIError) -> Generation {
        try await service.recovery.lookUp(on: context.channel.eventLoop) { () throws(APIError) in
            try service.generation(target, of: context.requestInfo.owner)
        }
    }

    private func sendCommand(
        _ json: JSONValue, _ generation: Generation, _ context: EdgeContext
    ) async throws(APIError) -> JSONValue {
        let command = try service.send(json, to: generation)
        // What becomes of an order may take long, and nobody waits for it whose client has gone.
        let waiting = Task { try await command.reply() }
        waiting.cancelWithConnection(of: context.channel)
        let result = await withTaskCancellationHandler {
            await waiting.result
        } onCancel: {
            waiting.cancel()
        }
        guard case .success(let reply) = result else {
            throw APIError(.unavailable, "The server ends before the order has taken effect; give it again")
        }
        return try ControlService.body(of: reply)
    }
}
