internal import MartletAPI
internal import MartletGenerations
internal import MartletJSON
internal import MartletStreams
internal import NIOCore

/// Finds stored responses, and the items of a chain of them.
struct ResponseHistory: Sendable {
    let store: ResponseStore
    let registry: GenerationRegistry
    let recovery: RecoveryProgress

    /// The most responses of one chain.
    private static let chainLimit = 1_000

    /// The id without the prefix of a dialect.
    static func digits(of id: String) -> String {
        id.split { $0 == "-" || $0 == "_" }.last.map { String($0) } ?? ""
    }

    /// A response of an owner by its id with the dialect's prefix; nil if there is none.
    func find(_ id: String, of owner: Owner, on eventLoop: any EventLoop) async throws -> ResponseStore.Found? {
        let digits = Self.digits(of: id)
        if let found = await store.response(digits, of: owner) { return found }
        do throws(GenerationError) {
            let generation = try await recovery.lookUp(on: eventLoop) { () throws(GenerationError) in
                guard let generation = registry.generation(id: digits, of: owner) else {
                    throw GenerationError(.notFound, "not found")
                }
                return generation
            }
            return ResponseStore.found(generation)
        } catch {
            if error.kind == .notFound { return nil }
            throw error
        }
    }

    /// The generation of a response, whose events can be read; nil if it is not retained.
    func generation(_ id: String, of owner: Owner) -> Generation? {
        let digits = Self.digits(of: id)
        return store.generation(digits, of: owner) ?? registry.generation(id: digits, of: owner)
    }

    /// The items of a chain of responses, in their order.
    /// - Parameter id: the newest response of the chain.
    /// - Throws: `invalidRequest` if a response does not exist or belongs to another owner; `conflict` if it runs.
    func items(
        before id: String, in dialect: Dialect, of owner: Owner, on eventLoop: any EventLoop
    ) async throws -> [JSONValue] {
        var chain: [StoredResponse] = []
        var next: String? = id
        while let id = next {
            guard chain.count < Self.chainLimit else { throw Self.tooLong() }
            switch try await find(id, of: owner, on: eventLoop) {
            case .ended(let stored)? where stored.kind == dialect.kind:
                chain.append(stored)
                next = try dialect.previousID(stored.request)
            case .running?:
                throw APIError(
                    .conflict, "Field 'previous_response_id': The response '\(id.prefix(64))' has not ended yet",
                    field: "previous_response_id")
            case .ended?, nil: throw Self.missing(id)
            }
        }
        return chain.reversed().flatMap { dialect.items($0) }
    }

    /// The items of a chain whose owner is known to be right. Blocks on the disk; for the thread of the recovery.
    func storedItems(before id: String, in dialect: Dialect) throws(APIError) -> [JSONValue] {
        var chain: [StoredResponse] = []
        var next: String? = id
        while let id = next {
            guard chain.count < Self.chainLimit else { throw Self.tooLong() }
            guard let stored = store.storedResponse(Self.digits(of: id)), stored.kind == dialect.kind else {
                throw Self.missing(id)
            }
            chain.append(stored)
            next = try dialect.previousID(stored.request)
        }
        return chain.reversed().flatMap { dialect.items($0) }
    }

    private static func missing(_ id: String) -> APIError {
        var error = APIError.field(
            "previous_response_id", "Value must be the id of a stored response, but got \"\(id.prefix(64))\"")
        error.code = "previous_response_not_found"
        return error
    }

    private static func tooLong() -> APIError {
        .field("previous_response_id", "At most \(chainLimit) responses are allowed in a chain")
    }
}
