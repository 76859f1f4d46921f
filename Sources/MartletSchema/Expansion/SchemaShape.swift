import MartletGrammar
import MartletJSON

/// One alternative of the values of a state, in which only the states of members and items are still to be
/// expanded.
enum SchemaShape {
    /// Any value.
    case anything
    /// One of these values.
    case values([JSONValue])
    case number(ByteAutomaton)
    case string(StringShape)
    case array(ArrayShape)
    case object(ObjectShape)
}

/// The strings of one alternative.
struct StringShape {
    /// The texts; `nil` for any.
    var automaton: ScalarAutomaton?
    /// Bounds of the length in Unicode scalars, where `automaton` does not have them in its states.
    var minimum = 0
    var maximum: Int?
    /// The keyword that constrains it most, for errors.
    var keyword = SchemaKeyword(pointer: "#", keyword: "pattern")
}

/// The arrays of one alternative.
struct ArrayShape {
    /// The states of the first items.
    var prefix: [SchemaState]
    /// The state of all items after the prefix.
    var rest: SchemaState
    var minimum: Int
    var maximum: Int?
    /// Bounds on the number of items that fulfil a further literal.
    var counted: [CountedItems]
    /// The few possible values of an array without equal items; it is written out as all permutations.
    var distinct: [JSONValue]?
    /// The schema with `uniqueItems`, if items are compared during generation.
    var distinctPointer: String?

    /// A bound on the number of items that fulfil a literal.
    struct CountedItems {
        /// The position of the first item that counts.
        var start = 0
        var literal: SchemaLiteral
        var minimum: Int
        var maximum: Int?
        var pointer: String
        var keyword: String
    }

    /// The state of the item at a position.
    func state(at index: Int) -> SchemaState { index < prefix.count ? prefix[index] : rest }
}

/// The objects of one alternative.
struct ObjectShape {
    /// A named member.
    struct Member {
        var key: String
        var state: SchemaState
        var isRequired: Bool
    }
    /// Unnamed members with names of a set.
    struct Others {
        var names: MemberNames
        var state: SchemaState
    }

    /// The named members in the order in which they are generated.
    var members: [Member]
    /// The groups of unnamed members; any number of each.
    var others: [Others]
    /// Groups of which exactly one member must exist.
    var wanted: [Others]
    var minimum: Int
    var maximum: Int?
    /// Whether unnamed members may stand between named ones, and not only after them.
    var mixesOthers: Bool
    /// The schema with `minProperties` or `maxProperties`, for errors.
    var countPointer = "#"
}
