import MartletJSON
import MartletText

/// A keyword of the schema at a pointer. Two are equal if their bytes are.
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

/// Decodes the keywords of one schema object and checks their kinds.
///
/// A value of a wrong kind, such as `"minLength": "1"`, is an error of kind `invalid` that names the keyword. In
/// relaxed mode the keyword is dropped instead, and every function then returns `nil`, as for a keyword that is absent.
struct KeywordDecoder {
    let members: JSONObject
    /// The pointer of the schema, for errors.
    let pointer: String
    let omissions: SchemaOmissions

    /// The value of a keyword that is present and was not dropped. JSON's `null` is a value.
    subscript(keyword: String) -> JSONValue? {
        guard let value = members[keyword] else { return nil }
        return omissions.contains(SchemaKeyword(pointer: pointer, keyword: keyword)) ? nil : value
    }

    /// Drops a keyword, or throws in strict mode.
    ///
    /// - Returns: `nil`, the value of an absent keyword.
    func refuse<Value>(
        _ keyword: String, _ reason: String, _ kind: SchemaError.Kind = .invalid
    ) throws(SchemaError) -> Value? {
        try omissions.omit(SchemaError(kind, pointer: pointer, keyword: keyword, reason))
        return nil
    }

    /// Drops a keyword whose value has a wrong kind, or throws in strict mode.
    private func refuse<Value>(
        _ keyword: String, _ value: JSONValue, instead wanted: String
    ) throws(SchemaError) -> Value? {
        try refuse(keyword, "the value must be \(wanted), but is \(value.kindName)")
    }

    /// The value of a keyword that has a string, e.g. `pattern`.
    func string(_ keyword: String) throws(SchemaError) -> String? {
        guard let value = self[keyword] else { return nil }
        guard let found = value.stringValue else { return try refuse(keyword, value, instead: "a string") }
        return found
    }

    /// The value of a keyword that has a boolean, e.g. `uniqueItems`.
    func boolean(_ keyword: String) throws(SchemaError) -> Bool? {
        guard let value = self[keyword] else { return nil }
        guard let found = value.boolValue else { return try refuse(keyword, value, instead: "a boolean") }
        return found
    }

    /// The value of a keyword that has an array, e.g. `prefixItems`; it may be empty.
    func array(_ keyword: String) throws(SchemaError) -> [JSONValue]? {
        guard let value = self[keyword] else { return nil }
        guard let found = value.arrayValue else { return try refuse(keyword, value, instead: "an array") }
        return found
    }

    /// The value of a keyword that has an array with at least one element, e.g. `anyOf` (core, section 10.2.1).
    ///
    /// `enum` should have an element, says the specification; without one no value fulfils it, and generation could
    /// not start.
    func filledArray(_ keyword: String, of what: String) throws(SchemaError) -> [JSONValue]? {
        guard let values = try array(keyword) else { return nil }
        if values.isEmpty { return try refuse(keyword, "the array must have at least one \(what)") }
        return values
    }

    /// The value of a keyword that has an object, e.g. `properties`.
    func object(_ keyword: String) throws(SchemaError) -> JSONObject? {
        guard let value = self[keyword] else { return nil }
        guard let found = value.objectValue else { return try refuse(keyword, value, instead: "an object") }
        return found
    }

    /// The value of a keyword that has a number, e.g. `minimum`, in exact decimal digits.
    func number(_ keyword: String) throws(SchemaError) -> DecimalNumber? {
        guard let value = self[keyword] else { return nil }
        guard let number = DecimalNumber(value) else { return try refuse(keyword, value, instead: "a number") }
        return number
    }

    /// The value of a keyword that has a non-negative integer (`2.0` is one), e.g. `maxItems`.
    ///
    /// A larger value than 10^15 is cut to that; as an upper bound it is never reached.
    func count(_ keyword: String) throws(SchemaError) -> Int? {
        guard let value = self[keyword] else { return nil }
        guard let number = value.doubleValue, number >= 0, number.rounded() == number else {
            return try refuse(keyword, "the value must be a whole number that is not negative")
        }
        return Int(min(number, 1e15))
    }

    /// The value of a lower bound, e.g. `minItems`; more than `countLimit` is unsupported.
    ///
    /// A lower bound cannot be cut: it says how much a model has to generate.
    func leastCount(_ keyword: String) throws(SchemaError) -> Int? {
        guard let count = try count(keyword) else { return nil }
        guard count <= SchemaExpander.countLimit else {
            return try refuse(keyword, "the value must be at most \(SchemaExpander.countLimit)", .unsupported)
        }
        return count
    }

    /// The value of a keyword that has an array of strings, e.g. `required`.
    func strings(_ keyword: String) throws(SchemaError) -> [String]? {
        guard let value = self[keyword] else { return nil }
        return try strings(value, keyword)
    }

    /// The strings of an array that is the value of a keyword or a part of it.
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

    /// The value of `type`: a name, or an array of at least one name (validation, section 6.1.1).
    func types() throws(SchemaError) -> JSONTypes? {
        guard let value = self["type"] else { return nil }
        var names: [String] = []
        if let name = value.stringValue {
            names = [name]
        } else {
            guard let several = try strings(value, "type") else { return nil }
            names = several
        }
        if names.isEmpty { return try refuse("type", "the array must have at least one type") }
        var types: JSONTypes = []
        for name in names {
            guard let type = JSONTypes(name: name) else {
                return try refuse("type", "there is no type '\(name.excerpt(bytes: 64))'")
            }
            types.formUnion(type)
        }
        return types
    }
}
