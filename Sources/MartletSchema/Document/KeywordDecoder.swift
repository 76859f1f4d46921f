import MartletJSON
import MartletText

/// A keyword at a place of a schema.
struct SchemaKeyword: Hashable, Sendable {
    var pointer: String
    var keyword: String

    static func == (left: SchemaKeyword, right: SchemaKeyword) -> Bool {
        left.pointer.hasSameBytes(as: right.pointer) && left.keyword.hasSameBytes(as: right.keyword)
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(ExactString(pointer))
        hasher.combine(ExactString(keyword))
    }
}

/// Reads the keywords of one schema; one with a value of a wrong kind is an error that names it, or is left out.
struct KeywordDecoder {
    let members: JSONObject
    let pointer: String
    let omissions: SchemaOmissions

    /// The value of a keyword that is there and not left out; `null` is a value.
    subscript(keyword: String) -> JSONValue? {
        guard let value = members[keyword] else { return nil }
        return omissions.contains(SchemaKeyword(pointer: pointer, keyword: keyword)) ? nil : value
    }

    /// Leaves out a keyword.
    ///
    /// - Returns: `nil`, which stands for a keyword that is not there.
    func refuse<Value>(
        _ keyword: String, _ reason: String, _ kind: SchemaError.Kind = .invalid
    ) throws(SchemaError) -> Value? {
        try omissions.omit(SchemaError(kind, pointer: pointer, keyword: keyword, reason))
        return nil
    }

    private func refuse<Value>(
        _ keyword: String, _ value: JSONValue, instead wanted: String
    ) throws(SchemaError) -> Value? {
        try refuse(keyword, "it is \(wanted), not \(value.kindName)")
    }

    func string(_ keyword: String) throws(SchemaError) -> String? {
        guard let value = self[keyword] else { return nil }
        guard let found = value.stringValue else { return try refuse(keyword, value, instead: "a string") }
        return found
    }

    func boolean(_ keyword: String) throws(SchemaError) -> Bool? {
        guard let value = self[keyword] else { return nil }
        guard let found = value.boolValue else { return try refuse(keyword, value, instead: "a boolean") }
        return found
    }

    func array(_ keyword: String) throws(SchemaError) -> [JSONValue]? {
        guard let value = self[keyword] else { return nil }
        guard let found = value.arrayValue else { return try refuse(keyword, value, instead: "an array") }
        return found
    }

    /// An array with at least one element.
    func filledArray(_ keyword: String, of what: String) throws(SchemaError) -> [JSONValue]? {
        guard let values = try array(keyword) else { return nil }
        if values.isEmpty { return try refuse(keyword, "it has at least one \(what)") }
        return values
    }

    func object(_ keyword: String) throws(SchemaError) -> JSONObject? {
        guard let value = self[keyword] else { return nil }
        guard let found = value.objectValue else { return try refuse(keyword, value, instead: "an object") }
        return found
    }

    func number(_ keyword: String) throws(SchemaError) -> DecimalNumber? {
        guard let value = self[keyword] else { return nil }
        guard let number = DecimalNumber(value) else { return try refuse(keyword, value, instead: "a number") }
        return number
    }

    /// A whole number that is not negative.
    func count(_ keyword: String) throws(SchemaError) -> Int? {
        guard let value = self[keyword] else { return nil }
        guard let number = value.doubleValue, number >= 0, number.rounded() == number else {
            return try refuse(keyword, "it is a whole number that is not negative")
        }
        return Int(min(number, 1e15))
    }

    /// A count that is asked for.
    func leastCount(_ keyword: String) throws(SchemaError) -> Int? {
        guard let count = try count(keyword) else { return nil }
        guard count <= SchemaExpander.countLimit else {
            return try refuse(keyword, "more than \(SchemaExpander.countLimit) are asked for", .unsupported)
        }
        return count
    }

    func strings(_ keyword: String) throws(SchemaError) -> [String]? {
        guard let value = self[keyword] else { return nil }
        return try strings(value, keyword)
    }

    func strings(_ value: JSONValue, _ keyword: String) throws(SchemaError) -> [String]? {
        guard let values = value.arrayValue else { return try refuse(keyword, value, instead: "an array of strings") }
        var strings: [String] = []
        for value in values {
            guard let string = value.stringValue else {
                return try refuse(keyword, value, instead: "an array of strings")
            }
            strings.append(string)
        }
        return strings
    }

    func types() throws(SchemaError) -> JSONTypes? {
        guard let value = self["type"] else { return nil }
        var names: [String] = []
        if let name = value.stringValue {
            names = [name]
        } else {
            guard let several = try strings(value, "type") else { return nil }
            names = several
        }
        if names.isEmpty { return try refuse("type", "it has at least one type") }
        var types: JSONTypes = []
        for name in names {
            guard let type = JSONTypes(name: name) else {
                return try refuse("type", "there is no type '\(name.prefix(64))'")
            }
            types.formUnion(type)
        }
        return types
    }
}
