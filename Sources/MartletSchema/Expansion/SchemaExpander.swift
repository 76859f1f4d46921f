import MartletGrammar
import MartletJSON

/// Expands states into shapes: for each type of value, alternatives with all constraints put together.
///
/// The method is that of a tableau prover. A literal is interpreted as facts, further literals and choices; literals
/// are added until none is open; each choice branches; a branch with contradicting facts is closed. `not` is pushed
/// inwards, `oneOf` becomes alternatives that exclude one another, and `if` becomes two cases.
///
///     state --interpret--> facts, literals, choices --settle--> conjunction of facts --> shape
///
/// It is a class, as shapes are memoized by state and shared with the search for contradictions. One task uses it.
///
/// - Complexity: the alternatives of a value are limited to 512; the budget limits the sum.
final class SchemaExpander {
    let nodes: [SchemaNode]
    let patterns: PatternTable
    let limits: SchemaLimits
    let budget: CompileBudget
    let evaluator: SchemaEvaluator
    /// The shapes of states that were expanded.
    private var shapes: [SchemaState: [SchemaShape]] = [:]
    /// States for which it is known whether a value fulfils them.
    private var emptiness: [SchemaState: Bool] = [:]
    /// States whose emptiness is being decided; a recursive schema meets them again.
    private var open: Set<SchemaState> = []
    /// Pairs of schemas, and a type, with the result of `areDisjoint`.
    private var disjointness: [[Int]: Bool] = [:]
    /// Automata of numbers, and failures.
    private var numbers: [NumberConstraints: Result<ByteAutomaton?, RegexError>] = [:]

    /// Creates an expander of schemas that were read.
    init(nodes: [SchemaNode], limits: SchemaLimits, budget: CompileBudget, patterns: PatternTable) {
        self.nodes = nodes
        self.limits = limits
        self.budget = budget
        self.patterns = patterns
        evaluator = SchemaEvaluator(nodes: nodes, patterns: patterns)
    }

    /// The state of some literals, in a normal form that makes equal states equal.
    ///
    /// References are followed, `not` becomes part of the literal, and schemas that admit every value are removed.
    func state(_ literals: [SchemaLiteral]) -> SchemaState {
        SchemaState(literals.map(followed).filter { nodes[$0.node].constant != !$0.isNegated })
    }

    /// A literal without schemas that consist of `$ref` or of `not`.
    private func followed(_ literal: SchemaLiteral) -> SchemaLiteral {
        var literal = literal
        while true {
            let node = nodes[literal.node]
            if node.isOnlyReference, let target = node.reference {
                literal.node = target
            } else if node.isOnlyNegation, let inner = node.not {
                literal = SchemaLiteral(node: inner, isNegated: !literal.isNegated)
            } else {
                return literal
            }
        }
    }

    /// Whether a state is contradictory on its face: it contains `false`, or a schema together with its negation.
    func isNever(_ state: SchemaState) -> Bool {
        state.literals.contains { nodes[$0.node].constant == $0.isNegated }
            || zip(state.literals, state.literals.dropFirst()).contains { $0.node == $1.node }
    }

    /// The shapes of a state; no shape if no value fulfils it.
    ///
    /// - Throws: the first keyword that cannot be enforced, or a limit.
    func shapes(of state: SchemaState) throws(SchemaError) -> [SchemaShape] {
        if let known = shapes[state] { return known }
        let found = try expand(state)
        shapes[state] = found
        return found
    }

    /// Expands a state, one type after the other.
    private func expand(_ state: SchemaState) throws(SchemaError) -> [SchemaShape] {
        if state.literals.isEmpty { return [.anything] }
        if isNever(state) { return [] }
        if let values = enumeration(of: state) { return try finite(values, state) }
        var shapes: [SchemaShape] = []
        var values: [JSONValue] = []
        var isBoolean = false
        for type in [JSONTypes.object, .array, .string, .number, .boolean, .null] {
            for facts in try conjunctions(state, type) {
                if let listed = facts.values {
                    values += listed
                    continue
                }
                switch type {
                case .null:
                    if facts.noneOf.isEmpty { values.append(.null) }
                case .boolean: isBoolean = true
                case .number: if let shape = try number(facts) { shapes.append(shape) }
                case .string: if let shape = try string(facts) { shapes.append(shape) }
                case .array: if let shape = try array(facts) { shapes.append(.array(shape)) }
                default: shapes += try objects(facts).map { .object($0) }
                }
            }
        }
        if isBoolean { values += [.bool(false), .bool(true)] }
        return shapes + (try finite(values, state))
    }

