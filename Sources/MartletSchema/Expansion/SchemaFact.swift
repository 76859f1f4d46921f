import MartletJSON
import MartletText

/// A constraint on a value of one type, without alternatives.
///
/// `node` is the schema that has the keyword, for errors. `scopes` are the schemas with `unevaluatedProperties` or
/// `unevaluatedItems` for which the members or items count as evaluated.
enum SchemaFact {
    /// The value is one of these (`enum`, `const`); a tested superset.
    case values([JSONValue])
    /// The value is none of these; from a negated `enum`.
    case noneOf([JSONValue], node: Int)
    /// The number has no fraction; it has one.
    case whole
    case fractional
    case minimum(DecimalNumber, excluding: Bool)
    case maximum(DecimalNumber, excluding: Bool)
    case divisor(DecimalNumber, negated: Bool, node: Int)
    case minLength(Int)
    case maxLength(Int)
    /// The string has, or does not have, a pattern or format.
    case text(PatternTable.Term, negated: Bool, node: Int)
    /// `properties`, `patternProperties` and `additionalProperties` of a schema apply.
    case memberSource(node: Int, scopes: [Int])
    case unevaluatedMembers(node: Int, scopes: [Int])
    /// A member exists, or does not exist.
    case require(String)
    case forbid(String)
    /// If the member exists, it fulfils the literal.
    case member(String, SchemaLiteral)
    case minMembers(Int, node: Int)
    case maxMembers(Int, node: Int)
    /// Each name fulfils the literal (`propertyNames`).
    case name(SchemaLiteral)
    /// Some member exists that makes a negated schema fail.
    case wantedMember(WantedMember)
    /// `prefixItems` and `items` of a schema apply.
    case itemSource(node: Int, scopes: [Int])
    case unevaluatedItems(node: Int, scopes: [Int])
    /// If the item at the position exists, it fulfils the literal.
    case item(Int, SchemaLiteral)
    case minItems(Int)
    case maxItems(Int)
    /// A number of items fulfil a literal (`contains`).
    case counted(ArrayShape.CountedItems)
    /// No two items are equal (`uniqueItems`).
    case unique(node: Int)
}

/// A member that must exist because a schema must fail.
struct WantedMember {
    enum Kind {
        /// A member that `additionalProperties` applies to.
        case additional
        /// A member that matches the pattern at this position of `patternProperties`.
        case pattern(Int)
        /// A member whose name fails `propertyNames`.
        case name
    }
    var node: Int
    var kind: Kind
}

/// The facts of one branch, joined: bounds are tightened, lists are appended.
struct SchemaFacts {
    var values: [JSONValue]?
    var noneOf: [(values: [JSONValue], node: Int)] = []
    var numbers = NumberConstraints()
    var divisorNode: Int?
    var minLength = 0
    var maxLength: Int?
    var texts: [(term: PatternTable.Term, negated: Bool, node: Int)] = []
    var memberSources: [(node: Int, scopes: [Int])] = []
    var unevaluatedMembers: [(node: Int, scopes: [Int])] = []
    var required: [String] = []
    var forbidden: Set<ExactString> = []
    var members: [(key: String, literal: SchemaLiteral)] = []
    var minMembers = 0
    var minMembersNode: Int?
    var maxMembers: Int?
    var maxMembersNode: Int?
    var names: [SchemaLiteral] = []
    var wanted: [WantedMember] = []
    var itemSources: [(node: Int, scopes: [Int])] = []
    var unevaluatedItems: [(node: Int, scopes: [Int])] = []
    var items: [(index: Int, literal: SchemaLiteral)] = []
    var minItems = 0
    var maxItems: Int?
    var counted: [ArrayShape.CountedItems] = []
    var uniqueNode: Int?

    /// Adds a fact.
    ///
    /// - Returns: whether a value may still exist. `false` is certain; `true` is not.
    mutating func add(_ fact: SchemaFact) -> Bool {
        switch fact {
        case .values(let values): self.values = self.values ?? values
        case .noneOf(let values, let node): noneOf.append((values, node))
        case .whole: numbers.isWhole = true
        case .fractional: numbers.isFractional = true
        case .minimum(let bound, let excluding): numbers.raise(minimum: bound, excluding: excluding)
        case .maximum(let bound, let excluding): numbers.lower(maximum: bound, excluding: excluding)
        case .divisor(let divisor, let negated, let node):
            if negated { numbers.nonDivisors.append(divisor) } else { numbers.divisors.append(divisor) }
            divisorNode = node
        case .minLength(let length): minLength = max(minLength, length)
        case .maxLength(let length): maxLength = min(maxLength ?? length, length)
        case .text(let term, let negated, let node): texts.append((term, negated, node))
        case .memberSource(let node, let scopes): memberSources.append((node, scopes))
        case .unevaluatedMembers(let node, let scopes): unevaluatedMembers.append((node, scopes))
        case .require(let key): if !required.containsBytes(of: key) { required.append(key) }
        case .forbid(let key): forbidden.insert(key)
        case .member(let key, let literal): members.append((key, literal))
        case .minMembers(let count, let node):
            if count > minMembers { (minMembers, minMembersNode) = (count, node) }
        case .maxMembers(let count, let node):
            if count < maxMembers ?? .max { (maxMembers, maxMembersNode) = (count, node) }
        case .name(let literal): names.append(literal)
        case .wantedMember(let member): wanted.append(member)
        case .itemSource(let node, let scopes): itemSources.append((node, scopes))
        case .unevaluatedItems(let node, let scopes): unevaluatedItems.append((node, scopes))
        case .item(let index, let literal): items.append((index, literal))
        case .minItems(let count): minItems = max(minItems, count)
        case .maxItems(let count): maxItems = min(maxItems ?? count, count)
        case .counted(let items): counted.append(items)
        case .unique(let node): uniqueNode = node
        }
        return !isContradiction
    }

    /// Whether facts contradict each other in a way that is cheap to see. Automata find the other contradictions
    /// later.
    private var isContradiction: Bool {
        numbers.isWhole && numbers.isFractional || minLength > maxLength ?? .max || minItems > maxItems ?? .max
            || minMembers > maxMembers ?? .max || required.count > maxMembers ?? .max
            || !forbidden.isEmpty && required.contains { forbidden.contains($0) }
    }
}
