internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletJSON
internal import MartletStreams
internal import MartletText
internal import NIOCore

/// The routes of saved chats, below `/v1/history`.
///
/// Example: `PUT /v1/history/c1` with `If-None-Match: *` stores a chat and returns its tag. A later `PUT` names the tag in `If-Match`,
/// and is refused with 412 if another device has written in between. An owner sees no chat of another owner.
struct SavedChatRoutes: Sendable {
    /// nil = the server stores no chats.
    let chats: SavedChats?

    private static let path = "/v1/history"

    func add(to table: inout RouteTable) {
        table.add(.get, Self.path) { request, context in try await list(request, context) }
        table.add(.get, Self.path + "/{id}") { request, context in
            let name = try Self.name("id", context)
            let found = try await call(of: name) { chats throws(SavedChats.Failure) in
                try await chats.read(name, of: context.requestInfo.owner)
            }
            return Self.response(tag: found.tag, to: request) { .json(found.bytes) }
        }
        table.add(.put, Self.path + "/{id}") { request, context in try await write(request, context) }
        table.add(.delete, Self.path + "/{id}") { request, context in
            let name = try Self.name("id", context)
            try await call(of: name) { chats throws(SavedChats.Failure) in
                try await chats.remove(name, of: context.requestInfo.owner, Self.condition(request))
            }
            return .json(["id": .string(name.text), "object": "chat", "deleted": true])
        }
        addFiles(to: &table)
    }