    /// The values that fulfil a state, of some candidates.
    private func finite(_ values: [JSONValue], _ state: SchemaState) throws(SchemaError) -> [SchemaShape] {
        try spend(values.count * state.literals.count, on: state, keyword: "enum")
        var remainingValues: [JSONValue] = []
        var seen: Set<JSONValue> = []
        for value in values where seen.insert(value).inserted {
            var holds = true
            for literal in state.literals where !(try evaluator.holds(literal, value)) {
                holds = false
                break
            }
            if holds { remainingValues.append(value) }
        }
        return remainingValues.isEmpty ? [] : [.values(remainingValues)]
    }

    /// The values of an `enum` or `const` that apply to the state unconditionally; then no further expansion is
    /// needed.
    private func enumeration(of state: SchemaState) -> [JSONValue]? {
        var pending = state.literals
        while let literal = pending.popLast() {
            if literal.isNegated { continue }
            let node = nodes[literal.node]
            if let values = node.enumeration { return values }
            pending += ([node.reference].compactMap(\.self) + node.allOf).map { SchemaLiteral(node: $0) }
        }
        return nil
    }

    /// Whether no value of a type fulfils both schemas. `false` also if that cannot be decided.
    ///
    /// For most `oneOf` it is true, by types or by a discriminating constant. The grammar then needs no negation.
    func areDisjoint(_ first: Int, _ second: Int, _ type: JSONTypes) throws(SchemaError) -> Bool {
        let key = [min(first, second), max(first, second), Int(type.rawValue)]
        if let known = disjointness[key] { return known }
        try spend(6, on: SchemaState([SchemaLiteral(node: first)]), keyword: "oneOf")
        // During the decision the pair counts as not disjoint, which ends recursion.
        disjointness[key] = false
        let both = state([SchemaLiteral(node: first), SchemaLiteral(node: second)])
        var areDisjoint = isNever(both)
        if !areDisjoint {
            do throws(SchemaError) {
                areDisjoint = try !hasValue(both, type)
            } catch  where error.kind == .limit {
                throw error
            } catch {
                // An undecidable pair is no error: the alternatives exclude each other by negation.
                areDisjoint = false
            }
        }
        disjointness[key] = areDisjoint
        return areDisjoint
    }

    /// Whether some value of a type may fulfil a state. `true` also if that cannot be decided.
    private func hasValue(_ state: SchemaState, _ type: JSONTypes) throws(SchemaError) -> Bool {
        for facts in try conjunctions(state, type) {
            if let values = facts.values {
                if try !finite(values, state).isEmpty { return true }
                continue
            }
            switch type {
            case .number: if try number(facts) != nil { return true }
            case .string: if try string(facts) != nil { return true }
            case .array: if let shape = try array(facts), try !isEmpty(shape) { return true }
            case .object: for shape in try objects(facts) where try !isEmpty(shape) { return true }
            default: return true
            }
        }
        return false
    }

    /// Whether no value fulfils a state. `false` also if that cannot be decided, e.g. beyond a depth of 64.
    private func isEmpty(_ state: SchemaState) throws(SchemaError) -> Bool {
        if let known = emptiness[state] { return known }
        guard open.count < 64, open.insert(state).inserted else { return false }
        defer { open.remove(state) }
        var isEmpty = true
        for shape in try shapes(of: state) where isEmpty {
            switch shape {
            case .array(let shape): isEmpty = try self.isEmpty(shape)
            case .object(let shape): isEmpty = try self.isEmpty(shape)
            default: isEmpty = false
            }
        }
        emptiness[state] = isEmpty
        return isEmpty
    }

