import MartletJSON
import MartletText

/// Equality as JSON Schema has it: numbers by their value, objects without the order of their members.
enum JSONEquality {
    static func equal(_ left: JSONValue, _ right: JSONValue) -> Bool { canonical(left) == canonical(right) }

    /// The same value for all that are equal: whole numbers as integers, members by their names.
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
