import MartletGrammar
import MartletText

extension SchemaEmitter {
    /// The largest table of members and counts.
    private static var cellLimit: Int { 12_000 }

    /// Adds a named member, name and value.
    typealias MemberWriter = (ObjectShape.Member, inout SchemaEmitter) throws -> Node
    /// Adds a member whose name is one of a set.
    typealias OtherWriter = (MemberNames, SchemaState, inout SchemaEmitter) throws -> Node

    /// The objects of a shape in the notation of the emitter.
    mutating func object(_ shape: ObjectShape) throws -> Node {
        // Between tags, a member with the name of array items would be read as an array.
        if case .tags = notation, shape.members.contains(where: { $0.key == ValueNotation.item }) {
            guard !shape.members.contains(where: { $0.key == ValueNotation.item && $0.isRequired }) else {
                throw SchemaError(
                    .unsupported, pointer: "#", keyword: "required",
                    "a member is named \"item\", as the items of lists are in the model's tool calls")
            }
            var shape = shape
            shape.members.removeAll { $0.key == ValueNotation.item }
            return try object(shape)
        }
        return try object(shape, in: objects) { entry, emitter in
            let value = try emitter.at(emitter.location(ofMember: entry.key)) { try $0.value(entry.state) }
            return emitter.member(entry.key, value)
        } others: { names, state, emitter in
            try emitter.member(names, emitter.at(.unknown) { try $0.value(state) })
        }
    }

    /// The members in the order of the schema, with commas where they belong.
    ///
    /// It is built from the last member to the first. The state is the number of members written so far. Without bounds
    /// it only matters whether it is 0, since that decides about the comma; with `minProperties` or `maxProperties`
    /// there is a column for each count. Example with optional `a` and `b`: cell (a, 0) is `"a": … (b, 1) | (b, 0)`.
    ///
    /// - Complexity: members × columns expressions, at most `cellLimit`.
    mutating func object(
        _ shape: ObjectShape, in brackets: Brackets, _ write: MemberWriter, others writeOther: OtherWriter
    ) throws -> Node {
        var shape = shape
        if notation == .gemma { shape.members.sort { ExactString($0.key) < ExactString($1.key) } }
        let least = shape.members.count { $0.isRequired } + shape.wanted.count
        // An upper bound that no object reaches is dropped. A bound that is too large to be counted is lowered, which
        // admits fewer objects, and never others.
        if shape.others.isEmpty, shape.maximum ?? 0 >= shape.members.count + shape.wanted.count { shape.maximum = nil }
        let remaining = min(2_000, Self.cellLimit / (shape.members.count + 1))
        if let maximum = shape.maximum, maximum > remaining, remaining > shape.minimum { shape.maximum = remaining }
        let isCounted = shape.maximum != nil || shape.minimum > least
        let columns = isCounted ? max(shape.minimum, shape.maximum ?? 0, 1) : 1
        guard columns <= Self.cellLimit, (shape.members.count + 1) * columns <= Self.cellLimit else {
            throw SchemaError(
                .unsupported, pointer: shape.countPointer,
                keyword: shape.maximum == nil ? "minProperties" : "maxProperties",
                "the table of members and counts is too large")
        }
        let areMany = !isCounted && shape.members.count > Self.fewMembers
        guard expander.budget.spend(areMany ? shape.members.count : 2 * (shape.members.count + 1) * columns) else {
            throw SchemaError(.limit, pointer: "#", keyword: "", expander.budget.reason)
        }
        if areMany { return try manyMembers(shape, brackets, write, others: writeOther) }
        var others: [Node] = []
        for other in shape.others { others.append(try writeOther(other.names, other.state, &self)) }
        // Wanted members come last: a later member of the same name would replace them.
        var wanted: [Node] = []
        for one in shape.wanted { wanted.append(try writeOther(one.names, one.state, &self)) }
        let other = builder.choice(others)
        // The cells of the row below: the rest of the object after so many members. The last cell stands for all
        // larger counts.
        var row: [Node] = []
        for count in 0...columns {
            row.append(
                isCounted
                    ? try tail(shape, brackets, other, count: count)
                    : tail(wanted, brackets, other, written: count))
        }
        // While a required member is still to come, no unnamed member may precede it, unless the schema admits unnamed
        // members explicitly: a misspelt name must not replace a required one.
        var mixes = true
        for entry in shape.members.reversed() {
            if entry.isRequired { mixes = shape.mixesOthers }
            let member = try write(entry, &self)
            row = cells(entry, member, mixes ? other : builder.never(), row, shape, brackets, isCounted: isCounted)
        }
        return builder.sequence([brackets.open, row[0]])
    }

    /// Up to so many members, the matcher tries each that may come next.
    private static var fewMembers: Int { 64 }