    /// Whether a required member admits no value.
    private func isEmpty(_ shape: ObjectShape) throws(SchemaError) -> Bool {
        for member in shape.members where member.isRequired {
            if try isEmpty(member.state) { return true }
        }
        return false
    }

    /// Whether an item below `minItems` admits no value.
    private func isEmpty(_ shape: ArrayShape) throws(SchemaError) -> Bool {
        for index in 0..<min(shape.minimum, shape.prefix.count + 1) {
            if try isEmpty(shape.state(at: index)) { return true }
        }
        return false
    }

    // MARK: Alternatives

    /// A branch of the expansion: facts, literals that are not interpreted, and choices that are not made.
    private struct Pending {
        var facts = SchemaFacts()
        var literals: [(literal: SchemaLiteral, scopes: [Int])] = []
        var choices: [(alternatives: [SchemaInterpretation.Alternative], scopes: [Int])] = []
    }

    /// All conjunctions of facts under which a value of a type fulfils a state.
    ///
    /// - Throws: an error if there are more than `limits.alternatives`.
    private func conjunctions(_ state: SchemaState, _ type: JSONTypes) throws(SchemaError) -> [SchemaFacts] {
        let isOfAnother = state.literals.contains { literal in
            !literal.isNegated && nodes[literal.node].types.map { $0.isDisjoint(with: type) } ?? false
        }
        if isOfAnother { return [] }
        var found: [SchemaFacts] = []
        var stack = [Pending(literals: state.literals.map { ($0, []) })]
        while var pending = stack.popLast() {
            try spend(2, on: state, keyword: combination(of: state))
            // The branches that wait, and this one, are not more than the limit.
            guard stack.count < limits.alternatives else { throw tooManyAlternatives(state) }
            guard try settle(&pending, type) else { continue }
            guard !pending.choices.isEmpty else {
                guard found.count < limits.alternatives else { throw tooManyAlternatives(state) }
                found.append(pending.facts)
                continue
            }
            let choice = pending.choices.removeFirst()
            for alternative in choice.alternatives.reversed() {
                var next = pending
                guard alternative.facts.allSatisfy({ next.facts.add($0) }) else { continue }
                next.literals = alternative.literals.map { ($0, choice.scopes) }
                stack.append(next)
            }
        }
        return found
    }

    /// Interprets all open literals of a branch.
    ///
    /// - Returns: whether a value may still exist; `false` closes the branch.
    private func settle(_ pending: inout Pending, _ type: JSONTypes) throws(SchemaError) -> Bool {
        var position = 0
        while position < pending.literals.count {
            let (literal, scopes) = pending.literals[position]
            position += 1
            let read = try interpret(literal, type: type, scopes: scopes)
            if read.isNever { return false }
            guard read.facts.allSatisfy({ pending.facts.add($0) }) else { return false }
            let inner = read.literals.map { ($0, $0.isNegated ? [] : read.scopes) }
            pending.literals.insert(contentsOf: inner, at: position)
            pending.choices += read.choices.map { ($0, read.scopes) }
        }
        pending.literals = []
        return true
    }

    /// Uses steps of the budget; the error names the state's schema and `keyword`.
    func spend(_ steps: Int, on state: SchemaState, keyword: String) throws(SchemaError) {
        guard budget.spend(steps) else {
            throw SchemaError(.limit, pointer: pointer(of: state), keyword: keyword, budget.reason)
        }
    }

    /// The pointer of the first schema of a state, for errors.
    private func pointer(of state: SchemaState) -> String {
        state.literals.first.map { nodes[$0.node].pointer } ?? "#"
    }

    /// The error for a state beyond `limits.alternatives`.
    private func tooManyAlternatives(_ state: SchemaState) -> SchemaError {
        SchemaError(
            .unsupported, pointer: pointer(of: state), keyword: combination(of: state),
            "its combinations make more than \(limits.alternatives) alternatives")
    }

    /// The keyword that is the likely cause of many alternatives, for errors.
    private func combination(of state: SchemaState) -> String {
        guard let node = state.literals.first.map({ nodes[$0.node] }) else { return "" }
        if !node.oneOf.isEmpty { return "oneOf" }
        if !node.anyOf.isEmpty { return "anyOf" }
        return node.allOf.isEmpty ? "" : "allOf"
    }

