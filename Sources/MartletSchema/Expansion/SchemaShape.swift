import MartletGrammar
import MartletJSON

/// One alternative of the values of a state, in which nothing is left to decide but what its members and items are.
enum SchemaShape {
    /// Any value at all.
    case anything
    /// One of these, as they are written.
    case values([JSONValue])
    case number(ByteAutomaton)
    case string(StringShape)
    case array(ArrayShape)
    case object(ObjectShape)
}

struct StringShape {
    /// `nil` = any text.
    var automaton: ScalarAutomaton?
    /// What `automaton` does not say already.
    var minimum = 0
    var maximum: Int?
    /// The keyword that says most of it, and the schema it stands in.
    var keyword = SchemaKeyword(pointer: "#", keyword: "pattern")
}

struct ArrayShape {
    var prefix: [SchemaState]
    /// What items behind the prefix fulfil.
    var rest: SchemaState
    var minimum: Int
    var maximum: Int?
    /// How many items fulfil something more.
    var counted: [CountedItems]
    /// Few values, of which no two may be equal: written out as all the ways to choose of them.
    var distinct: [JSONValue]?
    /// Of the schema by which no two items may be equal, where that is told only when they are written.
    var distinctPointer: String?

    struct CountedItems {
        /// Where the items begin that count.
        var start = 0
        var literal: SchemaLiteral
        var minimum: Int
        var maximum: Int?
        var pointer: String
        var keyword: String
    }

    func state(at index: Int) -> SchemaState { index < prefix.count ? prefix[index] : rest }
}

struct ObjectShape {
    struct Member {
        var key: String
        var state: SchemaState
        var isRequired: Bool
    }
    /// Members whose names are not in the schema.
    struct Others {
        var names: MemberNames
        var state: SchemaState
    }

    /// In the order of the schema.
    var members: [Member]
    var others: [Others]
    /// Of which there must be one each.
    var wanted: [Others]
    var minimum: Int
    var maximum: Int?
    /// Whether other members may stand between those of the schema, not only behind them.
    var mixesOthers: Bool
    /// Of the schema that bounds the number of members, if one does.
    var countPointer = "#"
}