    /// An object with so many members that their names are looked up in a tree instead of being tried one by one.
    ///
    /// The members that may come next form a prefix tree of their names. Each position's tree shares its branches with
    /// the tree of the next position, so that n members need O(n) expressions.
    private mutating func manyMembers(
        _ shape: ObjectShape, _ brackets: Brackets, _ write: MemberWriter, others writeOther: OtherWriter
    ) throws -> Node {
        var others: [Node] = []
        for other in shape.others { others.append(try writeOther(other.names, other.state, &self)) }
        var wanted: [Node] = []
        for one in shape.wanted { wanted.append(try writeOther(one.names, one.state, &self)) }
        let other = builder.choice(others)
        let end = tail(wanted, brackets, other, written: 1)
        var next = GrammarBuilder.Alternatives()
        var behind = end
        var mixes = true
        var canEnd = true
        for entry in shape.members.reversed() {
            if entry.isRequired {
                mixes = shape.mixesOthers
                next = GrammarBuilder.Alternatives()
                canEnd = false
            }
            builder.add(builder.sequence([try write(entry, &self), behind]), to: &next)
            let members = builder.choice(of: next)
            let more = mixes ? builder.star(builder.sequence([brackets.between, other])) : builder.empty()
            let included = builder.sequence([brackets.between, members])
            behind = builder.sequence([more, canEnd ? builder.choice([included, end]) : included])
        }
        // An unnamed member may come before all named ones.
        let before = mixes ? builder.sequence([brackets.lead, other, behind]) : builder.never()
        let first = builder.choice([
            builder.sequence([brackets.lead, builder.choice(of: next)]), before,
            canEnd ? tail(wanted, brackets, other, written: 0) : builder.never(),
        ])
        return builder.sequence([brackets.open, first])
    }

    /// One row of the table: the rest of the object from a member on, for each number of members before it.
    private mutating func cells(
        _ entry: ObjectShape.Member, _ member: Node, _ other: Node, _ below: [Node], _ shape: ObjectShape,
        _ brackets: Brackets, isCounted: Bool
    ) -> [Node] {
        let last = below.count - 1
        var row = below
        for count in (0...last).reversed() {
            let next = count < last ? count + 1 : last
            let mayGrow = !isCounted || shape.maximum.map { count < $0 } ?? true
            // White space before the first member, a comma before all others.
            let lead = count == 0 ? brackets.lead : brackets.between
            if !isCounted, count == 1 {
                let included = builder.sequence([brackets.between, member])
                let own = entry.isRequired ? included : builder.optional(included)
                row[count] = builder.sequence([
                    builder.star(builder.sequence([brackets.between, other])), own, below[1],
                ])
                continue
            }
            var alternatives: [Node] = []
            if mayGrow { alternatives.append(builder.sequence([lead, member, below[next]])) }
            if !entry.isRequired { alternatives.append(below[count]) }
            if mayGrow {
                if count < last {
                    alternatives.append(builder.sequence([lead, other, row[next]]))
                } else {
                    let more = builder.star(builder.sequence([brackets.between, other]))
                    row[count] = builder.sequence([more, builder.choice(alternatives)])
                    continue
                }
            }
            row[count] = builder.choice(alternatives)
        }
        return row
    }

    /// The rest after the last named member: unnamed members, wanted members, and the bracket.
    private mutating func tail(
        _ wanted: [Node], _ brackets: Brackets, _ other: Node, written: Int
    ) -> Node {
        let more = builder.star(builder.sequence([brackets.between, other]))
        if wanted.isEmpty {
            if written > 0 { return builder.sequence([more, brackets.end]) }
            return builder.choice([
                brackets.emptyEnd, builder.sequence([brackets.lead, other, more, brackets.end]),
            ])
        }
        var ending = brackets.end
        for one in wanted.dropFirst().reversed() { ending = builder.sequence([brackets.between, one, ending]) }
        ending = builder.sequence([wanted[0], ending])
        let further = builder.sequence([more, brackets.between, ending])
        if written > 0 { return further }
        return builder.sequence([
            brackets.lead, builder.choice([ending, builder.sequence([other, further])]),
        ])
    }

    /// The rest after the last named member, where `count` members (in the last column: at least so many) were
    /// written.
    private mutating func tail(
        _ shape: ObjectShape, _ brackets: Brackets, _ other: Node, count: Int
    ) throws -> Node {
        guard shape.wanted.isEmpty else {
            throw SchemaError(
                .unsupported, pointer: shape.countPointer,
                keyword: shape.maximum == nil ? "minProperties" : "maxProperties",
                "the number of members is bounded, and a negated schema requires some member")
        }
        let remaining = shape.maximum.map { $0 - count }
        if let remaining, remaining < 0 { return builder.never() }
        // Unnamed members may repeat a name, so only the first of them is certain to count.
        let missing = shape.minimum - count
        if missing > 1 { return builder.never() }
        let pair = builder.sequence([brackets.between, other])
        if count == 0 {
            var alternatives: [Node] = missing <= 0 ? [brackets.emptyEnd] : []
            if remaining.map({ $0 > 0 }) ?? true {
                let more = try builder.repetition(pair, 0, remaining.map { $0 - 1 })
                alternatives.append(builder.sequence([brackets.lead, other, more, brackets.end]))
            }
            return builder.choice(alternatives)
        }
        return builder.sequence([try builder.repetition(pair, max(missing, 0), remaining), brackets.end])
    }
}
