import MartletText

/// The automata of the patterns and formats of one schema, each compiled at most once.
///
/// Failures are cached as well: a pattern that exceeds its budget would exceed it again in each attempt of relaxed
/// mode. It is a class, as parser, evaluator and expander share the table; one task uses it.
final class PatternTable {
    /// The text of a pattern, or the name of a format. Equal if the bytes are: `é` has two spellings in Unicode.
    enum Term: Hashable {
        case pattern(String)
        case format(String)

        private var identity: (isPattern: Bool, text: ExactString) {
            switch self {
            case .pattern(let text): (true, ExactString(text))
            case .format(let name): (false, ExactString(name))
            }
        }

        static func == (left: Term, right: Term) -> Bool { left.identity == right.identity }

        func hash(into hasher: inout Hasher) { hasher.combine(identity.text) }
    }

    /// Automata in which a bound on the length is part of the states.
    private var known: [Term: Result<ScalarAutomaton, RegexError>] = [:]
    /// Automata with a bound on the length beside them.
    private var counted: [Term: Result<CountedTexts, RegexError>] = [:]
    /// The budget of all patterns together: half of what the schema has left.
    ///
    /// In relaxed mode a schema whose patterns are dropped still has to be compiled, and the other half is left for
    /// that.
    let budget: CompileBudget

    /// Creates an empty table.
    init(within whole: CompileBudget = CompileBudget()) {
        budget = CompileBudget(limit: whole.left / 2, within: whole, for: "the schema's patterns take")
    }

    /// The texts of a term, as one automaton without counts.
    ///
    /// - Throws: the reason why it cannot be compiled; the same reason each time.
    func automaton(for term: Term) throws(RegexError) -> ScalarAutomaton {
        if let result = known[term] { return try result.get() }
        let result = Result { () throws(RegexError) in
            switch term {
            case .pattern(let pattern): try RegexCompiler.search(pattern, budget)
            case .format(let name): try SchemaFormat.automaton(named: name)
            }
        }
        known[term] = result
        return try result.get()
    }

    /// The texts of a term, with the bound on their length beside the automaton where the pattern allows that.
    func texts(of term: Term) throws(RegexError) -> CountedTexts {
        guard case .pattern(let pattern) = term else { return CountedTexts(automaton: try automaton(for: term)) }
        if let result = counted[term] { return try result.get() }
        let result = Result { () throws(RegexError) in try CountedTexts.search(pattern, budget) }
        counted[term] = result
        return try result.get()
    }
}
