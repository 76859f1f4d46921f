internal import MartletText

/// An expression of a grammar. Integers refer to other expressions, which have smaller numbers, and to rules.
enum GrammarExpression: Hashable, Sendable {
    /// Matches the empty text.
    case empty
    /// Matches nothing.
    case never
    /// One byte or more.
    case literal([UInt8])
    case set(ByteSet)
    case sequence([Int32])
    case choice([Int32])
    /// At least `minimum` and at most `maximum` times; no maximum if it is `nil`.
    case repetition(Int32, minimum: Int32, maximum: Int32?)
    /// The number of a rule.
    case reference(Int32)
    /// The number of an automaton of the grammar.
    case automaton(Int32)
    case token(TokenTerm)
    /// A byte that begins an array in which no two items may be equal (`opens`), or that ends an item of such an
    /// array.
    case itemBound(UInt8, opens: Bool)

    /// The expressions that it consists of.
    var children: [Int32] {
        switch self {
        case .sequence(let parts), .choice(let parts): parts
        case .repetition(let child, _, _): [child]
        default: []
        }
    }

    /// Alternatives without `never` and without repetition.
    static func distinct(_ alternatives: [Int32]) -> [Int32] {
        if alternatives.count <= 16 {
            var kept: [Int32] = []
            kept.reserveCapacity(alternatives.count)
            for alternative in alternatives where alternative != 0 && !kept.contains(alternative) {
                kept.append(alternative)
            }
            return kept
        }
        var seen: Set<Int32> = [0]
        return alternatives.filter { seen.insert($0).inserted }
    }

    /// The cost against the limit of nodes; long literals and lists count more.
    var cost: Int {
        switch self {
        case .literal(let bytes): 1 + bytes.count / 16
        case .sequence(let parts), .choice(let parts): 1 + parts.count / 4
        default: 1
        }
    }
}

/// A term that matches one whole token, independent of its bytes.
package enum TokenTerm: Hashable, Sendable {
    /// The control token with this text; if the vocabulary has none, the bytes of the text.
    case controlToken(String)
    /// The token with this number.
    case id(Int32)
    /// The token with this text, which the vocabulary must have.
    case text(String)
    /// Any token except the one with this number.
    case otherThanID(Int32)
    /// Any token except the one with this text.
    case otherThanText(String)
    /// Any token that has no text of its own and does not end the generation, except those with these texts and
    /// numbers.
    case controlOtherThan(texts: [String], ids: [Int32])

    /// Texts of tokens are compared by their bytes.
    private enum Identity: Hashable {
        case controlToken(ExactString)
        case id(Int32)
        case text(ExactString)
        case otherThanID(Int32)
        case otherThanText(ExactString)
        case controlOtherThan(texts: [ExactString], ids: [Int32])
    }

    private var identity: Identity {
        switch self {
        case .controlToken(let text): .controlToken(ExactString(text))
        case .id(let id): .id(id)
        case .text(let text): .text(ExactString(text))
        case .otherThanID(let id): .otherThanID(id)
        case .otherThanText(let text): .otherThanText(ExactString(text))
        case .controlOtherThan(let texts, let ids): .controlOtherThan(texts: texts.map { ExactString($0) }, ids: ids)
        }
    }

    /// Compares the texts of tokens by their bytes.
    package static func == (left: TokenTerm, right: TokenTerm) -> Bool { left.identity == right.identity }

    /// Hashes the bytes of texts, as `==` compares them.
    package func hash(into hasher: inout Hasher) { hasher.combine(identity) }
}
