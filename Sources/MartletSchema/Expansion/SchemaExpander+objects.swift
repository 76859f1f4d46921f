import MartletJSON
import MartletText

extension SchemaExpander {
    /// The largest number of groups of unnamed members. k overlapping patterns make up to 2^k groups.
    private static let groupLimit = 64
    private static let wantedLimit = 2
    /// The cost of a transition of a product automaton, in transitions of a table that is only filled.
    static let productCost = 3

    /// The objects that fulfil facts.
    ///
    /// There are several shapes where a wanted member, which must exist because a schema must fail, can be one of
    /// several named members or an unnamed one.
    func objects(_ facts: SchemaFacts) throws(SchemaError) -> [ObjectShape] {
        var facts = facts
        for (values, node) in facts.noneOf {
            for case .object(let members) in values {
                guard members.isEmpty else {
                    throw exclusionError("objects", listedBy: node)
                }
                facts.minMembers = max(facts.minMembers, 1)
            }
        }
        guard facts.wanted.count <= Self.wantedLimit else {
            throw SchemaError(
                .unsupported, pointer: nodes[facts.wanted[0].node].pointer, keyword: "additionalProperties",
                "more than \(Self.wantedLimit) negated schemas require some member")
        }
        let keys = explicitKeys(facts)
        var shapes: [ObjectShape] = []
        var open: [(facts: SchemaFacts, wanted: [WantedMember], others: [WantedMember])] = [(facts, facts.wanted, [])]
        while let (facts, wanted, others) = open.popLast() {
            guard let member = wanted.last else {
                if let shape = try object(facts, keys, wanted: others) { shapes.append(shape) }
                continue
            }
            let rest = wanted.dropLast()
            open.append((facts, Array(rest), others + [member]))
            for key in keys {
                guard let literal = try failure(of: member, key) else { continue }
                var chosen = facts
                if let literal { chosen.members.append((key, literal)) }
                if chosen.add(.require(key)) { open.append((chosen, Array(rest), others)) }
            }
        }
        return shapes
    }

    /// The error for a negated schema that lists objects or arrays. A grammar cannot exclude single values with parts,
    /// as each has many texts.
    ///
    /// If the schema is an alternative of a `oneOf`, or is applied by one, the error names the nearest such `oneOf`,
    /// since that negates its alternatives. Without the values in one alternative, the others would admit less, so that
    /// relaxed mode drops the whole `oneOf`.
    ///
    /// - Complexity: linear in the schemas.
    func exclusionError(_ values: String, listedBy node: Int) -> SchemaError {
        var users = [[Int]](repeating: [], count: nodes.count)
        for (number, user) in nodes.enumerated() {
            for inner in user.inPlace { users[inner].append(number) }
        }
        var reached = [node]
        var seen: Set<Int> = [node]
        var position = 0
        while position < reached.count {
            let inner = reached[position]
            position += 1
            for user in users[inner] {
                if nodes[user].oneOf.contains(inner) {
                    return SchemaError(
                        .unsupported, pointer: nodes[user].pointer, keyword: "oneOf",
                        "listed \(values) of one alternative cannot be excluded from another alternative")
                }
                if seen.insert(user).inserted { reached.append(user) }
            }
        }
        return SchemaError(
            .unsupported, pointer: nodes[node].pointer, keyword: "enum",
            "listed \(values) cannot be excluded from the values that are allowed")
    }

    /// The names that the schemas mention, in the order in which the members are generated.
    private func explicitKeys(_ facts: SchemaFacts) -> [String] {
        var keys: [String] = []
        var seen: Set<ExactString> = []
        let named = (orderedSources(facts) + facts.wanted.map(\.node)).flatMap { nodes[$0].properties.map(\.key) }
        for key in named + facts.members.map(\.key) + facts.required where seen.insert(key) {
            keys.append(key)
        }
        return keys
    }

