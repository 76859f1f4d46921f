import MartletJSON

/// The meaning of a literal for values of one type: facts, further literals, and choices between alternatives.
///
/// All facts and literals hold, and of each choice one alternative.
struct SchemaInterpretation {
    /// One alternative of a choice: literals and facts that hold together.
    struct Alternative {
        var literals: [SchemaLiteral] = []
        var facts: [SchemaFact] = []
    }

    /// Whether no value of the type fulfils the literal.
    var isNever = false
    var facts: [SchemaFact] = []
    var literals: [SchemaLiteral] = []
    var choices: [[Alternative]] = []
    /// The schemas with `unevaluated…` for which the facts of this literal count as evaluated.
    var scopes: [Int]

    init(scopes: [Int]) { self.scopes = scopes }

    static func never(scopes: [Int]) -> SchemaInterpretation {
        var interpretation = SchemaInterpretation(scopes: scopes)
        interpretation.isNever = true
        return interpretation
    }
}

extension SchemaExpander {
    /// Interprets a literal for values of one type.
    ///
    /// - Parameter scopes: the schemas with `unevaluatedProperties` or `unevaluatedItems` around it.
    func interpret(
        _ literal: SchemaLiteral, type: JSONTypes, scopes: [Int]
    ) throws(SchemaError) -> SchemaInterpretation {
        let node = nodes[literal.node]
        if let constant = node.constant {
            return constant == literal.isNegated ? .never(scopes: scopes) : SchemaInterpretation(scopes: scopes)
        }
        return literal.isNegated
            ? try interpretNegated(node, literal.node, type) : try interpret(node, literal.node, type, scopes)
    }

    /// Interprets a schema that must hold.
    private func interpret(
        _ node: SchemaNode, _ number: Int, _ type: JSONTypes, _ outer: [Int]
    ) throws(SchemaError) -> SchemaInterpretation {
        var result = SchemaInterpretation(scopes: outer)
        if let types = node.types {
            let left = types.intersection(type)
            if left.isEmpty { return .never(scopes: outer) }
            if type == .number, left != type { result.facts.append(left == .integer ? .whole : .fractional) }
        }
        let hasRest =
            type == .object && node.unevaluatedProperties != nil
            || type == .array && node.unevaluatedItems != nil
        if hasRest { result.scopes.append(number) }
        if let values = node.enumeration {
            result.facts.append(.values(values.filter { !JSONTypes(of: $0).isDisjoint(with: type) }))
        }
        switch type {
        case .number: addNumberFacts(node, number, &result)
        case .string: addStringFacts(node, number, &result)
        case .object: addObjectFacts(node, number, &result)
        case .array: addArrayFacts(node, number, &result)
        default: break
        }
        if let reference = node.reference { result.literals.append(SchemaLiteral(node: reference)) }
        result.literals += node.allOf.map { SchemaLiteral(node: $0) }
        if let not = node.not { result.literals.append(SchemaLiteral(node: not, isNegated: true)) }
        if !node.anyOf.isEmpty {
            result.choices.append(node.anyOf.map { .init(literals: [SchemaLiteral(node: $0)]) })
        }
        if !node.oneOf.isEmpty { result.choices.append(try alternatives(ofOne: node.oneOf, type)) }
        if let condition = node.condition, node.thenBranch != nil || node.elseBranch != nil {
            result.choices.append([
                .init(
                    literals: [SchemaLiteral(node: condition)]
                        + [node.thenBranch].compactMap(\.self).map { SchemaLiteral(node: $0) }),
                .init(
                    literals: [SchemaLiteral(node: condition, isNegated: true)]
                        + [node.elseBranch].compactMap(\.self).map { SchemaLiteral(node: $0) }),
            ])
        }
        if hasRest {
            result.facts.append(
                type == .object
                    ? .unevaluatedMembers(node: number, scopes: outer) : .unevaluatedItems(node: number, scopes: outer))
        }
        return result
    }

