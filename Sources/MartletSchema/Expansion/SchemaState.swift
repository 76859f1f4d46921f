/// A schema that a value has to fulfil, or must not.
struct SchemaLiteral: Hashable, Sendable, Comparable {
    var node: Int
    var isNegated = false

    static func < (left: SchemaLiteral, right: SchemaLiteral) -> Bool {
        (left.node, left.isNegated ? 1 : 0) < (right.node, right.isNegated ? 1 : 0)
    }
}

/// All that a value at one place has to fulfil. There are finitely many, also of a schema that refers to itself.
struct SchemaState: Hashable, Sendable {
    /// Ascending, each once.
    let literals: [SchemaLiteral]

    init(_ literals: [SchemaLiteral]) {
        guard literals.count > 1 else {
            self.literals = literals
            return
        }
        self.literals = literals.sorted().reduce(into: []) { distinct, literal in
            if distinct.last != literal { distinct.append(literal) }
        }
    }
}
