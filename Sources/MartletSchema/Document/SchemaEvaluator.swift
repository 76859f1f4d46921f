import MartletJSON
import MartletText

/// Decides whether a given value fulfils a schema; a validator for draft 2020-12.
///
/// Expansion uses it for listed values (`enum`, `const`) and for names of members. It follows the same reading of the
/// keywords as the grammar; tests compare the two on generated schemas.
///
/// - Complexity: each schema is applied to each value it concerns. The recursion is as deep as the value and the
///   nesting of schemas; both were limited when they were parsed.
struct SchemaEvaluator {
    let nodes: [SchemaNode]
    let patterns: PatternTable

    /// The members and items that a keyword has evaluated; input of `unevaluatedProperties` and `unevaluatedItems`.
    ///
    /// Only schemas that succeed add to it (core, sections 11.2 and 11.3).
    private struct Evaluated {
        var keys: Set<ExactString> = []
        var items: Set<Int> = []
    }

    /// Whether a value fulfils a literal: a schema, or its negation.
    ///
    /// - Throws: an error where a pattern cannot be compiled.
    func holds(_ literal: SchemaLiteral, _ value: JSONValue) throws(SchemaError) -> Bool {
        try isValid(value, literal.node) != literal.isNegated
    }

    /// Whether a value fulfils a schema.
    func isValid(_ value: JSONValue, _ node: Int) throws(SchemaError) -> Bool {
        var evaluated = Evaluated()
        return try isValid(value, node, &evaluated)
    }

    /// Whether a value fulfils a schema; adds to `outer` what the schema evaluated, if it does.
    private func isValid(
        _ value: JSONValue, _ number: Int, _ outer: inout Evaluated
    ) throws(SchemaError) -> Bool {
        let node = nodes[number]
        if let constant = node.constant { return constant }
        var evaluated = Evaluated()
        if let reference = node.reference, !(try isValid(value, reference, &evaluated)) { return false }
        if !(node.reference != nil && node.referenceHidesSiblings) {
            guard try fulfilsOwn(value, node, &evaluated), try fulfilsCombinations(value, node, &evaluated) else {
                return false
            }
        }
        guard try fulfilsRest(value, node, &evaluated) else { return false }
        outer.keys.formUnion(evaluated.keys)
        outer.items.formUnion(evaluated.items)
        return true
    }

    /// `type`, `enum` and `const`, and the keywords for the type of the value. Keywords for other types are ignored
    /// (validation, section 4.1): `{"minLength": 2}` admits `5`.
    private func fulfilsOwn(
        _ value: JSONValue, _ node: SchemaNode, _ evaluated: inout Evaluated
    ) throws(SchemaError) -> Bool {
        if let types = node.types, !types.isSuperset(of: JSONTypes(of: value)) { return false }
        if node.enumeration != nil, !node.canonicalValues.contains(JSONEquality.canonical(value)) { return false }
        switch value {
        case .integer, .largeInteger, .number: return isInRange(value, node)
        case .string(let text): return try fulfils(text, node)
        case .array(let elements): return try fulfils(elements, node, &evaluated)
        case .object(let members): return try fulfils(members, node, &evaluated)
        default: return true
        }
    }

    /// `minimum`, `maximum`, the exclusive bounds and `multipleOf`, in exact decimal arithmetic.
    ///
    /// A number of more than 400 digits fulfils none of them; a remainder that cannot be computed counts as not
    /// zero.
    private func isInRange(_ value: JSONValue, _ node: SchemaNode) -> Bool {
        guard let number = DecimalNumber(value) else { return false }
        func ordering(_ other: DecimalNumber?) -> Int? { other.map { DecimalNumber.compare(number, $0) } }
        if let ordering = ordering(node.minimum), ordering < 0 || ordering == 0 && node.excludesMinimum { return false }
        if let ordering = ordering(node.maximum), ordering > 0 || ordering == 0 && node.excludesMaximum { return false }
        if let ordering = ordering(node.exclusiveMinimum), ordering <= 0 { return false }
        if let ordering = ordering(node.exclusiveMaximum), ordering >= 0 { return false }
        if let divisor = node.divisor { return number.isMultiple(of: divisor) ?? false }
        return true
    }

    /// `minLength`, `maxLength` (in Unicode scalars, validation, section 6.3.1), `pattern` and `format`.
    private func fulfils(_ text: String, _ node: SchemaNode) throws(SchemaError) -> Bool {
        let length = text.unicodeScalars.count
        if length < node.minLength ?? 0 || length > node.maxLength ?? .max { return false }
        if let pattern = node.pattern, !(try matches(text, .pattern(pattern), node, "pattern")) { return false }
        if let format = node.format, SchemaFormat.isKnown(format) {
            return try matches(text, .format(format), node, "format")
        }
        return true
    }

