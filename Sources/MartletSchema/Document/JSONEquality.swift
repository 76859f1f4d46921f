import MartletJSON
import MartletText

/// Equality of values as JSON Schema defines it (core, section 4.2.2; `enum`, `const` and `uniqueItems` use it).
///
/// Numbers are equal by value (`1` and `1.0`), objects are equal in any order of their members, strings are equal by
/// code points. Booleans never equal numbers.
///
/// - Complexity: O(n log n) in the number of members of an object.
enum JSONEquality {
    /// Whether two values are equal by the rules of JSON Schema.
    static func equal(_ left: JSONValue, _ right: JSONValue) -> Bool { canonical(left) == canonical(right) }

    /// The canonical form: two values are equal exactly if their forms are identical and hash alike.
    ///
    /// Whole numbers become integers, and members are sorted by the bytes of their names.
    static func canonical(_ value: JSONValue) -> JSONValue {
        switch value {
        case .number(let number): whole(number) ?? value
        case .array(let elements): .array(elements.map(canonical))
        case .object(let members):
            .object(
                JSONObject(
                    uniqueKeysWithValues: members.map { ($0.key, canonical($0.value)) }
                        .sorted { ExactString($0.0) < ExactString($1.0) }))
        default: value
        }
    }

    /// A whole double as an integer with the digits of its shortest decimal form; `nil` if it has a fraction.
    ///
    /// Example: `1e20` becomes `100000000000000000000`.
    private static func whole(_ number: Double) -> JSONValue? {
        // Below 2^53 each integer is a double, and the conversion is exact and cheap.
        if number.magnitude < 0x1p53 { return Int64(exactly: number).map { .integer($0) } }
        guard let decimal = DecimalNumber(JSONValue.number(number)) else { return nil }
        let digits = (decimal.isNegative ? "-" : "") + decimal.whole.map { String($0) }.joined()
        return Int64(digits).map { .integer($0) } ?? .largeInteger(digits)
    }
}
