import MartletJSON

extension SchemaExpander {
    private typealias Alternative = SchemaInterpretation.Alternative

    /// The conditions under which a schema fails: at least one of its keywords does.
    ///
    /// | keyword | its negation |
    /// | --- | --- |
    /// | `allOf` | one of the schemas fails |
    /// | `anyOf` | all fail |
    /// | `oneOf` | all fail, or two that are not disjoint hold |
    /// | `not` | the inner schema holds |
    /// | `if` | `if` holds and `then` fails, or `if` fails and `else` fails |
    /// | `minimum: 3` | `exclusiveMaximum: 3` |
    /// | `minLength: 3` | `maxLength: 2` |
    /// | `required: ["a"]` | the member `a` is absent |
    /// | `properties: {"a": S}` | the member `a` exists and fails S |
    /// | `items: S` | an item exists that fails S |
    ///
    /// A keyword for another type never fails, so that each type is negated by itself.
    func interpretNegated(
        _ node: SchemaNode, _ number: Int, _ type: JSONTypes
    ) throws(SchemaError) -> SchemaInterpretation {
        var result = SchemaInterpretation(scopes: [])
        var alternatives: [Alternative] = []
        /// The negation of a schema.
        func not(_ node: Int) -> SchemaLiteral { SchemaLiteral(node: node, isNegated: true) }

        if let reference = node.reference {
            alternatives.append(Alternative(literals: [not(reference)]))
            if node.referenceHidesSiblings {
                result.choices = [alternatives]
                return result
            }
        }
        if let types = node.types {
            let left = types.intersection(type)
            if left.isEmpty { return result }
            if type == .number, left != type {
                alternatives.append(Alternative(facts: [left == .integer ? .fractional : .whole]))
            }
        }
        if let values = node.enumeration {
            let concerned = values.filter { !JSONTypes(of: $0).isDisjoint(with: type) }
            if concerned.isEmpty { return result }
            alternatives.append(Alternative(facts: [.noneOf(concerned, node: number)]))
        }
        for schema in node.allOf { alternatives.append(Alternative(literals: [not(schema)])) }
        if !node.anyOf.isEmpty { alternatives.append(Alternative(literals: node.anyOf.map(not))) }
        if !node.oneOf.isEmpty {
            alternatives.append(Alternative(literals: node.oneOf.map(not)))
            for (index, first) in node.oneOf.enumerated() {
                for second in node.oneOf[(index + 1)...] where !(try areDisjoint(first, second, type)) {
                    alternatives.append(
                        Alternative(literals: [SchemaLiteral(node: first), SchemaLiteral(node: second)]))
                }
            }
        }
        if let inner = node.not { alternatives.append(Alternative(literals: [SchemaLiteral(node: inner)])) }
        if let condition = node.condition {
            if let branch = node.thenBranch {
                alternatives.append(Alternative(literals: [SchemaLiteral(node: condition), not(branch)]))
            }
            if let branch = node.elseBranch {
                alternatives.append(Alternative(literals: [not(condition), not(branch)]))
            }
        }
        switch type {
        case .number: alternatives += numberFailures(node, number)
        case .string: alternatives += stringFailures(node, number)
        case .object: alternatives += try objectFailures(node, number)
        case .array: alternatives += try arrayFailures(node)
        default: break
        }
        if alternatives.isEmpty { return .never(scopes: []) }
        result.choices = [alternatives]
        return result
    }

    /// The negations of keywords of numbers.
    private func numberFailures(_ node: SchemaNode, _ number: Int) -> [Alternative] {
        var facts: [SchemaFact] = []
        if let bound = node.minimum { facts.append(.maximum(bound, excluding: !node.excludesMinimum)) }
        if let bound = node.exclusiveMinimum { facts.append(.maximum(bound, excluding: false)) }
        if let bound = node.maximum { facts.append(.minimum(bound, excluding: !node.excludesMaximum)) }
        if let bound = node.exclusiveMaximum { facts.append(.minimum(bound, excluding: false)) }
        if let divisor = node.divisor { facts.append(.divisor(divisor, negated: true, node: number)) }
        return facts.map { Alternative(facts: [$0]) }
    }

    /// The negations of keywords of strings.
    private func stringFailures(_ node: SchemaNode, _ number: Int) -> [Alternative] {
        var facts: [SchemaFact] = []
        if let length = node.minLength, length > 0 { facts.append(.maxLength(length - 1)) }
        if let length = node.maxLength { facts.append(.minLength(length + 1)) }
        if let pattern = node.pattern { facts.append(.text(.pattern(pattern), negated: true, node: number)) }
        if let format = node.format, SchemaFormat.isKnown(format) {
            facts.append(.text(.format(format), negated: true, node: number))
        }
        return facts.map { Alternative(facts: [$0]) }
    }

