package import MartletJSON
import OrderedCollections

/// How much schemas say, counted at little cost in front of all that takes longer.
package struct SchemaSize: Sendable {
    /// Members of objects and elements of arrays.
    package private(set) var values = 0
    /// Of the text, white space and escapes aside.
    private var bytes = 0

    package init() {}

    /// - Throws: when this schema and those in front of it are together more than the limits allow.
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
