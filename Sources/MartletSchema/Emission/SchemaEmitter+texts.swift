import MartletGrammar

/// Strings of automata, written so that a large class of characters is stored once, however often it is repeated.
///
/// | automaton | expression |
/// | --- | --- |
/// | one state: any number of characters of one class | a repetition of one character automaton |
/// | with a bound on the length | a byte automaton with a count beside its state |
/// | small when spelled as bytes | one byte automaton |
/// | large | a rule for each state; character automata are shared |
extension SchemaEmitter {
    /// The size beyond which states become rules.
    private static var spelledSize: Int { 20_000 }
    /// The largest number of states that become rules.
    private static var ruleLimit: Int { 4_000 }

    /// The texts of `automaton` that have the lengths of `shape`.
    ///
    /// - Parameter quote: the quote around them; `nil` for plain text.
    /// - Throws: an error that names the keyword of the shape.
    mutating func texts(of automaton: ScalarAutomaton, _ shape: StringShape, quote: UInt8?) throws -> Node {
        do {
            if automaton.stateCount == 1, automaton.accepting[0], automaton != .everything {
                return try repetition(of: automaton, shape, quote: quote)
            }
            if shape.minimum > 0 || shape.maximum != nil {
                let counted = try automaton.counted(
                    quote: quote, shape.minimum, shape.maximum, within: expander.budget)
                return try counted.map { try self.automaton($0) } ?? builder.never()
            }
            if automaton.spelledSize() > Self.spelledSize { return try ruledTexts(of: automaton, quote: quote) }
            switch quote {
            case nil: return try self.automaton(automaton.plainText())
            case 0x22: return try self.automaton(automaton.inQuotes(within: expander.budget))
            case let quote?: return try self.automaton(automaton.jsonString(quote: quote))
            }
        } catch let error as RegexError {
            throw SchemaError(
                expander.refusal, pointer: shape.keyword.pointer, keyword: shape.keyword.keyword, error.message)
        }
    }

    /// Any number of characters of one class, or a counted number.
    private mutating func repetition(
        of automaton: ScalarAutomaton, _ shape: StringShape, quote: UInt8?
    ) throws -> Node {
        let classes = (0..<automaton.alphabet.classCount).filter { automaton.next(0, class: $0) == 0 }
        let character = try self.character(of: classes, automaton, quote: quote)
        let around = builder.bytes(quote.map { [$0] } ?? [])
        // A shorter limit than the schema's admits fewer texts, and never others.
        let maximum = shape.maximum.map { min($0, builder.limits.repetitions) }
        return builder.sequence([
            around, try builder.repetition(character, shape.minimum, maximum), around,
        ])
    }

    /// One character of some classes. The builder merges equal automata.
    private mutating func character(
        of classes: [Int], _ automaton: ScalarAutomaton, quote: UInt8?
    ) throws -> Node {
        guard expander.budget.spend(1 + automaton.alphabet.starts.count / 32) else {
            throw RegexError(message: expander.budget.reason)
        }
        return try self.automaton(automaton.character(of: classes, quote: quote))
    }

    /// A rule for each state, and an automaton for each set of characters between two states.
    private mutating func ruledTexts(of automaton: ScalarAutomaton, quote: UInt8?) throws -> Node {
        guard automaton.stateCount <= Self.ruleLimit else {
            throw RegexError(message: "wide classes in an automaton of more than \(Self.ruleLimit) states")
        }
        guard expander.budget.spend(2 * automaton.stateCount) else {
            throw RegexError(message: expander.budget.reason)
        }
        let rules = (0..<automaton.stateCount).map { _ in builder.rule(named: "pattern") }
        var characters: [[Int]: Node] = [:]
        let end = builder.bytes(quote.map { [$0] } ?? [])
        for state in 0..<automaton.stateCount {
            var classes: [Int32: [Int]] = [:]
            var targets: [Int32] = []
            for number in 0..<automaton.alphabet.classCount {
                let target = automaton.next(Int32(state), class: number)
                guard target != ScalarAutomaton.dead else { continue }
                if classes[target] == nil { targets.append(target) }
                classes[target, default: []].append(number)
            }
            var alternatives: [Node] = automaton.accepting[state] ? [end] : []
            for target in targets {
                let own = classes[target] ?? []
                let character: Node
                if let known = characters[own] {
                    character = known
                } else {
                    character = try self.character(of: own, automaton, quote: quote)
                    characters[own] = character
                }
                alternatives.append(builder.sequence([character, builder.reference(rules[Int(target)])]))
            }
            builder.define(rules[state], as: builder.choice(alternatives))
        }
        return builder.sequence([end, builder.reference(rules[0])])
    }

    /// Adds an automaton that was compiled for this schema. An automaton that the builder has already uses no
    /// steps.
    ///
    /// - Parameter transitions: the number of transitions to count, if not all.
    mutating func automaton(_ automaton: ByteAutomaton, transitions: Int? = nil) throws -> Node {
        let count = builder.automatonCount
        let hadFailed = builder.failure != nil
        let node = builder.automaton(automaton)
        if !hadFailed, let failure = builder.failure { throw RegexError(message: failure.clause) }
        if builder.automatonCount > count {
            try expander.budget.spend(transitions: transitions ?? automaton.transitions.count)
        }
        return node
    }
}
