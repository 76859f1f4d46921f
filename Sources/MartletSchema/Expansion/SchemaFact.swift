import MartletJSON
import MartletText

/// One thing that a value has to fulfil, without any alternative.
enum SchemaFact {
    case values([JSONValue])
    case noneOf([JSONValue], node: Int)
    case whole
    case fractional
    case minimum(DecimalNumber, excluding: Bool)
    case maximum(DecimalNumber, excluding: Bool)
    case divisor(DecimalNumber, negated: Bool, node: Int)
    case minLength(Int)
    case maxLength(Int)
    case text(PatternTable.Term, negated: Bool, node: Int)
    /// What `properties`, `patternProperties` and `additionalProperties` of a schema say of each member. `scopes`: the
    /// schemas with `unevaluatedProperties` for which those members are spoken of.
    case memberSource(node: Int, scopes: [Int])
    case unevaluatedMembers(node: Int, scopes: [Int])
    case require(String)
    case forbid(String)
    case member(String, SchemaLiteral)
    case minMembers(Int, node: Int)
    case maxMembers(Int, node: Int)
    case name(SchemaLiteral)
    case wantedMember(WantedMember)
    case itemSource(node: Int, scopes: [Int])
    case unevaluatedItems(node: Int, scopes: [Int])
    case item(Int, SchemaLiteral)
    case minItems(Int)
    case maxItems(Int)
    case counted(ArrayShape.CountedItems)
    case unique(node: Int)
}

/// A member that must be there because a schema must not hold.
struct WantedMember {
    enum Kind {
        /// One that `additionalProperties` speaks of.
        case additional
        /// One that matches the pattern of this place.
        case pattern(Int)
        /// Any whose name does not fulfil `propertyNames`.
        case name
    }
    var node: Int
    var kind: Kind
}

/// Facts about values of one type, put together.
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

    /// - Returns: whether a value can still be there.
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

    private var isContradiction: Bool {
        numbers.isWhole && numbers.isFractional || minLength > maxLength ?? .max || minItems > maxItems ?? .max
            || minMembers > maxMembers ?? .max || required.count > maxMembers ?? .max
            || !forbidden.isEmpty && required.contains { forbidden.contains($0) }
    }
}
