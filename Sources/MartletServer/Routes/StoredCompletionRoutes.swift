internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletGenerations
internal import MartletJSON
internal import MartletStreams
internal import MartletText
internal import NIOCore

/// The routes for stored chat completions: list, read, change, delete, and the messages of the request.
struct StoredCompletionRoutes: Sendable {
    let history: ResponseHistory
    let registry: GenerationRegistry
    let bodyLimit: Int

    private static let path = "/v1/chat/completions"

    func add(to table: inout RouteTable) {
        table.add(.get, Self.path) { request, context in .json(try await list(request, context)) }
        table.add(.get, Self.path + "/{id}", for: .reading) { _, context in
            .json(.object(StoredCompletionBodies.object(try await find(context))))
        }
        table.add(.post, Self.path + "/{id}") { request, context in
            let metadata = try MetadataField.replacement(try await request.json(upTo: bodyLimit))
            return .json(try await change(metadata, context))
        }
        table.add(.delete, Self.path + "/{id}", for: .essential) { _, context in
            _ = try await find(context)
            let id = Self.id(context)
            try await history.delete(id, of: context.requestInfo.owner, kind: .chat, registry, logger: context.logger)
            return .json(StoredCompletionBodies.deleted(id))
        }
        table.add(.get, Self.path + "/{id}/messages") { request, context in
            let query = try PageQuery(request, isDescending: false)
            let stored = try await find(context)
            return .json(try StoredCompletionBodies.messages(of: stored, id: Self.id(context), query))
        }
    }

    /// The id that the path names.
    private static func id(_ context: EdgeContext) -> String { context.parameters.get("id") ?? "" }

    /// A completion that has ended.
    private func find(_ context: EdgeContext) async throws -> StoredResponse {
        let id = Self.id(context)
        let found = try await history.find(
            id, of: context.requestInfo.owner, kind: .chat, on: context.channel.eventLoop)
        guard case .ended(let stored)? = found, stored.request["store"] == true else {
            throw APIError(.notFound, "Completion with id '\(id.excerpt(bytes: 64))' not found or expired", field: "id")
        }
        return stored
    }

    /// Replaces the metadata of a completion and writes its file again.
    private func change(_ metadata: JSONObject, _ context: EdgeContext) async throws -> JSONValue {
        var stored = try await find(context)
        guard case .object(var request) = stored.request else { return stored.response }
        request["metadata"] = .object(metadata)
        stored.request = .object(request)
        guard await history.stores.completions.replace(stored) else {
            throw APIError(.failed, "The completion could not be written; try again")
        }
        return .object(StoredCompletionBodies.object(stored))
    }

    /// A page of the owner's completions. Reads their files, so that no list of owners is needed in memory.
    private func list(_ request: Request, _ context: EdgeContext) async throws -> JSONValue {
        let query = try PageQuery(request, isDescending: false)
        let parameters = request.uri.queryParameters
        var metadata: [String: String] = [:]
        for (name, value) in parameters where name.hasPrefix("metadata[") && name.hasSuffix("]") {
            metadata[String(name.dropFirst(9).dropLast())] = String(value)
        }
        let filter = StoredCompletionBodies.Filter(model: parameters["model"].map { String($0) }, metadata: metadata)
        // Of a list with the newest first, only the beginning is read.
        let isShort = query.isDescending && query.after == nil
        let matching = await history.stores.completions.responses(of: context.requestInfo.owner) { found in
            isShort && found.count { filter.matches($0) } > query.limit
        }
        return try query.page(
            of: matching.filter(filter.matches).reversed().map { StoredCompletionBodies.object($0) })
    }
}

extension PageQuery {
    /// Reads the parameters of a request for a list.
    /// - Parameter isDescending: the order of a request without `order`.
    init(_ request: Request, isDescending: Bool = true) throws(APIError) {
        try self.init(
            limit: try request.count("limit"), order: request.uri.queryParameters["order"].map { String($0) },
            after: request.uri.queryParameters["after"].map { String($0) }, isDescending: isDescending)
    }
}
