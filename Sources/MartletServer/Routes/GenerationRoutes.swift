internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import MartletAPI
internal import MartletJSON
internal import MartletStreams
internal import MartletText
internal import NIOCore

/// Our own routes for generations: by id, and by event.
struct GenerationRoutes: Sendable {
    let registry: GenerationRegistry
    let recovery: RecoveryProgress
    let loops: ReaderLoops

    private static let path = "/v1/generations"

    func add(to table: inout RouteTable) {
        table.add(.get, Self.path) { request, context in try await list(request, context) }
        table.add(.get, Self.path + "/{id}") { _, context in
            let generation = try await generation(context)
            return .json(GenerationBodies.status(generation.spec, registry.status(of: generation)))
        }
        table.add(.delete, Self.path + "/{id}", for: .essential) { _, context in
            let generation = try await generation(context) { registry.liveOrRetained(id: $0, of: $1) }
            return .json(try await delete(generation, context))
        }
        table.add(.get, Self.path + "/{id}/events", for: .reading) { request, context in
            try await events(request, context)
        }
        table.add(.get, Self.path + "/{id}/timing") { _, context in
            let generation = try await generation(context)
            return .json(
                GenerationBodies.timing(
                    generation.spec, registry.status(of: generation), registry.timing(of: generation)))
        }
        table.add(.get, Self.path + "/{id}/result", for: .reading) { request, context in
            try await result(request, context)
        }
    }

    /// The generation that the path names, with or without the prefix of a wire format, among those that can be read.
    private func generation(_ context: EdgeContext) async throws(APIError) -> Generation {
        try await generation(context) { registry.generation(id: $0, of: $1) }
    }

    private func generation(
        _ context: EdgeContext, _ find: @escaping (String, Owner) -> Generation?
    ) async throws(APIError) -> Generation {
        let name = context.parameters.get("id") ?? ""
        let id = name.split(separator: "-").last.map { String($0) } ?? ""
        return try await recovery.lookUp(on: context.channel.eventLoop) { () throws(APIError) in
            guard let generation = find(id, context.requestInfo.owner),
                name.hasSameBytes(as: id) || name.hasSameBytes(as: generation.spec.responseID)
            else { throw APIError(.notFound, "Generation not found or expired") }
            return generation
        }
    }

    /// Stops a running generation, or removes an ended generation.
    /// - Returns: the state of the generation after its stop or before its removal.
    private func delete(_ generation: Generation, _ context: EdgeContext) async throws(APIError) -> JSONValue {
        var status = registry.status(of: generation)
        let deletion: GenerationRegistry.Deletion
        do throws(JournalError) {
            deletion = try await registry.delete(generation)
        } catch {
            throw .stillOnDisk(error, logger: context.logger)
        }
        if deletion == .stopped { status = registry.status(of: generation) }
        guard case .object(var members) = GenerationBodies.status(generation.spec, status) else { return .null }
        members["deleted"] = .bool(deletion == .removed)
        return .object(members)
    }

    private func list(_ request: Request, _ context: EdgeContext) async throws(APIError) -> Response {
        try await recovery.complete(on: context.channel.eventLoop)
        let label = request.uri.queryParameters["label"].map { String($0) }
        let generations = registry.generations(of: context.requestInfo.owner).filter { generation in
            label.map { generation.spec.label?.hasSameBytes(as: $0) ?? false } ?? true
        }
        return .json([
            "object": "list",
            "data": .array(generations.map { GenerationBodies.status($0.spec, registry.status(of: $0)) }),
        ])
    }

    private func events(_ request: Request, _ context: EdgeContext) async throws(APIError) -> Response {
        let generation = try await generation(context)
        let encodedStream = generation.numberedResponse
        // First whether it has ended, then where that is.
        let extent = generation.log.extent
        let position = try EventStart(request).position(in: encodedStream, extent, mayAwait: generation.isRestored)
        // Tells an EventSource that it need not come again.
        if extent.isEnded, position.awaited == nil, position.cursor.position == extent.count {
            return Response(status: .noContent)
        }
        return StreamResponse(generation: generation, encodedStream: encodedStream, position: position, loops: loops)
            .response(in: context)
    }

    private func result(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let generation = try await generation(context)
        let wait = try request.count("wait", upTo: 86_400) ?? 0
        guard let view = generation.spec.view as? any CompletionView else {
            throw APIError(.notSupported, "This generation has no result that is no stream")
        }
        if wait > 0 { await generation.waitForEnd(upTo: .seconds(wait), on: context.channel) }
        guard generation.log.terminalEvent != nil else {
            return .accepted(generation, registry.status(of: generation))
        }
        return .json(try view.response(for: generation.log.events), headers: generation.headers)
    }
}

