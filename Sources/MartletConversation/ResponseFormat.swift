package import MartletJSON

/// The form that a request demands of the output's content.
package enum ResponseFormat: Sendable, Equatable {
    /// Any text.
    case text
    /// Any JSON object.
    case object
    /// JSON that follows a schema.
    ///
    /// `isStrict`: whether every keyword must be enforced. False = keywords without a grammar are left out with a
    /// warning; nil = the request's mode for schemas.
    case schema(JSONValue, isStrict: Bool?)

    /// The schema of the content; nil for any text.
    package var schema: JSONValue? {
        switch self {
        case .text: nil
        case .object: ["type": "object"]
        case .schema(let schema, _): schema
        }
    }
}
