import MartletJSON
import OrderedCollections

/// JSON with two blanks per level, as people keep it in configuration files.
enum IndentedJSON {
    /// The text of a value. Empty lists and objects, and lists of scalars, are on one line.
    static func text(_ value: JSONValue, depth: Int = 0) -> String {
        let blanks = String(repeating: "  ", count: depth + 1)
        let end = "\n" + String(repeating: "  ", count: depth)
        switch value {
        case .object(let members) where !members.isEmpty:
            let lines = members.map { name, member in
                blanks + JSONValue.string(name).text + ": " + text(member, depth: depth + 1)
            }
            return "{\n" + lines.joined(separator: ",\n") + end + "}"
        case .array(let elements) where elements.contains(where: { $0.objectValue != nil || $0.arrayValue != nil }):
            return "[\n" + elements.map { blanks + text($0, depth: depth + 1) }.joined(separator: ",\n") + end + "]"
        default: return value.text
        }
    }

    /// Merges members into an object. Objects are merged member by member; other values replace those of `base`.
    static func merging(_ members: JSONObject, into base: JSONObject) -> JSONObject {
        base.merging(members) { old, new in
            guard case .object(let oldMembers) = old, case .object(let newMembers) = new else { return new }
            return .object(merging(newMembers, into: oldMembers))
        }
    }
}
