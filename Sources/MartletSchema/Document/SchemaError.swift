/// Why a JSON Schema cannot be honoured.
package struct SchemaError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// It is no JSON Schema: a keyword has a value that it cannot have.
        case invalid
        /// A keyword says what a generator that writes from left to right cannot promise.
        case unsupported
        /// A budget is used up.
        case limit
        /// No value that ends fulfils it.
        case unsatisfiable
    }

    package var kind: Kind
    /// The JSON pointer of the schema that holds the keyword, as a URI fragment: `#/properties/name`.
    package var pointer: String
    package var keyword: String
    /// One clause.
    package var reason: String

    package init(_ kind: Kind, pointer: String, keyword: String, _ reason: String) {
        self.kind = kind
        self.pointer = pointer
        self.keyword = keyword
        self.reason = reason
    }

    package var description: String {
        keyword.isEmpty ? "The schema at \(pointer): \(reason)." : "'\(keyword)' at \(pointer): \(reason)."
    }
}
