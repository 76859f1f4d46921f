/// The reason why a JSON Schema is refused, or a keyword is dropped.
///
/// Clients receive pointer, keyword and reason; a refusal is a 400 with `code: "invalid_schema"`.
package struct SchemaError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The cause; relaxed mode drops keywords for the first two.
    package enum Kind: Sendable, Equatable {
        /// The value of a keyword is malformed, e.g. `"type": 5`.
        case invalid
        /// A keyword is valid, but no grammar of bounded size can enforce it, e.g. a pattern with lookbehind.
        case unsupported
        /// A limit or budget is exceeded.
        case limit
        /// No finite value fulfils the schema.
        case unsatisfiable
    }

    package var kind: Kind
    /// The JSON pointer of the schema that has the keyword, as a URI fragment: `#/properties/name`.
    package var pointer: String
    /// The keyword; empty where the error is about the whole schema.
    package var keyword: String
    /// One clause in lower case, without a full stop.
    package var reason: String

    /// Creates an error.
    package init(_ kind: Kind, pointer: String, keyword: String, _ reason: String) {
        self.kind = kind
        self.pointer = pointer
        self.keyword = keyword
        self.reason = reason
    }

    /// A sentence: `'minLength' at #/properties/name: it is a string, not a number.`
    package var description: String {
        keyword.isEmpty ? "The schema at \(pointer): \(reason)." : "'\(keyword)' at \(pointer): \(reason)."
    }
}
