internal import Hummingbird
internal import MartletAPI
internal import MartletGenerations
internal import MartletJSON
internal import MartletStreams
internal import NIOCore
internal import OrderedCollections

/// The routes for control commands. A response comes when the command has taken effect or is refused.
struct ControlRoutes: Sendable {
    let service: ControlService
    let bodyLimit: Int
    /// The limits of grammars and schemas in commands.
    let defaults: CompletionDefaults

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
            // llama-server's member.
            members["success"] = true
            return .json(.object(members))
        }
    }

    private func generation(_ target: GenerationTarget, _ context: EdgeContext) async throws -> Generation {
        try await service.recovery.lookUp(on: context.channel.eventLoop) { () throws(GenerationError) in
            try service.generation(target, of: context.requestInfo.owner)
        }
    }

    private func sendCommand(
        _ json: JSONValue, _ generation: Generation, _ context: EdgeContext
    ) async throws(APIError) -> JSONValue {
        let command = try service.send(json, to: generation, defaults: defaults)
        // A command may take long to take effect. The wait ends with the connection; the command stands.
        let waiting = Task { try await command.reply() }
        waiting.cancelWithConnection(of: context.channel)
        let result = await withTaskCancellationHandler {
            await waiting.result
        } onCancel: {
            waiting.cancel()
        }
        guard case .success(let reply) = result else {
            throw APIError(.unavailable, "The server ends before the command has taken effect; send it again")
        }
        return try ControlService.body(of: reply)
    }
}
