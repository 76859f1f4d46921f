internal import Logging
internal import MartletAPI
internal import MartletGenerations
internal import MartletJSON
internal import MartletStreams
import MartletText
internal import NIOCore

/// Finds stored responses, and the items of a chain of them.
struct ResponseHistory: Sendable {
    let stores: ResponseStores
    let registry: GenerationRegistry
    let recovery: RecoveryProgress

    /// The most responses of one chain.
    private static let chainLimit = 1_000

    /// The id without the prefix of a dialect.
    static func digits(of id: String) -> String {
        id.split { $0 == "-" || $0 == "_" }.last.map { String($0) } ?? ""
    }

    /// A response of an owner by its id with the dialect's prefix; nil if there is none, or if it is too old.
    func find(
        _ id: String, of owner: Owner, kind: CompletionKind = .responses, on eventLoop: any EventLoop
    ) async throws -> ResponseStore.Found? {
        let digits = Self.digits(of: id)
        let store = stores[kind]
        if let found = await store.response(digits, of: owner) { return found }
        do throws(GenerationError) {
            let generation = try await recovery.lookUp(on: eventLoop) { () throws(GenerationError) in
                guard let generation = registry.generation(id: digits, of: owner) else {
                    throw GenerationError(.notFound, "not found")
                }
                return generation
            }
            guard StoredRequest(generation.spec.storedRequest)?.kind == kind else { return nil }
            return store.found(generation)
        } catch {
            if error.kind == .notFound { return nil }
            throw error
        }
    }

    // MARK: Writing

    /// Whether a response has to be in its file, or in its conversation, before its last event.
    func records(_ kind: CompletionKind, _ body: JSONValue) -> Bool {
        let dialect = Dialect.named(kind)
        return dialect.stores(body) || (try? dialect.conversationID(body)) != nil
    }

    /// Stores the response of a generation when it ends, and adds its items to its conversation, as its request asks.
    func record(_ generation: Generation, _ kind: CompletionKind, _ body: JSONValue) {
        guard records(kind, body) else { return }
        let dialect = Dialect.named(kind)
        let isKept = dialect.stores(body)
        guard let conversation = try? dialect.conversationID(body) else {
            stores[kind].record(generation, kind, body, isKept: isKept)
            return
        }
        let task = stores[kind].record(generation, kind, body, isKept: isKept) { [stores] stored in
            // The output of a failed or cancelled response is no part of the conversation.
            let status = stored.response["status"]
            guard status == "completed" || status == "incomplete" else { return }
            let items = ConversationBodies.items(of: stored)
            _ = try? await stores.conversations.update(conversation, of: stored.owner) { _ in
                .add(items, response: stored.id)
            }
        }
        if let task { stores.additions.add(task, of: generation, to: conversation) }
    }

    /// Deletes a response with its generation, which ends if it runs.
    /// - Throws: if the journal of the generation could not be removed.
    func delete(
        _ id: String, of owner: Owner, kind: CompletionKind, _ registry: GenerationRegistry, logger: Logger
    ) async throws(APIError) {
        if let generation = generation(id, of: owner, kind: kind) {
            do throws(JournalError) {
                // The first call stops a running generation, the second one removes it.
                if try await registry.delete(generation) == .stopped { _ = try await registry.delete(generation) }
            } catch {
                throw APIError.stillOnDisk(error, logger: logger)
            }
        }
        await stores[kind].remove(Self.digits(of: id))
    }

    /// The generation of a response, whose events can be read; nil if it is not retained.
    func generation(_ id: String, of owner: Owner, kind: CompletionKind = .responses) -> Generation? {
        let digits = Self.digits(of: id)
        return stores[kind].generation(digits, of: owner) ?? registry.generation(id: digits, of: owner)
    }

    /// A request with the stored items that it names in their places, and the items before its input.
    ///
    /// - Parameter local: returns responses that only a connection knows; they are looked up first.
    /// - Throws: `invalidRequest` that names the field with an unknown id.
    func context(
        of json: JSONValue, in dialect: Dialect, of owner: Owner, on eventLoop: any EventLoop,
        local: (String) -> ResponseStore.Found? = { _ in nil }
    ) async throws -> (json: JSONValue, items: [JSONValue]) {
        var items: [JSONValue] = []
        if let id = try dialect.conversationID(json) {
            await stores.additions.wait(for: id)
            guard let found = await stores.conversations.conversation(id, of: owner) else {
                throw APIError(
                    .notFound,
                    "Field 'conversation': Conversation with id '\(id.excerpt(bytes: 64))' not found or expired",
                    field: "conversation")
            }
            items = found.items.map { .object($0) }
        } else if let id = try dialect.previousID(json) {
            items = try await self.items(before: id, in: dialect, of: owner, on: eventLoop, local: local)
        }
        let references = dialect.references(json)
        guard !references.isEmpty else { return (json, items) }
        let found = try await referenced(references, among: items, of: owner, on: eventLoop)
        return (ResponseItemList.replacing(found, in: json), items)
    }

