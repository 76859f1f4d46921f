internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletGenerations
internal import MartletJSON
internal import MartletStreams
internal import MartletText
internal import NIOCore

/// The routes for stored conversations and their items.
struct ConversationRoutes: Sendable {
    let files: ConversationFiles
    let registry: GenerationRegistry
    let bodyLimit: Int

    private static let path = "/v1/conversations"

    func add(to table: inout RouteTable) {
        table.add(.post, Self.path) { request, context in .json(try await create(request, context)) }
        table.add(.get, Self.path + "/{id}") { _, context in
            .json(ConversationBodies.object(try await find(context)))
        }
        table.add(.post, Self.path + "/{id}") { request, context in
            let metadata = try MetadataField.replacement(try await request.json(upTo: bodyLimit))
            return .json(ConversationBodies.object(try await update(context) { $0.metadata = metadata }))
        }
        table.add(.delete, Self.path + "/{id}", for: .essential) { _, context in
            let id = Self.id(context)
            guard await files.remove(ConversationBodies.digits(of: id), of: context.requestInfo.owner) else {
                throw APIError(.missing, id: id)
            }
            return .json(ConversationBodies.deleted(id))
        }
        addItems(to: &table)
    }

    /// Adds the routes of items. Lists have the newest item first unless `order` is `asc`.
    private func addItems(to table: inout RouteTable) {
        let path = Self.path + "/{id}/items"
        table.add(.get, path) { request, context in
            let query = try PageQuery(request)
            return .json(try query.page(of: try await find(context).items))
        }
        table.add(.post, path) { request, context in
            let fields = try FieldReader(try await request.json(upTo: bodyLimit))
            let items = try ConversationBodies.items(fields, after: try await find(context).items) { registry.makeID() }
            guard !items.isEmpty else {
                throw APIError.field("items", "A list of at least one item is required, but got nothing")
            }
            _ = try await update(context) { $0.items += items }
            return .json(PageQuery.list(items, hasMore: false))
        }
        table.add(.get, path + "/{item}") { _, context in .json(.object(try item(in: try await find(context), context)))
        }
        table.add(.delete, path + "/{item}", for: .essential) { _, context in
            let id = try item(in: try await find(context), context)["id"]
            return .json(
                ConversationBodies.object(try await update(context) { $0.items.removeAll { $0["id"] == id } }))
        }
    }

    /// The id that the path names.
    private static func id(_ context: EdgeContext) -> String { context.parameters.get("id") ?? "" }

    /// Makes a conversation, with or without items.
    private func create(_ request: Request, _ context: EdgeContext) async throws -> JSONValue {
        // A conversation without items needs no body.
        let length = request.headers[.contentLength]
        let isEmpty = length == "0" || length == nil && request.headers[.transferEncoding] == nil
        let fields = try FieldReader(isEmpty ? [:] : try await request.json(upTo: bodyLimit))
        let conversation = StoredConversation(
            id: registry.makeID(), owner: context.requestInfo.owner, created: registry.calendar(),
            metadata: try MetadataField.read(fields) ?? [:],
            items: try ConversationBodies.items(fields, after: []) { registry.makeID() })
        do {
            try await files.add(conversation)
        } catch {
            throw APIError(error, id: conversation.id)
        }
        return ConversationBodies.object(conversation)
    }

    /// The conversation of the owner that the path names.
    private func find(_ context: EdgeContext) async throws(APIError) -> StoredConversation {
        let id = Self.id(context)
        guard
            let found = await files.conversation(ConversationBodies.digits(of: id), of: context.requestInfo.owner)
        else { throw APIError(.missing, id: id) }
        return found
    }

    /// The item that the path names.
    private func item(in conversation: StoredConversation, _ context: EdgeContext) throws(APIError) -> JSONObject {
        let id = context.parameters.get("item") ?? ""
        guard let item = conversation.items.first(where: { $0["id"] == .string(id) }) else {
            throw APIError(.notFound, "Item with id '\(id.excerpt(bytes: 64))' not found", field: "item_id")
        }
        return item
    }

    /// Changes the conversation that the path names.
    private func update(
        _ context: EdgeContext, _ change: @escaping @Sendable (inout StoredConversation) -> Void
    ) async throws(APIError) -> StoredConversation {
        let id = Self.id(context)
        do throws(ConversationFiles.Problem) {
            return try await files.update(ConversationBodies.digits(of: id), of: context.requestInfo.owner, change)
        } catch {
            throw APIError(error, id: id)
        }
    }
}

extension APIError {
    /// The error of a conversation that was not changed.
    init(_ problem: ConversationFiles.Problem, id: String) {
        switch problem {
        case .missing:
            self.init(.notFound, "Conversation with id '\(id.excerpt(bytes: 64))' not found or expired", field: "id")
        case .tooManyItems:
            self = .field("items", "At most \(StoredConversation.itemLimit) items are allowed in a conversation")
        case .tooLarge:
            self = .field("items", "At most \(StoredConversation.byteLimit) bytes are allowed in a conversation")
        case .notWritten: self.init(.failed, "The conversation could not be written; try again")
        }
    }
}
