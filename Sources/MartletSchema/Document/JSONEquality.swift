import MartletJSON
import OrderedCollections

/// Equality as JSON Schema has it: numbers by their value, objects without the order of their members.
enum JSONEquality {
    static func equal(_ left: JSONValue, _ right: JSONValue) -> Bool {
        switch (left, right) {
        case (.array(let left), .array(let right)):
            left.count == right.count && zip(left, right).allSatisfy { equal($0, $1) }
        case (.object(let left), .object(let right)):
            left.count == right.count
                && left.allSatisfy { key, value in right[key].map { equal(value, $0) } ?? false }
        case (.integer, .number), (.number, .integer): left.doubleValue == right.doubleValue
        default: left == right
        }
    }
}
