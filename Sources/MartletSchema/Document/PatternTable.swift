import MartletText

/// The automata of a schema's patterns and formats, each made once.
final class PatternTable {
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

    private var known: [Term: Result<ScalarAutomaton, RegexError>] = [:]
    private var counted: [Term: Result<CountedTexts, RegexError>] = [:]
    /// What all patterns may take together, so that where some are left out enough is left for the rest.
    let budget: CompileBudget

    init(within whole: CompileBudget = CompileBudget()) {
        budget = CompileBudget(limit: whole.left / 2, within: whole, for: "the schema's patterns take")
    }

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

    /// The texts that fulfil a term, with what bounds their length apart.
    func texts(of term: Term) throws(RegexError) -> CountedTexts {
        guard case .pattern(let pattern) = term else { return CountedTexts(automaton: try automaton(for: term)) }
        if let result = counted[term] { return try result.get() }
        let result = Result { () throws(RegexError) in try CountedTexts.search(pattern, budget) }
        counted[term] = result
        return try result.get()
    }
}
