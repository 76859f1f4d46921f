/// A schema that a value has to fulfil, or its negation.
struct SchemaLiteral: Hashable, Sendable, Comparable {
    var node: Int
    var isNegated = false

    /// An arbitrary total order, for the normal form of states.
    static func < (left: SchemaLiteral, right: SchemaLiteral) -> Bool {
        (left.node, left.isNegated ? 1 : 0) < (right.node, right.isNegated ? 1 : 0)
    }
}

/// The set of literals that a value has to fulfil.
///
/// A document of n schemas has at most 3^n states. This is finite, so that a recursive schema becomes a finite grammar;
/// the states that occur are few.
struct SchemaState: Hashable, Sendable {
    /// Ascending, without repetition.
    let literals: [SchemaLiteral]

    /// Creates the state of literals in any order.
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
