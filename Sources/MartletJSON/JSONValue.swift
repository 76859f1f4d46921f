internal import MartletText

/// A JSON value.
///
/// Objects keep the order of their members: a chat template prints tool schemas as the client wrote them, and the order
/// of a schema's properties is the order in which the model generates them. `1` and `1.0` stay different, as templates
/// print them differently. Strings are compared by their bytes.
package enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    /// A number without fraction and exponent that fits 64 bits.
    case integer(Int64)
    /// A number without fraction and exponent that does not fit, as it is written, e.g. `18446744073709551615`. A
    /// double would be another number.
    case largeInteger(String)
    /// Any other number; never NaN or infinite.
    case number(Double)
    case string(String)
    case array([JSONValue])
    /// Indirect, so that the elements of a long list of numbers are small and need no memory of their own.
    indirect case object(JSONObject)
}

extension JSONValue {
    /// Compares values as they are represented: `1` and `1.0` differ, members count in their order. `JSONEquality` of
    /// MartletSchema compares by JSON Schema's rules.
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

    /// Hashes strings by their bytes, as `==` compares them.
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
    /// The member `key` of an object; `nil` if this is no object, or the member is absent or `null`.
    ///
    /// `null` counts as absent in all HTTP requests, as in llama-server.
    package subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self, let value = members[key], value != .null else { return nil }
        return value
    }

    /// The string; `nil` for other kinds.
    package var stringValue: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The boolean; `nil` for other kinds.
    package var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The elements of an array; `nil` for other kinds.
    package var arrayValue: [JSONValue]? {
        if case .array(let value) = self { value } else { nil }
    }

    /// The members of an object; `nil` for other kinds.
    package var objectValue: JSONObject? {
        if case .object(let value) = self { value } else { nil }
    }

    /// The value of an unsigned integer of 64 bits.
    package init(_ value: UInt64) {
        self = Int64(exactly: value).map { .integer($0) } ?? .largeInteger(String(value))
    }

    /// The value of a whole number that fits, also if it is written as `3.0` or `3e0`.
    package var integerValue: Int64? {
        switch self {
        case .integer(let value): value
        case .number(let value): Int64(exactly: value)
        default: nil
        }
    }

    /// The digits of a whole number: of any size if it is written in digits, up to 64 bits if it is written as
    /// `3.0` or `3e0`.
    package var integerDigits: String? {
        if case .largeInteger(let digits) = self { digits } else { integerValue.map { String($0) } }
    }

    /// The value of a whole number that fits an unsigned integer of 64 bits, also if it is written as `3.0` or
    /// `3e0`.
    package var unsignedValue: UInt64? {
        switch self {
        case .integer(let value): UInt64(exactly: value)
        case .largeInteger(let digits): UInt64(digits)
        case .number(let value): UInt64(exactly: value)
        default: nil
        }
    }

    /// The nearest double of a number; `nil` for other kinds.
    package var doubleValue: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .largeInteger(let digits): Double(digits)
        case .number(let value): value
        default: nil
        }
    }

    /// The kind of this value in error messages.
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
