internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletGenerations
internal import MartletJSON
internal import MartletStreams
import MartletText
internal import NIOCore

/// The routes for stored responses: reading, streaming behind a number, cancellation, deletion and input items.
struct ResponseRoutes: Sendable {
    let history: ResponseHistory
    let registry: GenerationRegistry
    let loops: ReaderLoops

    private static let path = "/v1/responses"

    func add(to table: inout RouteTable) {
        table.add(.get, Self.path + "/{id}", for: .reading) { request, context in try await read(request, context) }
        table.add(.post, Self.path + "/{id}/cancel", for: .essential) { _, context in
            .json(try await cancel(context))
        }
        table.add(.delete, Self.path + "/{id}", for: .essential) { _, context in try await delete(context) }
        table.add(.get, Self.path + "/{id}/input_items") { request, context in
            let query = try PageQuery(request)
            let body: JSONValue
            switch try await find(context) {
            case .ended(let stored): body = stored.request
            case .running(_, let request): body = request
            }
            return .json(try ResponseItemList.page(of: body, response: Self.id(context), query))
        }
    }

    /// The id that the path names.
    private static func id(_ context: EdgeContext) -> String { context.parameters.get("id") ?? "" }

    private func find(_ context: EdgeContext) async throws -> ResponseStore.Found {
        let id = Self.id(context)
        guard let found = try await history.find(id, of: context.requestInfo.owner, on: context.channel.eventLoop)
        else {
            throw APIError(.notFound, "Response with id '\(id.excerpt(bytes: 64))' not found or expired", field: "id")
        }
        return found
    }

    /// The object of a response, or its stream.
    private func read(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let streams = request.uri.queryParameters["stream"].map { $0 == "true" || $0 == "1" } ?? false
        let after = try request.count("starting_after")
        let found = try await find(context)
        guard streams else {
            guard after == nil else {
                throw APIError(
                    .invalidRequest, "Parameter 'starting_after': Only a stream begins behind an event",
                    field: "starting_after")
            }
            return .json(object(of: found))
        }
        guard
            let generation = history.generation(Self.id(context), of: context.requestInfo.owner)
        else {
            throw APIError(
                .invalidRequest, "Parameter 'stream': The events of this response are not retained any more",
                field: "stream")
        }
        return try stream(generation, after: after).response(in: context)
    }

    /// The stream of a generation behind the event with a sequence number.
    private func stream(_ generation: Generation, after: Int?) throws(APIError) -> StreamResponse {
        let encoded = generation.response
        var position = StreamPosition()
        if let after {
            guard let found = encoded.position(behindParts: after + 1) else {
                if generation.isRestored, generation.log.terminalEvent == nil {
                    throw APIError(
                        .unavailable, "The server restarted and has not repeated these events yet; try again")
                }
                throw APIError(
                    .invalidRequest,
                    "Parameter 'starting_after': Value must be the sequence number of an event, but got \(after)",
                    field: "starting_after")
            }
            position = found
        }
        return StreamResponse(generation: generation, encodedStream: encoded, position: position, loops: loops)
    }

    /// The object of a response in its present state.
    private func object(of found: ResponseStore.Found) -> [UInt8] {
        switch found {
        case .ended(let stored): return stored.response.bytes
        case .running(let generation, _): return generation.runningObject(registry) ?? []
        }
    }

    /// Stops a running generation. A response that has ended stays as it is.
    private func cancel(_ context: EdgeContext) async throws -> [UInt8] {
        let found = try await find(context)
        guard case .running(let generation, _) = found else { return object(of: found) }
        registry.cancel(generation.handle)
        await generation.log.waitForEnd()
        guard let view = generation.spec.view as? any StorableView else { return [] }
        return view.object(for: generation.log.events, isQueued: false) ?? []
    }

    private func delete(_ context: EdgeContext) async throws -> Response {
        let owner = context.requestInfo.owner
        _ = try await find(context)
        let id = Self.id(context)
        try await history.delete(id, of: owner, kind: .responses, registry, logger: context.logger)
        return .json(["id": .string(id), "object": "response", "deleted": true])
    }
}

extension Generation {
    /// The object of a response that has not ended; nil if the dialect has none.
    func runningObject(_ registry: GenerationRegistry) -> [UInt8]? {
        guard let view = spec.view as? any StorableView else { return nil }
        return view.object(for: [], isQueued: registry.status(of: self).state == .queued)
    }
}