    /// The schemas that name members, in the order in which the members are generated.
    ///
    /// A schema whose `$ref` or `allOf` precedes its `properties` in the text moves behind the schemas that those
    /// reach.
    private func orderedSources(_ facts: SchemaFacts) -> [Int] {
        var sources = facts.memberSources.map(\.node)
        for node in sources where nodes[node].namesMembersLast {
            let inner = schemasWithin(node)
            guard let own = sources.firstIndex(of: node), let last = sources.lastIndex(where: inner.contains),
                own < last
            else { continue }
            sources.insert(node, at: last + 1)
            sources.remove(at: own)
        }
        return sources
    }

    /// The schemas that apply wherever a schema does, through `$ref` and `allOf`.
    private func schemasWithin(_ node: Int) -> Set<Int> {
        var found: Set<Int> = []
        var pending = [node]
        while let next = pending.popLast() {
            for inner in [nodes[next].reference].compactMap(\.self) + nodes[next].allOf
            where found.insert(inner).inserted { pending.append(inner) }
        }
        return found
    }

    /// The names that `propertyNames` refuses, if they are listed: `{"not": {"enum": ["a"]}}` refuses "a".
    func namesOutside(_ schema: Int) throws(SchemaError) -> [String]? {
        guard let literal = state([SchemaLiteral(node: schema, isNegated: true)]).literals.first, !literal.isNegated,
            let values = nodes[literal.node].enumeration
        else { return nil }
        var names: [String] = []
        for value in values {
            if let name = value.stringValue, try evaluator.holds(literal, value) { names.append(name) }
        }
        return names
    }

    /// The literal that the member `key` must fulfil to be the wanted member.
    ///
    /// - Returns: `nil` if it cannot be that member; `.some(nil)` if its name alone makes it that member.
    private func failure(of member: WantedMember, _ key: String) throws(SchemaError) -> SchemaLiteral?? {
        let node = nodes[member.node]
        switch member.kind {
        case .additional:
            guard node.propertyNumbers[key] == nil, let additional = node.additionalProperties else { return nil }
            for (pattern, _) in node.patternProperties where try matches(key, pattern, node) { return nil }
            return .some(SchemaLiteral(node: additional, isNegated: true))
        case .pattern(let position):
            let (pattern, schema) = node.patternProperties[position]
            return try matches(key, pattern, node) ? .some(SchemaLiteral(node: schema, isNegated: true)) : nil
        case .name:
            guard let names = node.propertyNames, !(try evaluator.isValid(.string(key), names)) else { return nil }
            return .some(nil)
        }
    }

    /// Whether a name matches a pattern of `patternProperties`.
    private func matches(_ key: String, _ pattern: String, _ node: SchemaNode) throws(SchemaError) -> Bool {
        try automaton(pattern, node).matches(key)
    }

    /// The automaton of a pattern of `patternProperties`.
    private func automaton(_ pattern: String, _ node: SchemaNode) throws(SchemaError) -> ScalarAutomaton {
        do {
            return try patterns.automaton(for: .pattern(pattern))
        } catch {
            throw SchemaError(refusal, pointer: node.pointer, keyword: "patternProperties", error.message)
        }
    }

    /// The objects with the wanted members among the unnamed ones.
    ///
    /// - Returns: `nil` if there is no such object, e.g. because a required member admits no value.
    private func object(
        _ facts: SchemaFacts, _ keys: [String], wanted: [WantedMember]
    ) throws(SchemaError) -> ObjectShape? {
        var members: [ObjectShape.Member] = []
        let required = Set<ExactString>(facts.required)
        for key in keys {
            let isRequired = required.contains(key)
            var isAllowed = !facts.forbidden.contains(key)
            for name in facts.names where isAllowed { isAllowed = try evaluator.holds(name, .string(key)) }
            if isAllowed {
                let state = try memberState(facts, name: key)
                if !isNever(state) {
                    members.append(.init(key: key, state: state, isRequired: isRequired))
                    continue
                }
            }
            if isRequired { return nil }
        }
        let (others, found) = try otherMembers(facts, keys, wanted)
        guard found.count == wanted.count else { return nil }
        var shape = ObjectShape(
            members: members, others: others, wanted: found, minimum: facts.minMembers, maximum: facts.maxMembers,
            mixesOthers: facts.memberSources.contains { source in
                let node = nodes[source.node]
                return !node.patternProperties.isEmpty
                    || node.additionalProperties.map { nodes[$0].constant != false } ?? false
            }, countPointer: (facts.maxMembersNode ?? facts.minMembersNode).map { nodes[$0].pointer } ?? "#")
        shape.minimum = max(shape.minimum, required.count + found.count)
        guard shape.minimum <= shape.maximum ?? .max else { return nil }
        let certain = members.count + max(found.count, others.isEmpty ? 0 : 1)
        if shape.minimum > certain {
            if others.isEmpty { return nil }
            throw SchemaError(
                .unsupported, pointer: facts.minMembersNode.map { nodes[$0].pointer } ?? "#", keyword: "minProperties",
                "members without fixed names may repeat a name, so that their number is not certain")
        }
        return shape
    }

