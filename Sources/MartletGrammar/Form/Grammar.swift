/// A set of texts: a context-free grammar over bytes and tokens.
///
/// It was checked when it was built: every rule is defined, no rule begins with itself, and every part matches a finite
/// text. It is built by a `GrammarBuilder` or decoded from bytes, and is immutable.
package struct Grammar: Sendable, Equatable {
    /// A rule: the number of the expression that it stands for. The name is for error messages.
    struct Rule: Sendable, Equatable {
        var name: String
        var body: Int32
    }

    /// The expressions; each comes after the expressions that it consists of.
    let expressions: [GrammarExpression]
    let rules: [Rule]
    /// The automata, trimmed: a text can be completed from each state.
    let automata: [ByteAutomaton]
    /// The number of the rule whose texts are the grammar's texts.
    let root: Int32
}

extension Grammar {
    /// An estimate of its size in memory, in bytes.
    var byteCount: Int {
        let parts = expressions.reduce(0) { count, expression in
            if case .literal(let bytes) = expression { return count + bytes.count }
            return count + 4 * expression.children.count
        }
        let tables = automata.reduce(0) { $0 + 4 * $1.transitions.count + $1.stateCount + 256 }
        return parts + tables + 48 * expressions.count + 32 * rules.count
    }
}
