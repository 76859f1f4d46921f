package import MartletJSON
import OrderedCollections

/// The size of schemas, summed before any work is done for them.
///
/// A linear pass over a document that was parsed already is cheap. It bounds what all later passes see.
package struct SchemaSize: Sendable {
    /// The members of objects and elements of arrays.
    package private(set) var values = 0
    /// The bytes of the compact text, without escapes.
    private var bytes = 0

    /// Creates an empty sum.
    package init() {}

    /// Adds a schema.
    ///
    /// - Throws: an error of kind `limit` where this schema and those before it exceed a limit together.
    package mutating func add(_ schema: JSONValue, limits: SchemaLimits) throws(SchemaError) {
        var pending = [schema]
        while let value = pending.popLast() {
            switch value {
            case .string(let text): bytes += text.utf8.count + 3
            case .array(let elements):
                values += elements.count
                pending += elements
            case .object(let members):
                values += members.count
                for (key, member) in members {
                    bytes += key.utf8.count + 4
                    pending.append(member)
                }
            default: bytes += 2
            }
            if bytes > limits.bytes { throw Self.tooMuch("\(limits.bytes) bytes") }
            if values > limits.values { throw Self.tooMuch("\(limits.values) members and elements") }
        }
    }

    private static func tooMuch(_ what: String) -> SchemaError {
        SchemaError(.limit, pointer: "#", keyword: "", "more than \(what)")
    }
}