    /// Adds the routes of files that belong to a chat, such as pictures.
    private func addFiles(to table: inout RouteTable) {
        let path = Self.path + "/{id}/files/{file}"
        table.add(.get, path) { _, context in
            let (name, file) = (try Self.name("id", context), try Self.name("file", context))
            let bytes = try await call(of: name) { chats throws(SavedChats.Failure) in
                try await chats.read(file, of: name, context.requestInfo.owner)
            }
            // A browser that shows the bytes must neither guess a type nor run them.
            return Response(
                status: .ok,
                headers: [
                    .contentType: "application/octet-stream", .xContentTypeOptions: "nosniff",
                    .contentDisposition: "attachment", .cacheControl: "no-store",
                ], body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
        }
        table.add(.put, path) { request, context in
            let (name, file) = (try Self.name("id", context), try Self.name("file", context))
            let bytes = try await request.bytes(upTo: SavedChats.documentLimit)
            try await call(of: name) { chats throws(SavedChats.Failure) in
                try await chats.write(bytes, file, of: name, context.requestInfo.owner)
            }
            return .json(["id": .string(file.text), "object": "chat.file", "bytes": .integer(Int64(bytes.count))])
        }
        table.add(.delete, path) { _, context in
            let (name, file) = (try Self.name("id", context), try Self.name("file", context))
            try await call(of: name) { chats throws(SavedChats.Failure) in
                try await chats.remove(file, of: name, context.requestInfo.owner)
            }
            return .json(["id": .string(file.text), "object": "chat.file", "deleted": true])
        }
    }

    // MARK: Requests

    private func list(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let owner = context.requestInfo.owner
        let list = try await call(of: nil) { chats throws(SavedChats.Failure) in try await chats.list(of: owner) }
        return Self.response(tag: list.tag, to: request) {
            .json([
                "object": "list",
                "store": .string(list.store),
                // Enough to notice another key, and no key.
                "owner": .string(String(owner.rawValue.beginning(bytes: 16))),
                "bytes": .integer(Int64(list.byteCount)),
                "data": .array(list.entries.map { Self.entry($0.name, $0.entry) }),
            ])
        }
    }

    private static func entry(_ name: SavedChatName, _ entry: SavedChatIndex.Entry) -> JSONValue {
        [
            "id": .string(name.text), "object": "chat", "etag": .string(entry.tag),
            "bytes": .integer(Int64(entry.byteCount)), "modified_at": .integer(entry.modified / 1_000_000_000),
            "files": .array(entry.files.keys.sorted().map { .string($0.text) }),
        ]
    }

    private func write(_ request: Request, _ context: EdgeContext) async throws -> Response {
        let name = try Self.name("id", context)
        let condition = Self.condition(request)
        guard condition != .none else {
            throw APIError(
                .invalidRequest,
                "Header 'If-Match': A write must name the version that it replaces, or send If-None-Match: * for a new chat",
                field: "If-Match")
        }
        guard chats != nil else { throw Self.disabled }
        let json = try await request.json(upTo: SavedChats.documentLimit)
        guard json.objectValue != nil else { throw APIError(.invalidRequest, "The body must be a JSON object") }
        let bytes = json.bytes
        let tag = try await call(of: name) { chats throws(SavedChats.Failure) in
            try await chats.write(bytes, name, of: context.requestInfo.owner, condition)
        }
        var response = Response.json(["id": .string(name.text), "object": "chat", "etag": .string(tag)])
        response.headers[.eTag] = "\"\(tag)\""
        return response
    }

    private static func condition(_ request: Request) -> WriteCondition {
        WriteCondition(ifMatch: request.headers[values: .ifMatch], ifNoneMatch: request.headers[values: .ifNoneMatch])
    }

    /// A name in the path.
    private static func name(_ parameter: String, _ context: EdgeContext) throws(APIError) -> SavedChatName {
        let text = context.parameters.get(parameter) ?? ""
        guard let name = SavedChatName(text) else {
            throw APIError(
                .invalidRequest,
                "Parameter '\(parameter)': Value must have 1 to \(SavedChatName.lengthLimit) letters, digits, -, _, . or ~, but got \"\(text.excerpt(bytes: 64))\"",
                field: parameter)
        }
        return name
    }

    // MARK: Responses

    /// A response with a tag, or 304 if the client has the tag.
    private static func response(tag: String, to request: Request, _ make: () -> Response) -> Response {
        let known = request.headers[values: .ifNoneMatch].flatMap { $0.split(separator: ",") }
        var response: Response
        if known.contains(where: { $0.contains("\"\(tag)\"") }) {
            response = Response(status: .notModified)
        } else {
            response = make()
        }
        response.headers[.eTag] = "\"\(tag)\""
        response.headers[.cacheControl] = "no-store"
        return response
    }

    private static let disabled = APIError(
        .notSupported, "Chats are not stored by this server; start it with --history")

    /// Calls the store and maps its failures to errors.
    @discardableResult
    private func call<Value>(
        of name: SavedChatName?, _ body: (SavedChats) async throws(SavedChats.Failure) -> Value
    ) async throws(APIError) -> Value {
        guard let chats else { throw Self.disabled }
        do throws(SavedChats.Failure) {
            return try await body(chats)
        } catch {
            throw Self.error(error, name)
        }
    }

    private static func error(_ failure: SavedChats.Failure, _ name: SavedChatName?) -> APIError {
        let name = name?.text ?? ""
        switch failure {
        case .disk(let error): return APIError(.failed, "The saved chats cannot be read or written: \(error)")
        case .refused(.changed(let tag?)):
            return APIError(.preconditionFailed, "The chat '\(name)' has the version \"\(tag)\"", field: "If-Match")
        case .refused(.changed(nil)):
            return APIError(.preconditionFailed, "The chat '\(name)' does not exist", field: "If-Match")
        case .refused(.missing):
            return APIError(.notFound, "The chat '\(name)', or its file, does not exist", field: "id")
        case .refused(.tooManyChats(let limit)):
            return APIError(.insufficientStorage, "At most \(limit) chats are stored for a key; remove some")
        case .refused(.tooManyFiles(let limit)):
            return APIError(.insufficientStorage, "At most \(limit) files are stored for a chat")
        case .refused(.full(let limit)):
            return APIError(
                .insufficientStorage, "At most \(limit) bytes are stored for a key (--history-size); remove chats")
        }
    }
}
