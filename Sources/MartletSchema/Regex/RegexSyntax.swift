/// A regular expression, as far as it says which texts match.
///
/// Groups leave no trace and lazy repetitions are as greedy ones: neither changes which texts match.
indirect enum RegexSyntax: Hashable, Sendable {
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
    /// What follows begins with the expression, or does not.
    case lookahead(RegexSyntax, negated: Bool)

    static let empty = RegexSyntax.sequence([])

    var containsLookahead: Bool {
        switch self {
        case .set, .assertion: false
        case .sequence(let parts), .choice(let parts): parts.contains(where: \.containsLookahead)
        case .repetition(let part, _, _): part.containsLookahead
        case .lookahead: true
        }
    }

    /// Whether it asks what stands before it.
    var looksBehind: Bool {
        switch self {
        case .set: false
        case .assertion(let assertion): assertion != .end
        case .sequence(let parts), .choice(let parts): parts.contains(where: \.looksBehind)
        case .repetition(let part, _, _), .lookahead(let part, _): part.looksBehind
        }
    }
}

/// Why a regular expression cannot be honoured.
struct RegexError: Error, Equatable, Sendable {
    /// One clause that says what is wrong.
    var message: String
}