    /// The stored items that references name, by the position of the reference.
    ///
    /// An item's id begins with digits of its response's id, so one pass over the ids finds all responses.
    private func referenced(
        _ references: [(index: Int, id: String)], among items: [JSONValue], of owner: Owner,
        on eventLoop: any EventLoop
    ) async throws -> [Int: JSONValue] {
        let beginnings: Set<String> = Set(references.compactMap { ResponseItemList.responseDigits(ofItem: $0.id) })
        var responses: [StoredResponse] = []
        for id in stores.responses.ids(beginningWith: beginnings) {
            if case .ended(let stored)? = try await find(id, of: owner, on: eventLoop) { responses.append(stored) }
        }
        var found: [Int: JSONValue] = [:]
        for (index, id) in references {
            let item =
                items.first { $0["id"] == .string(id) }
                ?? responses.lazy.compactMap { ResponseItemList.item(id, of: $0) }.first
            guard let item else {
                throw APIError.field(
                    "input[\(index)].id",
                    "Value must be the id of a stored item, but got \(FieldReader.short(.string(id)))")
            }
            found[index] = item
        }
        return found
    }

    /// The items of a chain of responses, in their order.
    /// - Parameters:
    ///   - id: the newest response of the chain.
    ///   - local: returns responses that only a connection knows; they are looked up first.
    /// - Throws: `invalidRequest` if a response does not exist or belongs to another owner; `conflict` if it runs.
    func items(
        before id: String, in dialect: Dialect, of owner: Owner, on eventLoop: any EventLoop,
        local: (String) -> ResponseStore.Found? = { _ in nil }
    ) async throws -> [JSONValue] {
        var chain: [StoredResponse] = []
        var next: String? = id
        while let id = next {
            guard chain.count < Self.chainLimit else { throw Self.tooLong() }
            var found = local(id)
            if found == nil { found = try await find(id, of: owner, on: eventLoop) }
            switch found {
            case .ended(let stored)? where stored.kind == dialect.kind:
                chain.append(stored)
                next = try dialect.previousID(stored.request)
            case .running?:
                throw APIError(
                    .conflict,
                    "Field 'previous_response_id': The response '\(id.excerpt(bytes: 64))' has not ended yet",
                    field: "previous_response_id")
            case .ended?, nil: throw Self.missing(id)
            }
        }
        return chain.reversed().flatMap { dialect.items($0) }
    }

    /// The items before the input of a stored request whose owner is known to be right. Blocks on the disk; for the
    /// thread of the recovery.
    func storedItems(before json: JSONValue, in dialect: Dialect) throws(APIError) -> [JSONValue] {
        if let id = try dialect.conversationID(json) {
            return stores.conversations.storedConversation(id)?.items.map { .object($0) } ?? []
        }
        guard let id = try dialect.previousID(json) else { return [] }
        return try storedItems(before: id, in: dialect)
    }

    /// The items of a chain whose owner is known to be right. Blocks on the disk; for the thread of the recovery.
    private func storedItems(before id: String, in dialect: Dialect) throws(APIError) -> [JSONValue] {
        var chain: [StoredResponse] = []
        var next: String? = id
        while let id = next {
            guard chain.count < Self.chainLimit else { throw Self.tooLong() }
            guard let stored = stores[dialect.kind].storedResponse(Self.digits(of: id)), stored.kind == dialect.kind
            else {
                throw Self.missing(id)
            }
            chain.append(stored)
            next = try dialect.previousID(stored.request)
        }
        return chain.reversed().flatMap { dialect.items($0) }
    }

    private static func missing(_ id: String) -> APIError {
        var error = APIError.field(
            "previous_response_id", "Value must be the id of a stored response, but got \"\(id.excerpt(bytes: 64))\"")
        error.code = "previous_response_not_found"
        return error
    }

    private static func tooLong() -> APIError {
        .field("previous_response_id", "At most \(chainLimit) responses are allowed in a chain")
    }
}
