import MartletJSON

/// Makes one list of alternatives that each list their values.
///
/// `{"anyOf": [{"const": 1}, {"const": 2}, {"type": "string"}]}` says the same as
/// `{"anyOf": [{"enum": [1, 2]}, {"type": "string"}]}`: thousands of values are then tested one by one, and are not
/// thousands of alternatives. Where all alternatives are lists, the schema around them lists their values itself.
struct ListedAlternatives {
    private var nodes: [SchemaNode]
    private let evaluator: SchemaEvaluator
    private let budget: CompileBudget

    /// - Parameter nodes: none of which asks the same value to fulfil itself.
    init(_ nodes: [SchemaNode], patterns: PatternTable, budget: CompileBudget) {
        self.nodes = nodes
        self.budget = budget
        evaluator = SchemaEvaluator(nodes: nodes, patterns: patterns)
    }

    /// The same schemas, and behind them the lists that are new.
    mutating func joined() throws(SchemaError) -> [SchemaNode] {
        let count = nodes.count
        var isDone = [Bool](repeating: false, count: count)
        // Inner alternatives first.
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
            // A value of several lists fulfils more than one.
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

    /// The values of the alternatives that are lists, and the other alternatives.
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

    /// The values that fulfil a schema, if it lists them and says nothing of the parts of a value.
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
            // What cannot be decided is refused where the schema is expanded.
            guard let isValid = try? evaluator.isValid(value, number) else { return nil }
            if isValid { kept.append(value) }
        }
        return kept
    }

    /// Each spelling of a value once, so that lists of lists do not grow.
    private static func union(_ lists: [[JSONValue]]) -> [JSONValue] {
        var seen: Set<JSONValue> = []
        return lists.joined().filter { seen.insert($0).inserted }
    }

    private func restrict(_ node: SchemaNode, to values: [JSONValue]) {
        guard let own = node.enumeration else {
            node.enumeration = values
            return
        }
        let allowed = Set(values.map(JSONEquality.canonical))
        node.enumeration = own.filter { allowed.contains(JSONEquality.canonical($0)) }
    }

    private mutating func add(_ values: [JSONValue], _ node: SchemaNode, _ keyword: String) -> Int {
        let list = SchemaNode(pointer: "\(node.pointer)/\(keyword)")
        list.enumeration = values
        nodes.append(list)
        return nodes.count - 1
    }

    private func spend(_ values: Int, on node: SchemaNode, _ keyword: String) throws(SchemaError) {
        guard budget.spend(1 + values / 4) else {
            throw SchemaError(.limit, pointer: node.pointer, keyword: keyword, budget.reason)
        }
    }
}
