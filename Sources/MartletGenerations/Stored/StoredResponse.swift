package import MartletJSON
package import MartletStreams
internal import OrderedCollections

/// A response that its owner can read later and that later requests continue.
///
/// The request and the response have the form of their dialect, so this type knows only where the id is.
package struct StoredResponse: Sendable, Equatable {
    /// 32 hexadecimal digits, without the prefix of the dialect.
    package var id: String
    package var owner: Owner
    /// The dialect.
    package var kind: CompletionKind
    /// The time of creation in seconds since 1970.
    package var created: Int64
    /// The body of the request.
    package var request: JSONValue
    /// The body of the response.
    package var response: JSONValue

    /// Makes the stored form of a response that has ended.
    package init(
        id: String, owner: Owner, kind: CompletionKind, created: Int64, request: JSONValue, response: JSONValue
    ) {
        self.id = id
        self.owner = owner
        self.kind = kind
        self.created = created
        self.request = request
        self.response = response
    }

    /// The response of a generation; nil unless it has ended and its dialect stores responses.
    package init?(of generation: Generation, _ kind: CompletionKind, _ request: JSONValue) {
        let spec = generation.spec
        guard generation.log.terminalEvent != nil, let view = spec.view as? any StorableView,
            let object = view.object(for: generation.log.events, isQueued: false),
            let response = try? JSONParser.parse(object, limits: .envelope)
        else { return nil }
        self.init(
            id: spec.head.id, owner: spec.owner, kind: kind, created: spec.head.created, request: request,
            response: response)
    }

    /// The version of the file's form. A file of another version is no stored response.
    private static let version: Int64 = 1

    /// The file of the response: a JSON object.
    var bytes: [UInt8] {
        let json: JSONValue = [
            "version": .integer(Self.version), "id": .string(id), "owner": .string(owner.rawValue),
            "kind": .string(kind.rawValue), "created": .integer(created), "request": request, "response": response,
        ]
        return json.bytes
    }

    /// Reads a file; nil for bytes that no server of this version has written.
    init?(_ bytes: [UInt8]) {
        guard let json = try? JSONParser.parse(bytes, limits: .envelope), json["version"]?.integerValue == Self.version,
            let id = json["id"]?.stringValue, let owner = json["owner"]?.stringValue,
            let kind = json["kind"]?.stringValue.flatMap(CompletionKind.init),
            let created = json["created"]?.integerValue, let request = json["request"],
            let response = json["response"]
        else { return nil }
        self.init(
            id: id, owner: Owner(rawValue: owner), kind: kind, created: created, request: request, response: response)
    }
}

/// A view whose response can be stored: it has an object for every state of the generation.
package protocol StorableView: ResponseView {
    /// The object of the response; nil if the dialect has none in this state.
    ///
    /// - Parameters:
    ///   - events: the events so far.
    ///   - isQueued: whether a running response waits for the engine.
    func object(for events: [LogEvent], isQueued: Bool) -> [UInt8]?
}