    /// Whether a text matches a pattern or format.
    private func matches(
        _ text: String, _ term: PatternTable.Term, _ node: SchemaNode, _ keyword: String
    ) throws(SchemaError) -> Bool {
        do {
            return keyword == "patternProperties"
                ? try patterns.automaton(for: term).matches(text) : try patterns.texts(of: term).matches(text)
        } catch {
            throw SchemaError(.unsupported, pointer: node.pointer, keyword: keyword, error.message)
        }
    }

    /// `minItems`, `maxItems`, `prefixItems`, `items`, `contains` with its counts, and `uniqueItems`.
    private func fulfils(
        _ elements: [JSONValue], _ node: SchemaNode, _ evaluated: inout Evaluated
    ) throws(SchemaError) -> Bool {
        if elements.count < node.minItems ?? 0 || elements.count > node.maxItems ?? .max { return false }
        for (index, element) in elements.enumerated() {
            if index < node.prefixItems.count {
                guard try isValid(element, node.prefixItems[index]) else { return false }
            } else if let items = node.items {
                guard try isValid(element, items) else { return false }
            } else {
                continue
            }
            evaluated.items.insert(index)
        }
        if let contains = node.contains {
            var count = 0
            for (index, element) in elements.enumerated() where try isValid(element, contains) {
                count += 1
                evaluated.items.insert(index)
            }
            if count < node.minContains ?? 1 || count > node.maxContains ?? .max { return false }
        }
        if node.hasUniqueItems {
            for (index, element) in elements.enumerated() {
                if elements[..<index].contains(where: { JSONEquality.equal($0, element) }) { return false }
            }
        }
        return true
    }

    /// `minProperties`, `maxProperties`, `required`, `dependentRequired`, `propertyNames`, `properties`,
    /// `patternProperties` and `additionalProperties`; the last applies to members that the two before it do not
    /// name.
    private func fulfils(
        _ members: JSONObject, _ node: SchemaNode, _ evaluated: inout Evaluated
    ) throws(SchemaError) -> Bool {
        if members.count < node.minProperties ?? 0 || members.count > node.maxProperties ?? .max { return false }
        if node.required.contains(where: { members[$0] == nil }) { return false }
        for (key, required) in node.dependentRequired where members[key] != nil {
            if required.contains(where: { members[$0] == nil }) { return false }
        }
        for (key, value) in members {
            if let names = node.propertyNames, !(try isValid(.string(key), names)) { return false }
            var isSpokenOf = false
            if let property = node.propertyNumbers[key] {
                isSpokenOf = true
                guard try isValid(value, property) else { return false }
            }
            for (pattern, schema) in node.patternProperties
            where try matches(key, .pattern(pattern), node, "patternProperties") {
                isSpokenOf = true
                guard try isValid(value, schema) else { return false }
            }
            if !isSpokenOf, let additional = node.additionalProperties {
                isSpokenOf = true
                guard try isValid(value, additional) else { return false }
            }
            if isSpokenOf { evaluated.keys.insert(key) }
        }
        return true
    }

    /// `allOf`, `anyOf`, `oneOf`, `not`, `if` with its branches, and `dependentSchemas`.
    ///
    /// All alternatives of `anyOf` are applied, as each that succeeds adds to the evaluated members.
    private func fulfilsCombinations(
        _ value: JSONValue, _ node: SchemaNode, _ evaluated: inout Evaluated
    ) throws(SchemaError) -> Bool {
        for schema in node.allOf where !(try isValid(value, schema, &evaluated)) { return false }
        var count = 0
        for schema in node.anyOf where try isValid(value, schema, &evaluated) { count += 1 }
        if !node.anyOf.isEmpty, count == 0 { return false }
        count = 0
        for schema in node.oneOf where try isValid(value, schema, &evaluated) { count += 1 }
        if !node.oneOf.isEmpty, count != 1 { return false }
        if let not = node.not, try isValid(value, not) { return false }
        if let condition = node.condition {
            let branch = try isValid(value, condition, &evaluated) ? node.thenBranch : node.elseBranch
            if let branch, !(try isValid(value, branch, &evaluated)) { return false }
        }
        if case .object(let members) = value {
            for (key, schema) in node.dependentSchemas where members[key] != nil {
                guard try isValid(value, schema, &evaluated) else { return false }
            }
        }
        return true
    }

    /// `unevaluatedProperties` and `unevaluatedItems`, which apply after all other keywords of the schema.
    private func fulfilsRest(
        _ value: JSONValue, _ node: SchemaNode, _ evaluated: inout Evaluated
    ) throws(SchemaError) -> Bool {
        if let schema = node.unevaluatedProperties, case .object(let members) = value {
            for (key, value) in members where !evaluated.keys.contains(key) {
                guard try isValid(value, schema) else { return false }
                evaluated.keys.insert(key)
            }
        }
        if let schema = node.unevaluatedItems, case .array(let elements) = value {
            for (index, element) in elements.enumerated() where !evaluated.items.contains(index) {
                guard try isValid(element, schema) else { return false }
                evaluated.items.insert(index)
            }
        }
        return true
    }
}
