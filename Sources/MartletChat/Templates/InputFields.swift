import MartletJSON
import OrderedCollections

/// The fields of an input file of a command, decoded by name.
struct InputFields {
    private let json: JSONValue

    /// - Parameter known: the field names that have a meaning. `name` is always allowed, as test cases carry it.
    init(_ json: JSONValue, known: [String]) throws(TemplateRenderInput.InputError) {
        guard case .object(let members) = json else {
            throw .init(message: "the input must be an object, not \(json.kindName)")
        }
        for key in members.keys where !known.contains(key) && key != "name" {
            throw .init(message: "'\(key)' is unknown; known are \(known.joined(separator: ", "))")
        }
        self.json = json
    }

    /// Decodes a field.
    /// - Parameters:
    ///   - kind: the required kind, for the error message.
    ///   - read: returns nil if the value is not of that kind.
    /// - Returns: nil if the field is absent or `null`.
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
