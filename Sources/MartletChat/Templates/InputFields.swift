import MartletJSON
import OrderedCollections

/// The fields of a file that is given to a command, read by name.
struct InputFields {
    private let json: JSONValue

    /// - Parameter known: The names that mean something. Cases of a test suite carry a `name` beside them.
    init(_ json: JSONValue, known: [String]) throws(TemplateRenderInput.InputError) {
        guard case .object(let members) = json else {
            throw .init(message: "the input must be an object, not \(json.kindName)")
        }
        for key in members.keys where !known.contains(key) && key != "name" {
            throw .init(message: "'\(key)' is unknown; known are \(known.joined(separator: ", "))")
        }
        self.json = json
    }

    /// - Parameters:
    ///   - kind: What the value must be, for the error.
    ///   - read: `nil` = it is none.
    /// - Returns: `nil` when the field is absent or `null`.
    func value<Value>(
        _ name: String, _ kind: String, _ read: (JSONValue) -> Value?
    ) throws(TemplateRenderInput.InputError) -> Value? {
        guard let value = json[name] else { return nil }
        guard let result = read(value) else {
            throw .init(message: "'\(name)' must be \(kind), not \(value.kindName)")
        }
        return result
    }
}
