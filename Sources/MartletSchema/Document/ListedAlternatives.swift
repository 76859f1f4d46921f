import MartletJSON

/// Joins alternatives of `anyOf` and `oneOf` that only list values into one list.
///
/// Example: `{"anyOf": [{"const": 1}, {"const": 2}, {"type": "string"}]}` has the same values as `{"anyOf": [{"enum":
/// [1, 2]}, {"type": "string"}]}`. Each listed value is then tested once by the evaluator. As alternatives, a few
/// thousand constants would exceed the limit of alternatives, and each pair of a `oneOf` would have to be compared.
/// Where all alternatives are lists, the surrounding schema itself becomes a list.
///
/// - Complexity: linear in the number of listed values; `CompileBudget` counts a step for four of them.
struct ListedAlternatives {
    /// The schemas that were read, followed by the lists that were added.
    private var nodes: [SchemaNode]
    private let evaluator: SchemaEvaluator
    private let budget: CompileBudget

    /// - Precondition: no schema applies itself to the same value; the parser refuses such loops.
    init(_ nodes: [SchemaNode], patterns: PatternTable, budget: CompileBudget) {
        self.nodes = nodes
        self.budget = budget
        evaluator = SchemaEvaluator(nodes: nodes, patterns: patterns)
    }

    /// Joins the lists of all schemas.
    ///
    /// - Returns: the same schemas with the same numbers, followed by the new lists.
    mutating func joined() throws(SchemaError) -> [SchemaNode] {
        let count = nodes.count
        var isDone = [Bool](repeating: false, count: count)
        // Inner schemas come before the schemas that apply them, so that lists of lists are joined, too. The explicit
        // stack replaces recursion.
        for start in 0..<count where !isDone[start] {
            var pending = [(node: start, isOpen: false)]
            while let (number, isOpen) = pending.popLast() {
                if isDone[number] { continue }
                let node = nodes[number]
                if isOpen || node.inPlace.isEmpty {
                    isDone[number] = true
                    try join(node)
                } else {
                    pending.append((number, true))
                    pending += node.inPlace.filter { !isDone[$0] }.map { ($0, false) }
                }
            }
        }
        return nodes
    }

    /// Joins the lists among the alternatives of one schema.
    private mutating func join(_ node: SchemaNode) throws(SchemaError) {
        if !node.anyOf.isEmpty {
            let (lists, others) = try listed(node.anyOf, of: node, "anyOf")
            let values = Self.union(lists)
            if others.isEmpty {
                restrict(node, to: values)
                node.anyOf = []
            } else if lists.count > 1 {
                node.anyOf = [add(values, node, "anyOf")] + others
            }
        }
        if !node.oneOf.isEmpty {
            let (lists, others) = try listed(node.oneOf, of: node, "oneOf")
            let values = Self.union(lists)
            // A value in two of the lists fulfils two alternatives, and so not the `oneOf`. Such values form an
            // alternative of their own beside the list of all values, so that they still fulfil more than one.
            var counts: [JSONValue: Int] = [:]
            for list in lists {
                for value in Set(list.map(JSONEquality.canonical)) { counts[value, default: 0] += 1 }
            }
            let isRepeated = { (value: JSONValue) in counts[JSONEquality.canonical(value)] ?? 0 > 1 }
            if others.isEmpty {
                restrict(node, to: values.filter { !isRepeated($0) })
                node.oneOf = []
            } else if lists.count > 1 {
                let repeated = values.filter(isRepeated)
                node.oneOf = [add(values, node, "oneOf")] + others
                if !repeated.isEmpty { node.oneOf.append(add(repeated, node, "oneOf")) }
            }
        }
    }

    /// The values of alternatives that are lists, and the numbers of the other alternatives.
    private func listed(
        _ alternatives: [Int], of node: SchemaNode, _ keyword: String
    ) throws(SchemaError) -> (lists: [[JSONValue]], others: [Int]) {
        var lists: [[JSONValue]] = []
        var others: [Int] = []
        for alternative in alternatives {
            if let values = try values(alternative, of: node, keyword) {
                lists.append(values)
            } else {
                others.append(alternative)
            }
        }
        return (lists, others)
    }

    /// The values that fulfil a schema; `nil` if it does not list them, or also constrains their members or items.
    private func values(
        _ number: Int, of node: SchemaNode, _ keyword: String
    ) throws(SchemaError) -> [JSONValue]? {
        var number = number
        while nodes[number].isOnlyReference, let target = nodes[number].reference { number = target }
        let alternative = nodes[number]
        guard let values = alternative.enumeration, alternative.inPlace.isEmpty, !alternative.saysWhatParts else {
            return nil
        }
        try spend(values.count, on: node, keyword)
        var kept: [JSONValue] = []
        for value in values {
            // A keyword that cannot be decided here is reported when the schema is expanded.
            guard let isValid = try? evaluator.isValid(value, number) else { return nil }
            if isValid { kept.append(value) }
        }
        return kept
    }

    /// The listed values without repeated spellings. Without this, lists of lists would grow with each level.
    private static func union(_ lists: [[JSONValue]]) -> [JSONValue] {
        var seen: Set<JSONValue> = []
        return lists.joined().filter { seen.insert($0).inserted }
    }

    /// Limits a schema to `values`. A schema with an `enum` of its own retains the values that are in both lists.
    private func restrict(_ node: SchemaNode, to values: [JSONValue]) {
        guard let own = node.enumeration else {
            node.enumeration = values
            return
        }
        let allowed = Set(values.map(JSONEquality.canonical))
        node.enumeration = own.filter { allowed.contains(JSONEquality.canonical($0)) }
    }

    /// Adds a schema that lists values.
    ///
    /// - Returns: its number.
    private mutating func add(_ values: [JSONValue], _ node: SchemaNode, _ keyword: String) -> Int {
        let list = SchemaNode(pointer: "\(node.pointer)/\(keyword)")
        list.enumeration = values
        nodes.append(list)
        return nodes.count - 1
    }

    /// Uses the steps for values that the evaluator tests.
    private func spend(_ values: Int, on node: SchemaNode, _ keyword: String) throws(SchemaError) {
        guard budget.spend(1 + values / 4) else {
            throw SchemaError(.limit, pointer: node.pointer, keyword: keyword, budget.reason)
        }
    }
}