    /// The state of a member: of a named one by its name, of unnamed ones by the patterns that their names match.
    ///
    /// `additionalProperties` of a schema applies if neither its `properties` nor its `patternProperties` does.
    /// `unevaluatedProperties` applies if no schema within its scope evaluates the member.
    private func memberState(
        _ facts: SchemaFacts, name: String? = nil, matching: Set<ExactString> = []
    ) throws(SchemaError) -> SchemaState {
        var literals: [SchemaLiteral] = []
        var spokenOf: Set<Int> = []
        for source in facts.memberSources {
            let node = nodes[source.node]
            let count = literals.count
            if let name, let property = node.propertyNumbers[name] { literals.append(SchemaLiteral(node: property)) }
            for (pattern, schema) in node.patternProperties {
                let isMatch: Bool
                if let name { isMatch = try matches(name, pattern, node) } else { isMatch = matching.contains(pattern) }
                if isMatch { literals.append(SchemaLiteral(node: schema)) }
            }
            if literals.count == count, let additional = node.additionalProperties {
                literals.append(SchemaLiteral(node: additional))
            }
            if literals.count > count { spokenOf.formUnion(source.scopes) }
        }
        for rest in facts.unevaluatedMembers where !spokenOf.contains(rest.node) {
            // A member that an inner `unevaluatedProperties` applies to is evaluated by that.
            if facts.unevaluatedMembers.contains(where: { $0.scopes.contains(rest.node) }) { continue }
            if let schema = nodes[rest.node].unevaluatedProperties { literals.append(SchemaLiteral(node: schema)) }
        }
        if let name {
            for member in facts.members where member.key.hasSameBytes(as: name) { literals.append(member.literal) }
        }
        return state(literals)
    }

    /// The unnamed members, in groups of names to which the same schemas apply, and those that are wanted.
    private func otherMembers(
        _ facts: SchemaFacts, _ keys: [String], _ wanted: [WantedMember]
    ) throws(SchemaError) -> (others: [ObjectShape.Others], wanted: [ObjectShape.Others]) {
        var pointer = "#"
        do {
            let sources = facts.memberSources.map(\.node) + wanted.map(\.node)
            let groups = try namesOutside(facts, keys, patternsOf: sources, &pointer)
            var others: [ObjectShape.Others] = []
            var found: [ObjectShape.Others] = []
            for group in groups {
                let state = try memberState(facts, matching: group.matching)
                if isNever(state) { continue }
                if let same = others.firstIndex(where: { $0.state == state }) {
                    others[same].names = .texts(try others[same].names.automaton.union(group.names.automaton))
                } else {
                    others.append(.init(names: group.names, state: state))
                }
            }
            for member in wanted {
                for group in groups {
                    let own = try memberState(facts, matching: group.matching)
                    guard let one = try wantedOthers(member, group.names, group.matching, own) else { continue }
                    found.append(one)
                    break
                }
            }
            return (others, found)
        } catch let error as RegexError {
            throw SchemaError(refusal, pointer: pointer, keyword: "patternProperties", error.message)
        } catch let error as SchemaError {
            throw error
        } catch {
            throw SchemaError(.limit, pointer: pointer, keyword: "patternProperties", "\(error)")
        }
    }