    /// The largest lower bound on characters, items or members.
    static let countLimit = 1_000_000

    // MARK: Numbers and strings

    /// The numbers that fulfil facts; `nil` if there are none.
    private func number(_ facts: SchemaFacts) throws(SchemaError) -> SchemaShape? {
        var constraints = facts.numbers
        constraints.excluded += facts.noneOf.flatMap { $0.values.compactMap { DecimalNumber($0) } }
        if let automaton = JSONLexemes.numbers[constraints] { return .number(automaton) }
        let result: Result<ByteAutomaton?, RegexError>
        if let known = numbers[constraints] {
            result = known
        } else {
            result = Result { () throws(RegexError) in
                try NumberAutomaton.make(constraints, within: budget)
            }
            numbers[constraints] = result
        }
        do {
            return try result.get().map { .number($0) }
        } catch {
            throw SchemaError(
                refusal, pointer: facts.divisorNode.map { nodes[$0].pointer } ?? "#", keyword: "multipleOf",
                error.message)
        }
    }

    /// The strings that fulfil facts; `nil` if there are none.
    ///
    /// Patterns and formats are intersected. A bound on the length stays beside the automaton if copies of its states
    /// for each length would be too large.
    private func string(_ facts: SchemaFacts) throws(SchemaError) -> SchemaShape? {
        var automaton: ScalarAutomaton?
        var pointer = "#"
        var keyword = "pattern"
        var (minimum, maximum) = (facts.minLength, facts.maxLength)
        do {
            for text in facts.texts {
                pointer = nodes[text.node].pointer
                if case .format = text.term { keyword = "format" } else { keyword = "pattern" }
                let wanted: ScalarAutomaton
                if text.negated {
                    wanted = try patterns.automaton(for: text.term).complement
                } else {
                    let texts = try patterns.texts(of: text.term)
                    wanted = texts.automaton
                    minimum = max(minimum, texts.minimum)
                    maximum = [maximum, texts.maximum].compactMap(\.self).min()
                }
                automaton = try automaton.map { known throws(RegexError) in try intersection(known, wanted) } ?? wanted
            }
            let excluded = facts.noneOf.flatMap { $0.values.compactMap(\.stringValue) }
            if !excluded.isEmpty {
                let others = ScalarAutomaton(texts: excluded).complement
                automaton = try automaton.map { known throws(RegexError) in try intersection(known, others) } ?? others
            }
            if automaton == .everything { automaton = nil }
            guard let whole = automaton else {
                return minimum > maximum ?? .max ? nil : .string(StringShape(minimum: minimum, maximum: maximum))
            }
            let named = SchemaKeyword(pointer: pointer, keyword: keyword)
            let top = maximum.map { $0 + 1 } ?? minimum
            if whole.spelledSize(copies: top + 1) > Self.copiedSize {
                return try whole.hasTexts(from: minimum, to: maximum)
                    ? .string(
                        StringShape(automaton: whole, minimum: minimum, maximum: maximum, keyword: named)) : nil
            }
            keyword = facts.maxLength == nil ? "minLength" : "maxLength"
            let limited = try whole.limited(to: minimum, maximum)
            if limited != whole { try budget.spend(transitions: Self.productCost * limited.transitions.count) }
            return limited.isEmpty ? nil : .string(StringShape(automaton: limited, keyword: named))
        } catch {
            throw SchemaError(refusal, pointer: pointer, keyword: keyword, error.message)
        }
    }

    /// The size beyond which a length is counted beside an automaton instead of being part of its states.
    private static let copiedSize = 20_000

    /// The intersection of two automata; its transitions use steps.
    private func intersection(
        _ left: ScalarAutomaton, _ right: ScalarAutomaton
    ) throws(RegexError) -> ScalarAutomaton {
        let both = try left.intersection(right)
        try budget.spend(transitions: both.transitions.count)
        return both
    }

    /// The kind of error if an automaton cannot be built: a limit if the budget is used up, otherwise unsupported.
    var refusal: SchemaError.Kind { budget.left == 0 ? .limit : .unsupported }
}
