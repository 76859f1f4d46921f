internal import MartletText

/// A JSON document in memory.
///
/// Objects keep the order of their keys, because a chat template prints tool schemas as the client wrote them and a
/// schema's property order is the order in which a model has to write. Numbers keep the difference between
/// `1` and `1.0`, as templates print them differently. Strings are equal if their bytes are.
package indirect enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    /// A number written without fraction and exponent that fits 64 bits.
    case integer(Int64)
    /// A number written without fraction and exponent that does not fit, as it is written: `18446744073709551615`. As a
    /// double it would be another number.
    case largeInteger(String)
    /// Any other number. Never NaN or infinite.
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
}

extension JSONValue {
    package static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.integer(let left), .integer(let right)): left == right
        case (.largeInteger(let left), .largeInteger(let right)): left.hasSameBytes(as: right)
        case (.number(let left), .number(let right)): left == right
        case (.string(let left), .string(let right)): left.hasSameBytes(as: right)
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        default: false
        }
    }

    package func hash(into hasher: inout Hasher) {
        func combine(_ kind: UInt8, _ value: some Hashable) {
            hasher.combine(kind)
            hasher.combine(value)
        }
        switch self {
        case .null: hasher.combine(0 as UInt8)
        case .bool(let value): combine(1, value)
        case .integer(let value): combine(2, value)
        case .largeInteger(let digits): combine(3, ExactString(digits))
        case .number(let value): combine(4, value)
        case .string(let value): combine(5, ExactString(value))
        case .array(let elements): combine(6, elements)
        case .object(let members): combine(7, members)
        }
    }
}

extension JSONValue {
    /// The member `key` of an object, or `nil` when this is no object, lacks the key, or has it as `null`.
    ///
    /// `null` counts as absent everywhere in the HTTP surface, as it does at llama-server.
    package subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self, let value = members[key], value != .null else { return nil }
        return value
    }

    package var stringValue: String? {
        if case .string(let value) = self { value } else { nil }
    }

    package var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    package var arrayValue: [JSONValue]? {
        if case .array(let value) = self { value } else { nil }
    }

    package var objectValue: JSONObject? {
        if case .object(let value) = self { value } else { nil }
    }

    /// A whole number of 64 bits without a sign.
    package init(_ value: UInt64) {
        self = Int64(exactly: value).map { .integer($0) } ?? .largeInteger(String(value))
    }

    /// A number that is whole, also when it is written as `3.0` or `3e0`.
    package var integerValue: Int64? {
        switch self {
        case .integer(let value): value
        case .number(let value): Int64(exactly: value)
        default: nil
        }
    }

    /// The digits of a whole number, also when it is written as `3.0` or `3e0`; of any size where it is written in
    /// digits.
    package var integerDigits: String? {
        if case .largeInteger(let digits) = self { digits } else { integerValue.map { String($0) } }
    }

    /// A whole number of 64 bits without a sign, also when it is written as `3.0` or `3e0`.
    package var unsignedValue: UInt64? {
        switch self {
        case .integer(let value): UInt64(exactly: value)
        case .largeInteger(let digits): UInt64(digits)
        case .number(let value): UInt64(exactly: value)
        default: nil
        }
    }

    package var doubleValue: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .largeInteger(let digits): Double(digits)
        case .number(let value): value
        default: nil
        }
    }

    /// What an error message calls this kind of value.
    package var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer, .largeInteger: "an integer"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(floatLiteral value: Double) { self = .number(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(JSONObject(elements, uniquingKeysWith: { $1 }))
    }
}
