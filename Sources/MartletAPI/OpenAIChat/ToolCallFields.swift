import MartletConversation
import MartletJSON
import OrderedCollections

/// The calls in `tool_calls` of a message of the history.
enum ToolCallFields {
    /// - Throws: `invalidRequest` for a call without a name, and for arguments that are no JSON object.
    static func read(_ value: JSONValue, at location: String) throws(APIError) -> [ToolCallPart] {
        guard let calls = value.arrayValue else {
            throw .field(location, "Value must be an array, but is \(value.kindName)")
        }
        var result: [ToolCallPart] = []
        result.reserveCapacity(calls.count)
        for (index, call) in calls.enumerated() {
            let location = "\(location)[\(index)].function"
            guard var members = call.objectValue?.withoutNulls, let function = call["function"],
                let name = function["name"]?.stringValue
            else {
                throw .field("\(location).name", "A string is required")
            }
            var part = ToolCallPart(
                id: members["id"]?.stringValue, name: name,
                arguments: try arguments(function["arguments"], at: "\(location).arguments"))
            if part.id != nil { members["id"] = nil }
            members["type"] = nil
            members["function"] = nil
            part.templateMembers = members
            result.append(part)
        }
        return result
    }

    /// The arguments of a call. `""`, `null` and `"null"` stand for none.
    ///
    /// The text of a truncated object counts as arguments, because an output may end within a call: `{"city": "Os`.
    /// Text after an object is an error, even if a template would accept it: `{}{}`.
    static func arguments(_ value: JSONValue?, at location: String) throws(APIError) -> ToolCallPart.Arguments {
        switch value {
        case nil, .null?: return .text("{}")
        case .object(let members)?: return .object(members)
        case .string(let text)?:
            guard text.utf8.contains(where: { !isSpace($0) }) else { return .text("{}") }
            let parsed = try? JSONParser.parse(Array(text.utf8))
            if parsed == .null { return .text("{}") }
            if parsed?.objectValue != nil || PartialArguments.object(beginning: text) != nil { return .text(text) }
            let got = parsed.map { "the text of \($0.kindName)" } ?? FieldReader.short(.string(text))
            throw .field(location, "Value must be the text of a JSON object, but is \(got)")
        case let other?:
            throw .field(location, "Value must be a string or an object, but is \(other.kindName)")
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
