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

/// Reads the keywords of one schema; a value of a wrong kind is an error that names it.
struct KeywordReader {
    let members: JSONObject
    let pointer: String
    let dropped: Set<SchemaKeyword>

    /// The value of a keyword that is there and not dropped; `null` is a value.
    subscript(keyword: String) -> JSONValue? {
        guard let value = members[keyword] else { return nil }
        return dropped.contains(SchemaKeyword(pointer: pointer, keyword: keyword)) ? nil : value
    }

    func invalid(_ keyword: String, _ reason: String) -> SchemaError {
        SchemaError(.invalid, pointer: pointer, keyword: keyword, reason)
    }

    private func wrongKind(_ keyword: String, _ value: JSONValue, _ wanted: String) -> SchemaError {
        invalid(keyword, "it is \(wanted), not \(value.kindName)")
    }

    func string(_ keyword: String) throws(SchemaError) -> String? {
        guard let value = self[keyword] else { return nil }
        guard let string = value.stringValue else { throw wrongKind(keyword, value, "a string") }
        return string
    }

    func boolean(_ keyword: String) throws(SchemaError) -> Bool? {
        guard let value = self[keyword] else { return nil }
        guard let boolean = value.boolValue else { throw wrongKind(keyword, value, "a boolean") }
        return boolean
    }

    func array(_ keyword: String) throws(SchemaError) -> [JSONValue]? {
        guard let value = self[keyword] else { return nil }
        guard let array = value.arrayValue else { throw wrongKind(keyword, value, "an array") }
        return array
    }

    func object(_ keyword: String) throws(SchemaError) -> JSONObject? {
        guard let value = self[keyword] else { return nil }
        guard let object = value.objectValue else { throw wrongKind(keyword, value, "an object") }
        return object
    }

    func number(_ keyword: String) throws(SchemaError) -> DecimalNumber? {
        guard let value = self[keyword] else { return nil }
        guard let number = DecimalNumber(value) else { throw wrongKind(keyword, value, "a number") }
        return number
    }

    /// A whole number that is not negative.
    func count(_ keyword: String) throws(SchemaError) -> Int? {
        guard let value = self[keyword] else { return nil }
        guard let number = value.doubleValue, number >= 0, number.rounded() == number else {
            throw invalid(keyword, "it is a whole number that is not negative")
        }
        return Int(min(number, 1e15))
    }

    func strings(_ keyword: String) throws(SchemaError) -> [String]? {
        guard let value = self[keyword] else { return nil }
        return try strings(value, keyword)
    }

    func strings(_ value: JSONValue, _ keyword: String) throws(SchemaError) -> [String] {
        guard let values = value.arrayValue else { throw wrongKind(keyword, value, "an array of strings") }
        var strings: [String] = []
        for value in values {
            guard let string = value.stringValue else { throw wrongKind(keyword, value, "an array of strings") }
            strings.append(string)
        }
        return strings
    }

    func types() throws(SchemaError) -> JSONTypes? {
        guard let value = self["type"] else { return nil }
        var names: [String] = []
        if let name = value.stringValue { names = [name] } else { names = try strings(value, "type") }
        var types: JSONTypes = []
        for name in names {
            guard let type = JSONTypes(name: name) else {
                throw invalid("type", "there is no type '\(name.prefix(64))'")
            }
            types.formUnion(type)
        }
        return types
    }
}
