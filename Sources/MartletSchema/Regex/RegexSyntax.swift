/// A parsed regular expression, as far as it determines which texts match.
///
/// Groups and laziness do not change which texts match and are not represented.
indirect enum RegexSyntax: Hashable, Sendable {
    /// A condition on the position between two characters.
    enum Assertion: Hashable, Sendable {
        case start
        case end
        case wordBoundary
        case noWordBoundary
    }

    /// One scalar of the set.
    case set(ScalarSet)
    case sequence([RegexSyntax])
    case choice([RegexSyntax])
    case repetition(RegexSyntax, minimum: Int, maximum: Int?)
    case assertion(Assertion)
    /// The rest of the text begins, or does not begin, with a match of the expression.
    case lookahead(RegexSyntax, negated: Bool)

    /// The expression that matches the empty text.
    static let empty = RegexSyntax.sequence([])

    /// Whether a lookahead occurs in it.
    var containsLookahead: Bool {
        switch self {
        case .set, .assertion: false
        case .sequence(let parts), .choice(let parts): parts.contains(where: \.containsLookahead)
        case .repetition(let part, _, _): part.containsLookahead
        case .lookahead: true
        }
    }

    /// Whether an assertion in it depends on the character before.
    var looksBehind: Bool {
        switch self {
        case .set: false
        case .assertion(let assertion): assertion != .end
        case .sequence(let parts), .choice(let parts): parts.contains(where: \.looksBehind)
        case .repetition(let part, _, _), .lookahead(let part, _): part.looksBehind
        }
    }
}

/// The reason why a regular expression has no automaton.
struct RegexError: Error, Equatable, Sendable {
    /// One clause; it becomes the reason of a `SchemaError`.
    var message: String
}
