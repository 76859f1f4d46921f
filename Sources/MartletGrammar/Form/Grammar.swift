/// What may be written: a context-free grammar over bytes and tokens.
///
/// Checked when it was made: every rule is defined, no rule begins with itself, and from everything in it a finite text
/// ends. Made by a `GrammarBuilder` or from encoded bytes.
package struct Grammar: Sendable, Equatable {
    struct Rule: Sendable, Equatable {
        var name: String
        var body: Int32
    }

    /// Each after those it consists of.
    let expressions: [GrammarExpression]
    let rules: [Rule]
    /// Trimmed: from each state a text ends.
    let automata: [ByteAutomaton]
    let root: Int32
}

extension Grammar {
    /// About how many bytes it takes in memory.
    var byteCount: Int {
        let parts = expressions.reduce(0) { count, expression in
            if case .literal(let bytes) = expression { return count + bytes.count }
            return count + 4 * expression.children.count
        }
        let tables = automata.reduce(0) { $0 + 4 * $1.transitions.count + $1.stateCount + 256 }
        return parts + tables + 48 * expressions.count + 32 * rules.count
    }
}
