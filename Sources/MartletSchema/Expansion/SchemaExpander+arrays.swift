import MartletJSON

extension SchemaExpander {
    /// The largest number of values of which an array with `uniqueItems` is written out as all its permutations.
    static let distinctLimit = 8

    /// The arrays that fulfil facts.
    ///
    /// A position whose state admits no value bounds the length: `items: false` after a prefix of two is `maxItems:
    /// 2`.
    ///
    /// - Returns: `nil` if there is no such array.
    func array(_ facts: SchemaFacts) throws(SchemaError) -> ArrayShape? {
        var minimum = facts.minItems
        var maximum = facts.maxItems
        for (values, node) in facts.noneOf {
            for case .array(let elements) in values {
                guard elements.isEmpty else {
                    throw exclusionError("arrays", listedBy: node)
                }
                minimum = max(minimum, 1)
            }
        }
        let length = max(
            facts.itemSources.map { nodes[$0.node].prefixItems.count }.max() ?? 0,
            facts.items.map { $0.index + 1 }.max() ?? 0)
        var prefix: [SchemaState] = []
        for index in 0...length {
            let state = itemState(facts, index)
            if isNever(state) {
                maximum = min(maximum ?? index, index)
                break
            }
            prefix.append(state)
        }
        let rest = prefix.count > length ? prefix.removeLast() : SchemaState([])
        guard minimum <= maximum ?? .max else { return nil }
        if let maximum, prefix.count > maximum { prefix.removeLast(prefix.count - maximum) }
        // A shorter limit than the schema's admits fewer arrays, and never others.
        maximum = maximum.map { min($0, Self.countLimit) }
        var shape = ArrayShape(
            prefix: prefix, rest: rest, minimum: minimum, maximum: maximum,
            counted: facts.counted.filter { $0.minimum > 0 || $0.maximum != nil })
        guard let node = facts.uniqueNode, maximum ?? 2 > 1 else { return shape }
        let values = try finiteValues(of: shape)
        if let values, values.count <= Self.distinctLimit {
            shape.distinct = values
            return shape
        }
        shape.distinctPointer = nodes[node].pointer
        guard let values else { return shape }
        // There are no more distinct items than values.
        shape.maximum = min(shape.maximum ?? values.count, values.count)
        return shape.minimum <= values.count ? shape : nil
    }

    /// The state of the item at a position: `prefixItems`, `items`, and `unevaluatedItems` where no schema
    /// evaluates it.
    private func itemState(_ facts: SchemaFacts, _ index: Int) -> SchemaState {
        var literals: [SchemaLiteral] = []
        func spokenOf(_ number: Int) -> Int? {
            let node = nodes[number]
            return index < node.prefixItems.count ? node.prefixItems[index] : node.items
        }
        for source in facts.itemSources {
            if let item = spokenOf(source.node) { literals.append(SchemaLiteral(node: item)) }
        }
        for item in facts.items where item.index == index { literals.append(item.literal) }
        for (number, _) in facts.unevaluatedItems {
            let isSpokenOf =
                facts.itemSources.contains { $0.scopes.contains(number) && spokenOf($0.node) != nil }
                || facts.unevaluatedItems.contains { $0.scopes.contains(number) }
            if !isSpokenOf, let schema = nodes[number].unevaluatedItems { literals.append(SchemaLiteral(node: schema)) }
        }
        return state(literals)
    }

    /// All values that an item may have; `nil` if they are not listed.
    private func finiteValues(of shape: ArrayShape) throws(SchemaError) -> [JSONValue]? {
        guard shape.counted.isEmpty else { return nil }
        var values: [JSONValue] = []
        var seen: Set<JSONValue> = []
        var states = shape.prefix
        if shape.maximum ?? .max > shape.prefix.count { states.append(shape.rest) }
        for state in states {
            for item in try shapes(of: state) {
                guard case .values(let listed) = item else { return nil }
                for value in listed where seen.insert(JSONEquality.canonical(value)).inserted { values.append(value) }
            }
        }
        return values
    }
}
