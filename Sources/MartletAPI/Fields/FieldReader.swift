package import MartletJSON
import MartletStreams
import OrderedCollections

/// Reads and validates members of a request body. Every error names the field, the rule and the value.
///
/// `null` counts as absent, as at llama-server. Each method returns nil for an absent member.
package struct FieldReader {
    private var storage: JSONObject
    /// The path of the object in the body, such as `stream_options.`; empty for the body itself.
    private let prefix: String
    /// The names that readers of this body have asked for. All copies and nested readers share it.
    private let usage: FieldUsage

    /// All members, in the order of the body. A caller of this property knows each of them, so none counts as unknown.
    package var members: JSONObject {
        usage.add(allOf: prefix)
        return storage
    }

    /// - Throws: `invalidRequest` if the body is no object.
    package init(_ json: JSONValue) throws(APIError) {
        guard case .object(let members) = json else {
            throw APIError(.invalidRequest, "The body must be a JSON object, but is \(json.kindName)")
        }
        storage = members
        prefix = ""
        usage = FieldUsage()
    }

    private init(members: JSONObject, prefix: String, usage: FieldUsage) {
        storage = members
        self.prefix = prefix
        self.usage = usage
        usage.add(object: members, at: prefix)
    }

    /// The members of the body that no reader has asked for, in the order of the body; nested ones behind all others.
    ///
    /// Called by a dialect when it has read the whole request. `null` counts as absent.
    package func unused() -> [UnusedField] { usage.unused(of: storage) }

    /// States that a dialect knows fields that it does not read if another field of the request replaces them.
    package func know(_ names: [String]) {
        for name in names { usage.know(path(name)) }
    }

    /// States that fields are remarks, which a dialect accepts without reading them.
    package func accept(_ names: String...) {
        for name in names { usage.read(path(name)) }
    }

    /// Removes `cache_control` from messages and tools.
    /// - Returns: the indexes of the marked messages.
    mutating func removeCacheMarks() throws(APIError) -> [Int] {
        guard case .array(var messages)? = storage["messages"] else { return [] }
        var tools = storage["tools"]?.arrayValue ?? []
        let marked = try CacheControl.removeMarks(from: &messages, tools: &tools)
        guard !marked.isEmpty else { return [] }
        storage["messages"] = .array(messages)
        if storage["tools"]?.arrayValue != nil { storage["tools"] = .array(tools) }
        return marked
    }

    /// The member without a check of its type.
    package func value(_ name: String) -> JSONValue? {
        usage.read(path(name))
        return storage[name].flatMap { $0 == .null ? nil : $0 }
    }

    /// The full path of a member, for error messages.
    package func path(_ name: String) -> String { prefix + name }

    /// A boolean.
    package func bool(_ name: String) throws(APIError) -> Bool? {
        guard let value = value(name) else { return nil }
        guard let bool = value.boolValue else { throw mismatch(name, "a boolean", value) }
        return bool
    }

    /// A string of any length.
    package func string(_ name: String) throws(APIError) -> String? {
        guard let value = value(name) else { return nil }
        guard let string = value.stringValue else { throw mismatch(name, "a string", value) }
        return string
    }

    /// An array of any length.
    package func array(_ name: String) throws(APIError) -> [JSONValue]? {
        guard let value = value(name) else { return nil }
        guard let array = value.arrayValue else { throw mismatch(name, "an array", value) }
        return array
    }

    /// A reader of a nested object; its errors have the full path.
    package func object(_ name: String) throws(APIError) -> FieldReader? {
        guard let value = value(name) else { return nil }
        guard let object = value.objectValue else { throw mismatch(name, "an object", value) }
        return FieldReader(members: object, prefix: path(name) + ".", usage: usage)
    }

    /// A whole number within `range`; `5.0` counts as whole.
    /// - Throws: `invalidRequest` for a number outside of the range.
    package func integer(_ name: String, in range: ClosedRange<Int>) throws(APIError) -> Int? {
        guard let value = value(name) else { return nil }
        guard value.isWhole else { throw mismatch(name, "an integer", value) }
        // A whole number may be beyond the range of integers, such as 1e30.
        guard let integer = value.integerValue.flatMap({ Int(exactly: $0) }), range.contains(integer) else {
            throw .field(path(name), Self.rangeRule("\(range.lowerBound)", "\(range.upperBound)", got: value))
        }
        return integer
    }

    /// A whole number from -2^63 to 2^64 - 1. The result is also nil for a negative number.
    package func unsigned(_ name: String) throws(APIError) -> UInt64? {
        guard let value = value(name) else { return nil }
        guard value.isWhole else { throw mismatch(name, "an integer", value) }
        if let number = value.unsignedValue { return number }
        guard value.integerValue != nil else {
            throw .field(path(name), Self.rangeRule("\(Int64.min)", "\(UInt64.max)", got: value))
        }
        return nil
    }

    /// A number that is finite as a `Float`.
    package func float(_ name: String) throws(APIError) -> Float? {
        guard let value = value(name) else { return nil }
        guard let double = value.doubleValue else { throw mismatch(name, "a number", value) }
        guard Float(double).isFinite else {
            throw .field(path(name), "Value must be finite as a 32-bit float, but got \(value.text)")
        }
        return Float(double)
    }

    /// A number that is clamped to `range`, as llama-server does for this field.
    package func float(_ name: String, clampedTo range: ClosedRange<Float>) throws(APIError) -> Float? {
        try float(name).map { min(max($0, range.lowerBound), range.upperBound) }
    }

    /// The error of a member with a wrong type.
    /// - Parameter expected: the type with its article, such as "a boolean".
    package func mismatch(_ name: String, _ expected: String, _ value: JSONValue) -> APIError {
        .field(path(name), "Value must be \(expected), but got \(Self.short(value))")
    }

    private static func rangeRule(_ lower: String, _ upper: String, got value: JSONValue) -> String {
        "Value must be between \(lower) <= value <= \(upper), but got \(value.text)"
    }

    /// A value for a message: a scalar of at most 64 bytes as JSON, anything else by its kind.
    package static func short(_ value: JSONValue) -> String {
        switch value {
        case .array, .object: return value.kindName
        default:
            let text = value.text
            return text.utf8.count <= 64 ? text : value.kindName
        }
    }
}

extension JSONValue {
    /// Whether the value is a number without a fraction, of any size.
    fileprivate var isWhole: Bool {
        guard let number = doubleValue else { return false }
        return number.rounded() == number
    }
}
