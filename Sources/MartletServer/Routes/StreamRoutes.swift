internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletGenerations
internal import MartletJSON
internal import MartletStreams
internal import MartletText
internal import NIOCore

/// llama-server's routes for streams, which address generations by label and positions by byte offset.
struct StreamRoutes: Sendable {
    let registry: GenerationRegistry
    let recovery: RecoveryProgress
    let loops: ReaderLoops
    let bodyLimit: Int

    private static let path = "/v1/stream"

    func add(to table: inout RouteTable) {
        table.add(.get, Self.path, Self.path + "/**", for: .reading) { request, context in
            try await read(request, context)
        }
        table.add(.delete, Self.path, Self.path + "/**", for: .essential) { request, context in
            try await delete(try Self.label(of: request), context)
            return Response(status: .noContent)
        }
        table.add(.post, "/v1/streams/lookup") { request, context in
            let lookup = try StreamLookup(try await request.json(upTo: bodyLimit))
            try await recovery.complete(on: context.channel.eventLoop)
            return .json(lookUp(lookup.conversationIDs, of: context.requestInfo.owner))
        }
    }

    /// Stops the running generations of a label, or else removes its ended generations. A label without generations is
    /// no error, as at llama-server.
    private func delete(_ label: String, _ context: EdgeContext) async throws {
        do throws(JournalError) {
            if try await registry.delete(labelled: label, of: context.requestInfo.owner) == .stopped { return }
        } catch {
            throw APIError.stillOnDisk(error, logger: context.logger)
        }
        guard recovery.isRecovering else { return }
        try await recovery.complete(on: context.channel.eventLoop)
        try await delete(label, context)
    }

    /// Streams the newest generation of a label from a byte offset on.
    private func read(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let label = try Self.label(of: request)
        let offset = try request.count("from") ?? 0
        let generation = try await recovery.lookUp(on: context.channel.eventLoop) { () throws(GenerationError) in
            guard let generation = registry.generation(labelled: label, of: context.requestInfo.owner) else {
                throw GenerationError(.notFound, "Stream not found or expired")
            }
            return generation
        }
        let encodedStream = generation.response
        // The extent first: a log that ends afterwards is only longer. A client may have more bytes from an earlier
        // process;
        // it then gets the end of the stream.
        if generation.log.extent.isEnded, !generation.isRestored {
            let length = encodedStream.byteCount()
            guard offset <= length else {
                throw APIError(
                    .rangeNotSatisfiable,
                    "Parameter 'from': The stream has ended with \(length) bytes, but got \(offset)", field: "from")
            }
        }
        return StreamResponse(
            generation: generation, encodedStream: encodedStream, position: encodedStream.position(ofByte: offset),
            loops: loops
        ).response(in: context)
    }

    /// The streams of several labels. Each label also matches its sub-conversations.
    private func lookUp(_ labels: [String], of owner: Owner) -> JSONValue {
        var seen: Set<ExactString> = []
        return .array(
            labels.flatMap { registry.generations(labelledLike: $0, of: owner) }.compactMap { generation in
                guard seen.insert(generation.spec.head.id) else { return nil }
                return StreamLookup.entry(
                    generation.spec, registry.status(of: generation), byteCount: generation.response.byteCount())
            })
    }

    /// The label in the path, or in the query's `conv_id`.
    private static func label(of request: Request) throws(APIError) -> String {
        let text: String
        if let part = RequestPath(request.uri.path).rest(behind: RequestPath(Self.path).parts.count) {
            guard let decoded = PercentEncoding.decoded(part) else {
                throw APIError(.invalidRequest, "The path's percent-encoding is not valid")
            }
            text = decoded
        } else {
            text = request.uri.queryParameters["conv_id"].map { String($0) } ?? ""
        }
        guard !text.isEmpty else { throw APIError(.invalidRequest, "Missing conversation id in path") }
        return try ConversationLabel.checked(text, "Parameter 'conv_id'")
    }
}
