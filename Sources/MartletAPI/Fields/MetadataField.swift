package import MartletJSON
import MartletStreams
import OrderedCollections

/// Reads `metadata`: remarks of a client that a stored object repeats.
package enum MetadataField {
    /// OpenAI's limits, with four bytes for a character.
    private static let limits = (count: 16, keyBytes: 64 * 4, valueBytes: 512 * 4)

    /// - Returns: nil if the field is absent.
    /// - Throws: `invalidRequest` that names the rule.
    package static func read(_ fields: FieldReader) throws(APIError) -> JSONObject? {
        guard let metadata = try fields.object("metadata")?.members else { return nil }
        guard metadata.count <= limits.count else {
            throw .field("metadata", "At most \(limits.count) members are allowed, but got \(metadata.count)")
        }
        for (key, value) in metadata {
            guard let text = value.stringValue else {
                throw .field("metadata", "Values must be strings, but one is \(value.kindName)")
            }
            guard key.utf8.count <= limits.keyBytes, text.utf8.count <= limits.valueBytes else {
                throw .field(
                    "metadata",
                    "At most \(limits.keyBytes) bytes of a key and \(limits.valueBytes) of a value are allowed")
            }
        }
        return metadata
    }

    /// Reads the body of a request that replaces `metadata`.
    /// - Throws: `invalidRequest` if the field is missing or breaks a rule.
    package static func replacement(_ json: JSONValue) throws(APIError) -> JSONObject {
        guard let metadata = try read(try FieldReader(json)) else {
            throw .field("metadata", "An object is required, but the field is missing")
        }
        return metadata
    }
}
