import MartletJSON
import OrderedCollections

/// The rules of `tool_calls` in a message of the history.
enum ToolCallFields {
    /// The result of validating a message's calls.
    enum Validation {
        /// The list is empty.
        case none
        /// The calls are valid as they are.
        case unchanged
        /// The calls in a form that every template accepts.
        case changed([JSONValue])
    }

    /// - Throws: `invalidRequest` for a call without a name, and for arguments that are no JSON object.
    static func check(_ value: JSONValue, at location: String) throws(APIError) -> Validation {
        guard let calls = value.arrayValue else {
            throw .field(location, "Value must be an array, but is \(value.kindName)")
        }
        guard !calls.isEmpty else { return .none }
        var changed: [JSONValue]?
        for (index, call) in calls.enumerated() {
            let location = "\(location)[\(index)].function"
            guard var members = call.objectValue, var function = call["function"]?.objectValue,
                call["function"]?["name"]?.stringValue != nil
            else {
                throw .field("\(location).name", "A string is required")
            }
            let lacksArguments = try lacksArguments(function["arguments"], at: "\(location).arguments")
            // Most calls are passed on without a copy.
            guard lacksArguments || members.contains(where: { $0.value == .null }) else { continue }
            if lacksArguments { function["arguments"] = "{}" }
            members["function"] = .object(function)
            changed = changed ?? calls
            changed?[index] = .object(members.withoutNulls)
        }
        return changed.map { .changed($0) } ?? .unchanged
    }

    /// Whether a call lacks arguments: `""`, `null` and `"null"` stand for none.
    ///
    /// The text of a truncated object counts as arguments, because an output may end within a call: `{"city": "Os`.
    /// Text
    /// after an object is an error, even if a template would accept it: `{}{}`.
    private static func lacksArguments(_ value: JSONValue?, at location: String) throws(APIError) -> Bool {
        switch value {
        case nil, .null?: return true
        case .object?: return false
        case .string(let text)?:
            guard text.utf8.contains(where: { !isSpace($0) }) else { return true }
            let parsed = try? JSONParser.parse(Array(text.utf8))
            if parsed == .null { return true }
            if parsed?.objectValue != nil || PartialArguments.object(beginning: text) != nil { return false }
            let got = parsed.map { "the text of \($0.kindName)" } ?? FieldReader.short(.string(text))
            throw .field(location, "Value must be the text of a JSON object, but is \(got)")
        case let other?:
            throw .field(location, "Value must be a string or an object, but is \(other.kindName)")
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
