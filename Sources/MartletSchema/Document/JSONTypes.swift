package import MartletJSON

/// A set of types of JSON values; `type` of JSON Schema (validation, section 6.1.1).
///
/// A number is either an `integer` or a `fraction`, so that each value has exactly one type. `2.0` is an integer.
package struct JSONTypes: OptionSet, Hashable, Sendable {
    package var rawValue: UInt8

    package static let null = JSONTypes(rawValue: 1)
    package static let boolean = JSONTypes(rawValue: 2)
    /// Numbers that are not whole.
    package static let fraction = JSONTypes(rawValue: 4)
    package static let integer = JSONTypes(rawValue: 8)
    package static let string = JSONTypes(rawValue: 16)
    package static let array = JSONTypes(rawValue: 32)
    package static let object = JSONTypes(rawValue: 64)
    package static let number: JSONTypes = [.fraction, .integer]
    package static let all = JSONTypes(rawValue: 127)

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The types that a name in `type` admits; "any" is the spelling of draft 3. `nil` for an unknown name.
    package init?(name: String) {
        switch name {
        case "null": self = .null
        case "boolean": self = .boolean
        case "number": self = .number
        case "integer": self = .integer
        case "string": self = .string
        case "array": self = .array
        case "object": self = .object
        case "any": self = .all
        default: return nil
        }
    }

    /// The one type of a value.
    package init(of value: JSONValue) {
        switch value {
        case .null: self = .null
        case .bool: self = .boolean
        case .integer, .largeInteger: self = .integer
        case .number(let value): self = value.rounded() == value ? .integer : .fraction
        case .string: self = .string
        case .array: self = .array
        case .object: self = .object
        }
    }
}
