package import MartletJSON
package import MartletStreams

/// Reads the request id of a control command: a repeated command with the same id gets the first result.
extension CommandIdentity {
    /// Bytes of UTF-8.
    private static let requestIDLimit = 256
    /// Members that address a command and do not change its effect, so the digest omits them.
    private static let envelope: Set<String> = ["request_id", "id", "conversation_id", "type"]

    /// - Returns: nil if the body has no `request_id`.
    /// - Throws: `invalidRequest` for a body that is no object, and for an id longer than 256 bytes.
    package static func of(_ json: JSONValue) throws(APIError) -> CommandIdentity? {
        let fields = try FieldReader(json)
        guard let requestID = try fields.string("request_id") else { return nil }
        guard requestID.utf8.count <= requestIDLimit else {
            throw .field(
                "request_id", "At most \(requestIDLimit) bytes are allowed, but got \(requestID.utf8.count)")
        }
        // Members with null count as absent, as in every request.
        let members = (json.objectValue ?? [:]).filter { !envelope.contains($0.key) && $0.value != .null }
        return CommandIdentity(
            requestID: requestID, action: try fields.string("action") ?? "",
            digest: digest(of: .object(JSONObject(uniqueKeysWithValues: members.map { ($0.key, $0.value) }))))
    }

    /// A hash of a value (64-bit FNV-1a) that does not depend on the order of members.
    ///
    /// It detects an id that a client reuses for another command by mistake. It is no protection against an attacker,
    /// who could only confuse their own commands.
    private static func digest(of value: JSONValue) -> UInt64 {
        var bytes: [UInt8] = []
        value.sorted.write(to: &bytes)
        return bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}

extension JSONValue {
    /// The same value with the members of every object sorted by name.
    /// - Complexity: recursive; the parser's limit of nesting bounds the depth.
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
