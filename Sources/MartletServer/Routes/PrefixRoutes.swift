internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletGenerations
internal import MartletJSON
internal import MartletPlatform
internal import MartletProtocol
internal import MartletStreams

/// The routes for pinned prefixes. A name belongs to the API key that used it.
struct PrefixRoutes: Sendable {
    let service: PrefixService
    let configuration: ServerConfiguration

    private static let path = "/v1/prefixes"

    func add(to table: inout RouteTable) {
        table.add(.get, Self.path) { _, context in
            let (listings, limit) = await service.prefixes(of: context.requestInfo.owner)
            return .json(PrefixBodies.list(listings, tokenLimit: limit, now: Int64(time(nil))))
        }
        table.add(.get, Self.path + "/{name}") { _, context in
            let listing = try await service.prefix(try name(context), of: context.requestInfo.owner)
            return .json(PrefixBodies.prefix(listing, now: Int64(time(nil))))
        }
        table.add(.put, Self.path + "/{name}") { request, context in try await put(request, context) }
        table.add(.delete, Self.path + "/{name}") { _, context in
            let removed = try await service.remove(try name(context), of: context.requestInfo.owner)
            return .json(PrefixBodies.removed(removed.name))
        }
    }

    /// Pins a prefix. The computation continues if the client goes away.
    private func put(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let name = try name(context)
        let body = try await request.json(upTo: configuration.limits.textBodyBytes)
        let definition = try PrefixBodies.definition(body, defaults: configuration.completionDefaults)
        let (owner, eventLoop) = (context.requestInfo.owner, context.channel.eventLoop)
        let pinning = Task {
            try await service.put(name, of: owner, definition, body: body, on: eventLoop)
        }
        let (prefix, isNew) = try await pinning.value
        let listing = try await service.prefix(prefix.name, of: owner)
        return .json(
            PrefixBodies.prefix(listing, now: Int64(time(nil))).bytes, status: isNew ? .created : .ok)
    }

    /// The name in the path, which has the same rules as a label.
    private func name(_ context: EdgeContext) throws(APIError) -> String {
        guard let name = PercentEncoding.decoded(context.parameters.get("name") ?? "") else {
            throw APIError(.invalidRequest, "The name of the prefix in the path must be percent-encoded UTF-8")
        }
        return try ConversationLabel.checked(name, "The name of the prefix")
    }
}