    /// The alternatives of `oneOf`: each schema with the negation of all others that might hold with it.
    ///
    /// Example: of `{"type": "string"}` and `{"type": "integer"}` neither needs a negation, as they are disjoint.
    private func alternatives(
        ofOne schemas: [Int], _ type: JSONTypes
    ) throws(SchemaError) -> [SchemaInterpretation.Alternative] {
        // Listed values are tested one by one by the evaluator, which knows `oneOf` itself.
        let listed = schemas.compactMap { nodes[$0].enumeration }
        if listed.count == schemas.count {
            try spend(
                listed.count * listed.reduce(0) { $0 + $1.count } / 64,
                on: SchemaState([SchemaLiteral(node: schemas[0])]), keyword: "oneOf")
            return [.init(facts: [.values(listed.joined().filter { !JSONTypes(of: $0).isDisjoint(with: type) })])]
        }
        var alternatives: [SchemaInterpretation.Alternative] = []
        for schema in schemas {
            var literals = [SchemaLiteral(node: schema)]
            for other in schemas where other != schema {
                if !(try areDisjoint(schema, other, type)) {
                    literals.append(SchemaLiteral(node: other, isNegated: true))
                }
            }
            alternatives.append(.init(literals: literals))
        }
        // A schema that occurs twice is never fulfilled exactly once.
        return Set(schemas).count == schemas.count
            ? alternatives : alternatives.filter { one in schemas.count { $0 == one.literals[0].node } == 1 }
    }

    /// Keywords of numbers.
    private func addNumberFacts(_ node: SchemaNode, _ number: Int, _ result: inout SchemaInterpretation) {
        if let bound = node.minimum { result.facts.append(.minimum(bound, excluding: node.excludesMinimum)) }
        if let bound = node.exclusiveMinimum { result.facts.append(.minimum(bound, excluding: true)) }
        if let bound = node.maximum { result.facts.append(.maximum(bound, excluding: node.excludesMaximum)) }
        if let bound = node.exclusiveMaximum { result.facts.append(.maximum(bound, excluding: true)) }
        if let divisor = node.divisor { result.facts.append(.divisor(divisor, negated: false, node: number)) }
    }

    /// Keywords of strings. An unknown format asserts nothing.
    private func addStringFacts(_ node: SchemaNode, _ number: Int, _ result: inout SchemaInterpretation) {
        if let length = node.minLength { result.facts.append(.minLength(length)) }
        if let length = node.maxLength { result.facts.append(.maxLength(length)) }
        if let pattern = node.pattern { result.facts.append(.text(.pattern(pattern), negated: false, node: number)) }
        if let format = node.format, SchemaFormat.isKnown(format) {
            result.facts.append(.text(.format(format), negated: false, node: number))
        }
    }

    /// Keywords of objects. A dependency is a choice: the member is absent, or it exists and its condition holds.
    private func addObjectFacts(_ node: SchemaNode, _ number: Int, _ result: inout SchemaInterpretation) {
        if node.hasMemberKeywords { result.facts.append(.memberSource(node: number, scopes: result.scopes)) }
        result.facts += node.required.map { .require($0) }
        if let count = node.minProperties { result.facts.append(.minMembers(count, node: number)) }
        if let count = node.maxProperties { result.facts.append(.maxMembers(count, node: number)) }
        if let names = node.propertyNames { result.facts.append(.name(SchemaLiteral(node: names))) }
        for (key, required) in node.dependentRequired {
            result.choices.append([
                .init(facts: [.forbid(key)]), .init(facts: [.require(key)] + required.map { .require($0) }),
            ])
        }
        for (key, schema) in node.dependentSchemas {
            result.choices.append([
                .init(facts: [.forbid(key)]),
                .init(literals: [SchemaLiteral(node: schema)], facts: [.require(key)]),
            ])
        }
    }

    /// Keywords of arrays.
    private func addArrayFacts(_ node: SchemaNode, _ number: Int, _ result: inout SchemaInterpretation) {
        if !node.prefixItems.isEmpty || node.items != nil {
            result.facts.append(.itemSource(node: number, scopes: result.scopes))
        }
        if let count = node.minItems { result.facts.append(.minItems(count)) }
        if let count = node.maxItems { result.facts.append(.maxItems(count)) }
        if node.hasUniqueItems { result.facts.append(.unique(node: number)) }
        if let contains = node.contains {
            result.facts.append(
                .counted(
                    .init(
                        literal: SchemaLiteral(node: contains), minimum: node.minContains ?? 1,
                        maximum: node.maxContains, pointer: node.pointer, keyword: "contains")))
        }
    }
}
