package import MartletJSON
package import MartletStreams

/// The name that a client's order has.
extension CommandIdentity {
    private static let requestIDLimit = 256
    /// What a body says beside the order: who it is for, and how its sender knows it.
    private static let envelope: Set<String> = ["request_id", "id", "conversation_id", "type"]

    /// - Returns: `nil` when the order has none.
    package static func of(_ json: JSONValue) throws(APIError) -> CommandIdentity? {
        let fields = try FieldReader(json)
        guard let requestID = try fields.string("request_id") else { return nil }
        guard requestID.utf8.count <= requestIDLimit else {
            throw .field(
                "request_id", "At most \(requestIDLimit) bytes are allowed, but got \(requestID.utf8.count)")
        }
        let members = (json.objectValue ?? [:]).filter { !envelope.contains($0.key) && $0.value != .null }
        return CommandIdentity(
            requestID: requestID, action: try fields.string("action") ?? "",
            digest: digest(of: .object(JSONObject(uniqueKeysWithValues: members.map { ($0.key, $0.value) }))))
    }

    /// The same for the same values, in whatever order an object has its members (FNV-1a).
    private static func digest(of value: JSONValue) -> UInt64 {
        var bytes: [UInt8] = []
        value.sorted.write(to: &bytes)
        return bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}

extension JSONValue {
    /// - Complexity: the parser's limit on depth is the limit of the recursion.
    fileprivate var sorted: JSONValue {
        switch self {
        case .object(let members):
            .object(
                JSONObject(
                    uniqueKeysWithValues: members.sorted { $0.key < $1.key }.map { ($0.key, $0.value.sorted) }))
        case .array(let elements): .array(elements.map(\.sorted))
        default: self
        }
    }
}
