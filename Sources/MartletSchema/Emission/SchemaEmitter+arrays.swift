import MartletGrammar
import MartletJSON

extension SchemaEmitter {
    /// The largest table of positions and counts for `contains`.
    private static var cellLimit: Int { 4_096 }

    /// The arrays of a shape.
    ///
    /// Without counted items it is a chain, built from its end: each item of the prefix, then a repetition for the
    /// rest. Example with `prefixItems` of two and `minItems` 1: `[ a (, b (, rest)*)? ]`.
    mutating func array(_ shape: ArrayShape) throws -> Node {
        if let distinct = shape.distinct { return try array(shape, of: distinct) }
        let arrays = try brackets(of: shape)
        if !shape.counted.isEmpty { return try countedArray(shape, in: arrays) }
        if shape.prefix.isEmpty {
            return try list(
                item { try $0.value(shape.rest) }, in: arrays, minimum: shape.minimum, maximum: shape.maximum)
        }
        // From the end: first the items after the prefix, then each item of the prefix.
        let count = shape.prefix.count
        var rest = arrays.end
        if shape.maximum ?? .max > count {
            let next = builder.sequence([arrays.between, try item { try $0.value(shape.rest) }])
            let more = try builder.repetition(next, max(shape.minimum - count, 0), shape.maximum.map { $0 - count })
            rest = builder.sequence([more, arrays.end])
        }
        for index in (0..<count).reversed() {
            let lead = index == 0 ? arrays.lead : arrays.between
            let written = builder.sequence([lead, try item { try $0.value(shape.prefix[index]) }, rest])
            if shape.minimum > index {
                rest = written
            } else {
                rest = builder.choice([index == 0 ? arrays.emptyEnd : arrays.end, written])
            }
        }
        return builder.sequence([arrays.open, rest])
    }

    /// The brackets and commas of an array. For `uniqueItems` they carry marks at which the matcher compares items.
    ///
    /// The grammar cannot express that items differ (it is not context-free), so the matcher refuses an end of an item
    /// that equals an earlier one. See decision 0100.
    private mutating func brackets(of shape: ArrayShape) throws -> Brackets {
        guard let pointer = shape.distinctPointer else { return arrays }
        switch notation {
        case .json, .python: break
        case .gemma, .tags:
            throw SchemaError(
                .unsupported, pointer: pointer, keyword: "uniqueItems",
                "in the model's notation of arguments, it is supported only for items of at most "
                    + "\(SchemaExpander.distinctLimit) values in all")
        }
        let comma = builder.distinctItemEnd(UInt8(ascii: ","))
        let end = builder.distinctItemEnd(UInt8(ascii: "]"))
        return Brackets(
            open: builder.distinctItemsOpening(), emptyEnd: arrays.emptyEnd, lead: arrays.lead,
            between: builder.sequence([comma, spacing.afterComma]), end: builder.sequence([spacing.inside, end]))
    }

    /// An array in which the number of items that fulfil a schema is bounded (`contains`).
    ///
    /// There is a rule for each position and count. Row `positions` stands for all later positions, column `counts` for
    /// all larger counts, so that the table is finite: at most `cellLimit` rules.
    private mutating func countedArray(_ shape: ArrayShape, in arrays: Brackets) throws -> Node {
        guard shape.counted.count == 1, let counted = shape.counted.first else {
            throw SchemaError(
                .unsupported, pointer: shape.counted[0].pointer, keyword: shape.counted[0].keyword,
                "more than one schema counts the items of an array")
        }
        // Positions from `positions` on behave alike, unless there is a maximum.
        let positions = max(shape.prefix.count, shape.minimum, counted.start, shape.maximum ?? 0, 1)
        let counts = max(counted.minimum, (counted.maximum ?? -1) + 1)
        guard positions < Self.cellLimit, counts < Self.cellLimit, (positions + 1) * (counts + 1) <= Self.cellLimit
        else {
            throw SchemaError(
                .unsupported, pointer: counted.pointer, keyword: counted.keyword,
                "items are counted in more than \(Self.cellLimit) ways")
        }
        guard expander.budget.spend(2 * (positions + 1) * (counts + 1)) else {
            throw SchemaError(.limit, pointer: counted.pointer, keyword: counted.keyword, expander.budget.reason)
        }
        let rule = builder.rule(named: "\(counted.pointer)/\(counted.keyword)")
        var rules: [[GrammarBuilder.Rule]] = []
        for position in 0...positions {
            rules.append((0...counts).map { builder.rule(named: "\(counted.pointer) \(position) \($0)") })
        }
        let not = SchemaLiteral(node: counted.literal.node, isNegated: !counted.literal.isNegated)
        for position in 0...positions {
            let own = shape.state(at: position)
            let plain = try item { try $0.value(own) }
            let yes = try item { try $0.value($0.expander.state(own.literals + [counted.literal])) }
            // Without a maximum, further matching items are harmless, and the negated schema is not needed.
            let no = counted.maximum == nil ? plain : try item { try $0.value($0.expander.state(own.literals + [not])) }
            let lead = position == 0 ? arrays.lead : arrays.between
            let next = min(position + 1, positions)
            for count in 0...counts {
                var alternatives: [Node] = []
                let isEnough = count >= counted.minimum && count <= counted.maximum ?? .max
                if position >= shape.minimum, isEnough {
                    alternatives.append(position == 0 ? arrays.emptyEnd : arrays.end)
                }
                if shape.maximum.map({ position < $0 }) ?? true {
                    if position < counted.start {
                        alternatives.append(
                            builder.sequence([lead, plain, builder.reference(rules[next][count])]))
                    } else {
                        let more = min(count + 1, counts)
                        if counted.maximum.map({ count < $0 }) ?? true {
                            alternatives.append(builder.sequence([lead, yes, builder.reference(rules[next][more])]))
                        }
                        alternatives.append(builder.sequence([lead, no, builder.reference(rules[next][count])]))
                    }
                }
                builder.define(rules[position][count], as: builder.choice(alternatives))
            }
        }
        builder.define(rule, as: builder.sequence([arrays.open, builder.reference(rules[0][0])]))
        return builder.reference(rule)
    }

    /// An array of few possible values, none of them twice: a rule for each set of values that are present already.
    ///
    /// With at most 8 values there are at most 256 rules. It needs no comparison at run time.
    private mutating func array(_ shape: ArrayShape, of values: [JSONValue]) throws -> Node {
        let sets = 1 << values.count
        let name = "distinct items"
        let rules = (0..<sets).map { _ in builder.rule(named: name) }
        // The number of values present is the position of the next item.
        for set in 0..<sets {
            let position = set.nonzeroBitCount
            var alternatives: [Node] = []
            if position >= shape.minimum { alternatives.append(position == 0 ? arrays.emptyEnd : arrays.end) }
            if shape.maximum.map({ position < $0 }) ?? true {
                for (index, value) in values.enumerated() where set & 1 << index == 0 {
                    var isAllowed = true
                    for literal in shape.state(at: position).literals where isAllowed {
                        isAllowed = try expander.evaluator.holds(literal, value)
                    }
                    guard isAllowed else { continue }
                    let lead = position == 0 ? arrays.lead : arrays.between
                    alternatives.append(
                        builder.sequence([
                            lead, item { $0.text(of: value) }, builder.reference(rules[set | 1 << index]),
                        ]))
                }
            }
            builder.define(rules[set], as: builder.choice(alternatives))
        }
        return builder.sequence([arrays.open, builder.reference(rules[0])])
    }
}