    /// The negations of keywords of objects.
    ///
    /// - Throws: an error for `unevaluatedProperties`: what is evaluated depends on schemas outside of the
    ///   negation.
    private func objectFailures(_ node: SchemaNode, _ number: Int) throws(SchemaError) -> [Alternative] {
        if node.unevaluatedProperties != nil {
            throw SchemaError(
                .unsupported, pointer: node.pointer, keyword: "unevaluatedProperties",
                "it is not supported in a schema that is negated")
        }
        var alternatives = node.required.map { Alternative(facts: [.forbid($0)]) }
        for (key, schema) in node.properties {
            alternatives.append(
                Alternative(facts: [.require(key), .member(key, SchemaLiteral(node: schema, isNegated: true))]))
        }
        if let additional = node.additionalProperties, nodes[additional].constant != true {
            alternatives.append(Alternative(facts: [.wantedMember(WantedMember(node: number, kind: .additional))]))
        }
        for (position, entry) in node.patternProperties.enumerated() where nodes[entry.node].constant != true {
            alternatives.append(
                Alternative(facts: [.wantedMember(WantedMember(node: number, kind: .pattern(position)))]))
        }
        if let names = node.propertyNames {
            if let keys = try namesOutside(names) {
                alternatives += keys.map { Alternative(facts: [.require($0)]) }
            } else {
                alternatives.append(Alternative(facts: [.wantedMember(WantedMember(node: number, kind: .name))]))
            }
        }
        if let count = node.minProperties, count > 0 {
            alternatives.append(Alternative(facts: [.maxMembers(count - 1, node: number)]))
        }
        if let count = node.maxProperties {
            alternatives.append(Alternative(facts: [.minMembers(count + 1, node: number)]))
        }
        for (key, required) in node.dependentRequired {
            for other in required { alternatives.append(Alternative(facts: [.require(key), .forbid(other)])) }
        }
        for (key, schema) in node.dependentSchemas {
            alternatives.append(
                Alternative(literals: [SchemaLiteral(node: schema, isNegated: true)], facts: [.require(key)]))
        }
        return alternatives
    }

    /// The negations of keywords of arrays.
    ///
    /// - Throws: an error for `uniqueItems` (two equal items are not context-free) and `unevaluatedItems`.
    private func arrayFailures(_ node: SchemaNode) throws(SchemaError) -> [Alternative] {
        for (isThere, keyword) in [
            (node.unevaluatedItems != nil, "unevaluatedItems"), (node.hasUniqueItems, "uniqueItems"),
        ] where isThere {
            throw SchemaError(
                .unsupported, pointer: node.pointer, keyword: keyword,
                "it is not supported in a schema that is negated")
        }
        var alternatives: [Alternative] = []
        for (index, schema) in node.prefixItems.enumerated() {
            alternatives.append(
                Alternative(facts: [
                    .minItems(index + 1), .item(index, SchemaLiteral(node: schema, isNegated: true)),
                ]))
        }
        if let items = node.items, nodes[items].constant != true {
            alternatives.append(
                Alternative(facts: [
                    .minItems(node.prefixItems.count + 1),
                    .counted(
                        .init(
                            start: node.prefixItems.count, literal: SchemaLiteral(node: items, isNegated: true),
                            minimum: 1, maximum: nil, pointer: node.pointer, keyword: "items")),
                ]))
        }
        if let contains = node.contains {
            func counted(_ minimum: Int, _ maximum: Int?) -> Alternative {
                Alternative(facts: [
                    .counted(
                        .init(
                            literal: SchemaLiteral(node: contains), minimum: minimum, maximum: maximum,
                            pointer: node.pointer, keyword: "contains"))
                ])
            }
            let minimum = node.minContains ?? 1
            if minimum > 0 { alternatives.append(counted(0, minimum - 1)) }
            if let maximum = node.maxContains { alternatives.append(counted(maximum + 1, nil)) }
        }
        if let count = node.minItems, count > 0 { alternatives.append(Alternative(facts: [.maxItems(count - 1)])) }
        if let count = node.maxItems { alternatives.append(Alternative(facts: [.minItems(count + 1)])) }
        return alternatives
    }
}
