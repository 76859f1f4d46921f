internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import MartletAPI
internal import MartletGenerations
internal import MartletJSON
internal import MartletStreams
internal import MartletText
internal import NIOCore

/// Martlet's routes for generations, which address generations by id and events by number.
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

    /// The readable generation that the path names, with or without the prefix of a dialect.
    private func generation(_ context: EdgeContext) async throws(GenerationError) -> Generation {
        try await generation(context) { registry.generation(id: $0, of: $1) }
    }

    /// Waits for the recovery if the generation is not found at once.
    private func generation(
        _ context: EdgeContext, _ find: @escaping (String, Owner) -> Generation?
    ) async throws(GenerationError) -> Generation {
        let name = context.parameters.get("id") ?? ""
        let id = name.split { $0 == "-" || $0 == "_" }.last.map { String($0) } ?? ""
        return try await recovery.lookUp(on: context.channel.eventLoop) { () throws(GenerationError) in
            guard let generation = find(id, context.requestInfo.owner),
                name.hasSameBytes(as: id) || name.hasSameBytes(as: generation.spec.responseID)
            else { throw GenerationError(.notFound, "Generation not found or expired") }
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

    private func list(_ request: Request, _ context: EdgeContext) async throws -> Response {
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

    private func events(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let generation = try await generation(context)
        let encodedStream = generation.numberedResponse
        // The extent first: a log that ends afterwards is only longer.
        let extent = generation.log.extent
        let position = try EventStart(request).position(in: encodedStream, extent, mayAwait: generation.isRestored)
        // 204 makes an EventSource stop reconnecting.
        if extent.isEnded, position.awaited == nil, position.cursor.position == extent.count {
            return Response(status: .noContent)
        }
        return StreamResponse(generation: generation, encodedStream: encodedStream, position: position, loops: loops)
            .response(in: context)
    }

    /// The whole response; 202 with the status while the generation runs. `wait` = seconds to wait for the end.
    private func result(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let generation = try await generation(context)
        let wait = try request.count("wait", upTo: 86_400) ?? 0
        if wait > 0 { await generation.waitForEnd(upTo: .seconds(wait), on: context.channel) }
        guard generation.log.terminalEvent != nil else {
            return .accepted(generation, registry.status(of: generation))
        }
        return try generation.wholeResponse()
    }
}

/// The event at which a client begins to read.
struct EventStart {
    /// `behind` names the last event that the client has, `event` the first that it wants.
    private enum Start {
        case beginning
        case behind(EventIdentifier, name: String)
        case event(Int, name: String)
    }
    private let start: Start

    /// - Parameter field: the name of the field in messages.
    init(event: Int, field: String) { start = .event(event, name: "Field '\(field)'") }

    /// Reads the header, then the query. The header takes precedence, because a browser that reconnects repeats the
    /// query
    /// and adds the header.
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
                "\(name): Value must be an event's number as 'id:' lines have it, but got \"\(text.excerpt(bytes: 64))\""
            )
        }
        return identifier
    }

    /// - Parameter mayAwait: whether an earlier process may have sent events that the log does not have yet.
    /// - Throws: `invalidRequest` for an event that never existed.
    func position(
        in encodedStream: EncodedStream, _ extent: GenerationLog.Extent, mayAwait: Bool
    ) throws(APIError) -> StreamPosition {
        switch start {
        case .beginning, .event(0, _): return StreamPosition()
        case .event(let number, let name):
            // A client that has every event may name the next one.
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
        guard last >= 0 else { return APIError(.invalidRequest, "\(name): The log has no event yet, but got \(text)") }
        return APIError(
            .invalidRequest,
            "\(name): Value must be the number of an event, 0 <= value <= \(last), but got \(text)")
    }
}

extension Request {
    /// The largest number without a limit of its own. It has 18 digits, so that sums with it do not overflow.
    private static var largestCount: Int { 999_999_999_999_999_999 }

    /// A whole number among the query's parameters; nil if the parameter is absent.
    func count(_ name: String, upTo limit: Int? = nil) throws(APIError) -> Int? {
        guard let text = uri.queryParameters[name[...]] else { return nil }
        let isNumber = text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard isNumber, let value = Int(text), value <= limit ?? Self.largestCount else {
            let rule = limit.map { "from 0 to \($0)" } ?? "of 0 or more, with at most 18 digits"
            throw APIError(
                .invalidRequest,
                "Parameter '\(name)': Value must be a whole number \(rule), but got \"\(text.excerpt(bytes: 64))\"",
                field: name)
        }
        return value
    }
}

extension APIError {
    /// The journal of a generation could not be deleted, so a restart would bring the generation back.
    static func stillOnDisk(_ error: JournalError, logger: Logger) -> APIError {
        logger.error("cannot delete a generation's journal", metadata: ["reason": "\(error)"])
        return APIError(.failed, "The generation could not be removed from the disk, so it still exists; try again")
    }
}

extension Response {
    /// 202: the generation has not ended.
    static func accepted(_ generation: Generation, _ status: GenerationStatus) -> Response {
        var headers = generation.headers
        headers[.location] = "/v1/generations/\(generation.spec.responseID)"
        return .json(GenerationBodies.status(generation.spec, status).bytes, status: .accepted, headers: headers)
    }
}
