internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletGenerations
internal import MartletJSON
internal import MartletStreams
internal import MartletText
internal import NIOCore
internal import Synchronization

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
            return .json(ConversationBodies.object(try await update(context) { _ in .metadata(metadata) }))
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
            let body = try await request.json(upTo: bodyLimit)
            let added = Mutex<[JSONObject]>([])
            _ = try await update(context) { conversation in
                let fields = try FieldReader(body)
                let items = try ConversationBodies.items(fields, after: conversation.items) { registry.makeID() }
                guard !items.isEmpty else {
                    throw APIError.field("items", "A list of at least one item is required, but got nothing")
                }
                added.withLock { $0 = items }
                return .add(items, response: nil)
            }
            return .json(PageQuery.list(added.withLock { $0 }, hasMore: false))
        }
        table.add(.get, path + "/{item}") { _, context in
            let id = context.parameters.get("item") ?? ""
            return .json(.object(try Self.item(id, in: try await find(context))))
        }
        table.add(.delete, path + "/{item}", for: .essential) { _, context in
            let id = context.parameters.get("item") ?? ""
            let changed = try await update(context) { conversation in
                _ = try Self.item(id, in: conversation)
                return .remove(itemID: id)
            }
            return .json(ConversationBodies.object(changed))
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

    /// The item of a conversation with an id.
    private static func item(_ id: String, in conversation: StoredConversation) throws(APIError) -> JSONObject {
        guard let item = conversation.items.first(where: { $0["id"] == .string(id) }) else {
            throw APIError(.notFound, "Item with id '\(id.excerpt(bytes: 64))' not found", field: "item_id")
        }
        return item
    }

    /// Changes the conversation that the path names.
    /// - Parameter change: makes the change from the conversation as it is.
    private func update(
        _ context: EdgeContext, _ change: @escaping @Sendable (StoredConversation) throws -> ConversationChange?
    ) async throws -> StoredConversation {
        let id = Self.id(context)
        do {
            return try await files.update(ConversationBodies.digits(of: id), of: context.requestInfo.owner, change)
        } catch let problem as ConversationFiles.Problem {
            throw APIError(problem, id: id)
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
