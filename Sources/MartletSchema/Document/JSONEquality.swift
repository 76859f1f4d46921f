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
        case .number(let number):
            Int64(exactly: number).map { .integer($0) } ?? UInt64(exactly: number).map { JSONValue($0) } ?? value
        case .array(let elements): .array(elements.map(canonical))
        case .object(let members):
            .object(
                JSONObject(
                    uniqueKeysWithValues: members.map { ($0.key, canonical($0.value)) }
                        .sorted { ExactString($0.0) < ExactString($1.0) }))
        default: value
        }
    }
}