/// Where a client wants to begin to read events.
struct EventStart {
    private enum Start {
        case beginning
        case behind(EventIdentifier, name: String)
        case event(Int, name: String)
    }
    private let start: Start

    /// - Parameter field: which of a message says so.
    init(event: Int, field: String) { start = .event(event, name: "Field '\(field)'") }

    /// A browser repeats the query when it comes again, so the header, which it then adds, counts more.
    init(_ request: Request) throws(APIError) {
        let after = request.uri.queryParameters["starting_after"]
        let from = try request.count("from_event")
        if let text = request.headers[.lastEventID], !text.isEmpty {
            start = .behind(try Self.identifier(text, "Header 'Last-Event-ID'"), name: "Header 'Last-Event-ID'")
        } else if let after {
            guard from == nil else {
                throw APIError(
                    .invalidRequest, "Parameters 'starting_after' and 'from_event': Only one of them is allowed")
            }
            start = .behind(
                try Self.identifier(after, "Parameter 'starting_after'"), name: "Parameter 'starting_after'")
        } else if let from {
            start = .event(from, name: "Parameter 'from_event'")
        } else {
            start = .beginning
        }
    }

    private static func identifier(_ text: some StringProtocol, _ name: String) throws(APIError) -> EventIdentifier {
        guard let identifier = EventIdentifier(text) else {
            throw APIError(
                .invalidRequest,
                "\(name): Value must be an event's number as 'id:' lines have it, but got \"\(text.prefix(64))\"")
        }
        return identifier
    }

    /// - Parameter mayAwait: whether an earlier process may have told events that are not there.
    func position(
        in encodedStream: EncodedStream, _ extent: GenerationLog.Extent, mayAwait: Bool
    ) throws(APIError) -> StreamPosition {
        switch start {
        case .beginning, .event(0, _): return StreamPosition()
        case .event(let number, let name):
            // Who has seen all that there is asks for what comes next.
            let last = extent.isEnded ? extent.nextNumber - 1 : extent.nextNumber
            guard number <= last, let position = encodedStream.position(behind: number - 1) else {
                if mayAwait { return encodedStream.position(awaiting: EventIdentifier(number: number - 1)) }
                throw Self.neverIssued(name, "\(number)", upTo: last)
            }
            return position
        case .behind(let identifier, let name):
            if let position = encodedStream.position(behind: identifier) { return position }
            if mayAwait { return encodedStream.position(awaiting: identifier) }
            let parts = identifier.parts.map { ".\($0)" } ?? ""
            throw Self.neverIssued(name, "\(identifier.number)\(parts)", upTo: extent.nextNumber - 1)
        }
    }

    private static func neverIssued(_ name: String, _ text: String, upTo last: Int) -> APIError {
        guard last >= 0 else { return APIError(.invalidRequest, "\(name): There is no event yet, but got \(text)") }
        return APIError(
            .invalidRequest,
            "\(name): Value must be the number of an event, 0 <= value <= \(last), but got \(text)")
    }
}

extension Request {
    /// A whole number of the query.
    func count(_ name: String, upTo limit: Int = .max) throws(APIError) -> Int? {
        guard let text = uri.queryParameters[name[...]] else { return nil }
        let isNumber = text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard isNumber, let value = Int(text), value <= limit else {
            let rule = limit == .max ? "of 0 or more" : "from 0 to \(limit)"
            throw APIError(
                .invalidRequest,
                "Parameter '\(name)': Value must be a whole number \(rule), but got \"\(text.prefix(64))\"",
                parameter: name)
        }
        return value
    }
}

extension APIError {
    /// The journal of a generation could not be deleted, so a restart would bring the generation back.
    static func stillOnDisk(_ error: JournalError, logger: Logger) -> APIError {
        logger.error("an answer could not be deleted", metadata: ["reason": "\(error)"])
        return APIError(.server, "The answer could not be removed from the disk, so it is still there; try again")
    }
}

extension Response {
    /// The generation is there, its answer not yet.
    static func accepted(_ generation: Generation, _ status: GenerationStatus) -> Response {
        var headers = generation.headers
        headers[.location] = "/v1/generations/\(generation.spec.responseID)"
        return .json(GenerationBodies.status(generation.spec, status).bytes, status: .accepted, headers: headers)
    }
}
