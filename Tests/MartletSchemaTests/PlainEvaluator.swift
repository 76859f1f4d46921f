import MartletJSON

/// Decides whether a value fulfils a schema by the text of the specification, keyword by keyword, on the unprocessed
/// schema. It shares no code with the sources.
///
/// Without references, `unevaluated…`, `format` and `pattern`; numbers as doubles.
struct PlainEvaluator {
    /// Whether a value has a type.
    static func isType(_ name: String, _ value: JSONValue) -> Bool {
        switch (name, value) {
        case ("null", .null), ("boolean", .bool), ("string", .string), ("array", .array), ("object", .object),
            ("number", .integer), ("number", .number), ("integer", .integer):
            true
        case ("integer", .number(let number)): number == number.rounded()
        default: false
        }
    }

    static func areEqual(_ left: JSONValue, _ right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): return true
        case (.bool(let left), .bool(let right)): return left == right
        case (.string(let left), .string(let right)): return Array(left.utf8) == Array(right.utf8)
        case (.array(let left), .array(let right)):
            return left.count == right.count && zip(left, right).allSatisfy { areEqual($0, $1) }
        case (.object(let left), .object(let right)):
            return left.count == right.count
                && left.allSatisfy { key, value in right[key].map { areEqual(value, $0) } ?? false }
        default:
            guard let left = left.doubleValue, let right = right.doubleValue else { return false }
            return left == right
        }
    }

    static func isValid(_ value: JSONValue, _ schema: JSONValue) -> Bool {
        if let constant = schema.boolValue { return constant }
        guard let keywords = schema.objectValue else { return false }
        return keywords.allSatisfy { fulfils(value, $0.key, $0.value, keywords) }
    }

    private static func fulfils(
        _ value: JSONValue, _ keyword: String, _ argument: JSONValue, _ schema: JSONObject
    ) -> Bool {
        let schemas = argument.arrayValue ?? []
        switch keyword {
        case "type":
            return (argument.stringValue.map { [$0] } ?? schemas.compactMap(\.stringValue)).contains {
                isType($0, value)
            }
        case "const": return areEqual(value, argument)
        case "enum": return schemas.contains { areEqual(value, $0) }
        case "allOf": return schemas.allSatisfy { isValid(value, $0) }
        case "anyOf": return schemas.contains { isValid(value, $0) }
        case "oneOf": return schemas.count { isValid(value, $0) } == 1
        case "not": return !isValid(value, argument)
        case "if":
            let branch = isValid(value, argument) ? schema["then"] : schema["else"]
            return branch.map { isValid(value, $0) } ?? true
        default: break
        }
        switch value {
        case .integer, .number: return fulfils(value.doubleValue ?? 0, keyword, argument.doubleValue ?? 0)
        case .string(let text): return fulfils(text, keyword, argument.doubleValue ?? 0)
        case .array(let items): return fulfils(items, keyword, argument, schema)
        case .object(let members): return fulfils(members, keyword, argument, schema)
        default: return true
        }
    }

    private static func fulfils(_ number: Double, _ keyword: String, _ argument: Double) -> Bool {
        switch keyword {
        case "minimum": number >= argument
        case "maximum": number <= argument
        case "exclusiveMinimum": number > argument
        case "exclusiveMaximum": number < argument
        // Exact, as the divisors here are halves and whole numbers.
        case "multipleOf": (number / argument).rounded() == number / argument
        default: true
        }
    }

    private static func fulfils(_ text: String, _ keyword: String, _ argument: Double) -> Bool {
        switch keyword {
        case "minLength": Double(text.unicodeScalars.count) >= argument
        case "maxLength": Double(text.unicodeScalars.count) <= argument
        default: true
        }
    }

    private static func fulfils(
        _ items: [JSONValue], _ keyword: String, _ argument: JSONValue, _ schema: JSONObject
    ) -> Bool {
        let count = argument.doubleValue ?? 0
        let prefix = schema["prefixItems"]?.arrayValue ?? []
        switch keyword {
        case "minItems": return Double(items.count) >= count
        case "maxItems": return Double(items.count) <= count
        case "prefixItems": return zip(items, prefix).allSatisfy { isValid($0, $1) }
        case "items": return items.dropFirst(prefix.count).allSatisfy { isValid($0, argument) }
        case "contains":
            let found = Double(items.count { isValid($0, argument) })
            return found >= schema["minContains"]?.doubleValue ?? 1
                && found <= schema["maxContains"]?.doubleValue ?? .infinity
        case "uniqueItems":
            return argument == false
                || items.indices.allSatisfy { index in !items[..<index].contains { areEqual($0, items[index]) } }
        default: return true
        }
    }

    private static func fulfils(
        _ members: JSONObject, _ keyword: String, _ argument: JSONValue, _ schema: JSONObject
    ) -> Bool {
        let count = argument.doubleValue ?? 0
        let named = argument.objectValue ?? [:]
        switch keyword {
        case "minProperties": return Double(members.count) >= count
        case "maxProperties": return Double(members.count) <= count
        case "required": return (argument.arrayValue ?? []).allSatisfy { members[$0.stringValue ?? ""] != nil }
        case "properties": return named.allSatisfy { key, schema in members[key].map { isValid($0, schema) } ?? true }
        case "additionalProperties":
            let own = schema["properties"]?.objectValue ?? [:]
            return members.allSatisfy { own[$0.key] != nil || isValid($0.value, argument) }
        case "propertyNames": return members.keys.allSatisfy { isValid(.string($0), argument) }
        case "dependentRequired":
            return named.allSatisfy { key, required in
                members[key] == nil || (required.arrayValue ?? []).allSatisfy { members[$0.stringValue ?? ""] != nil }
            }
        case "dependentSchemas":
            return named.allSatisfy { members[$0.key] == nil || isValid(.object(members), $0.value) }
        default: return true
        }
    }
}