    /// The names outside `keys`, in groups that match the same patterns. No group is empty.
    ///
    /// Each pattern splits each group in two by intersection and difference. `propertyNames` and `forbidden` names are
    /// taken away first.
    ///
    /// - Parameter pointer: set to the schema that is being used, for the error.
    private func namesOutside(
        _ facts: SchemaFacts, _ keys: [String], patternsOf sources: [Int], _ pointer: inout String
    ) throws -> [(names: MemberNames, matching: Set<ExactString>)] {
        let outside = MemberNames(otherThan: Set<ExactString>(keys).union(facts.forbidden))
        if facts.names.isEmpty, sources.allSatisfy({ nodes[$0].patternProperties.isEmpty }) {
            return [(names: outside, matching: [])]
        }
        var names = outside.automaton
        try budget.spend(transitions: Self.productCost * names.transitions.count)
        if !facts.names.isEmpty {
            pointer = nodes[facts.names[0].node].pointer
            names = try names.intersection(texts(of: state(facts.names)))
        }
        var groups: [(names: ScalarAutomaton, matching: Set<ExactString>)] = []
        if !names.isEmpty { groups = [(names, [])] }
        var seen: Set<ExactString> = []
        for number in sources {
            pointer = nodes[number].pointer
            for (pattern, _) in nodes[number].patternProperties where seen.insert(pattern) {
                let automaton = try automaton(pattern, nodes[number])
                var split: [(names: ScalarAutomaton, matching: Set<ExactString>)] = []
                for group in groups {
                    split.append(
                        (try group.names.intersection(automaton), group.matching.union([ExactString(pattern)])))
                    split.append((try group.names.subtracting(automaton), group.matching))
                }
                try budget.spend(
                    transitions: Self.productCost * split.reduce(0) { $0 + $1.names.transitions.count })
                groups = split.filter { !$0.names.isEmpty }
                guard groups.count <= Self.groupLimit else {
                    throw RegexError(message: "patterns that overlap in more than \(Self.groupLimit) ways")
                }
            }
        }
        return groups.map { (names: .texts($0.names), matching: $0.matching) }
    }

    /// The members of a group that can be the wanted one; the first group that has such members is used.
    private func wantedOthers(
        _ member: WantedMember, _ names: MemberNames, _ matching: Set<ExactString>, _ own: SchemaState
    ) throws -> ObjectShape.Others? {
        let node = nodes[member.node]
        var literals = own.literals
        var names = names
        switch member.kind {
        case .additional:
            guard let additional = node.additionalProperties,
                !node.patternProperties.contains(where: { matching.contains($0.pattern) })
            else { return nil }
            literals.append(SchemaLiteral(node: additional, isNegated: true))
        case .pattern(let position):
            guard matching.contains(node.patternProperties[position].pattern) else { return nil }
            literals.append(SchemaLiteral(node: node.patternProperties[position].node, isNegated: true))
        case .name:
            guard let schema = node.propertyNames else { return nil }
            let failing = try texts(of: state([SchemaLiteral(node: schema, isNegated: true)]))
            let wanted = try names.automaton.intersection(failing)
            if wanted.isEmpty { return nil }
            names = .texts(wanted)
        }
        let state = state(literals)
        return isNever(state) ? nil : .init(names: names, state: state)
    }

    /// The strings that fulfil a state, as one automaton.
    private func texts(of state: SchemaState) throws -> ScalarAutomaton {
        var union = ScalarAutomaton.nothing
        for shape in try shapes(of: state) {
            switch shape {
            case .anything: return .everything
            case .values(let values):
                union = try union.union(ScalarAutomaton(texts: values.compactMap(\.stringValue)))
            case .string(let shape):
                let texts = shape.automaton ?? .everything
                union = try union.union(texts.limited(to: shape.minimum, shape.maximum))
            default: break
            }
        }
        return union
    }
}
