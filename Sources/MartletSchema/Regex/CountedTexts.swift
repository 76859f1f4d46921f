/// The texts of an automaton, with bounds on their length beside it, so that no state is copied for each length.
struct CountedTexts {
    var automaton: ScalarAutomaton
    /// The bounds, in Unicode scalars.
    var minimum = 0
    var maximum: Int?

    /// Whether a text is accepted and has an admitted length.
    func matches(_ text: String) -> Bool {
        let length = text.unicodeScalars.count
        return length >= minimum && length <= maximum ?? .max && automaton.matches(text)
    }

    /// Repetitions of at most so many characters stay part of the automaton.
    private static let fewest = 16

    /// The texts in which a pattern matches.
    ///
    /// A pattern that is one repeated class (`^[^\\s]{1,2000}$`), or that begins with a lookahead over the whole text
    /// (`^(?=.{1,253}$)…`), becomes an automaton with bounds. As states, the first would have 2,000 copies of its
    /// class.
    static func search(_ pattern: String, _ budget: CompileBudget) throws(RegexError) -> CountedTexts {
        let syntax = try RegexParser.parse(pattern)
        var terms = RegexCompiler.flattened(syntax)
        guard terms.first == .assertion(.start), terms.count > 1 else {
            return CountedTexts(automaton: try RegexCompiler.search(syntax, budget))
        }
        if let (set, minimum, maximum) = whole(Array(terms.dropFirst())) {
            return CountedTexts(
                automaton: try RegexCompiler.search(any(of: set), budget), minimum: minimum, maximum: maximum)
        }
        guard case .lookahead(let ahead, negated: false) = terms[1],
            let (set, minimum, maximum) = whole(RegexCompiler.flattened(ahead))
        else { return CountedTexts(automaton: try RegexCompiler.search(syntax, budget)) }
        terms.remove(at: 1)
        let rest = try RegexCompiler.search(.sequence(terms), budget)
        let both = try rest.intersection(RegexCompiler.search(any(of: set), budget))
        try budget.spend(transitions: both.transitions.count)
        return CountedTexts(automaton: both, minimum: minimum, maximum: maximum)
    }

    /// The class and the counts, if the terms are one repeated class up to the end of the text.
    private static func whole(_ terms: [RegexSyntax]) -> (ScalarSet, minimum: Int, maximum: Int?)? {
        guard terms.count == 2, terms[1] == .assertion(.end),
            case .repetition(.set(let set), let minimum, let maximum) = terms[0], max(minimum, maximum ?? 0) > fewest,
            maximum.map({ $0 >= minimum }) ?? true
        else { return nil }
        return (set, minimum, maximum)
    }

    /// The expression of any number of characters of a set.
    private static func any(of set: ScalarSet) -> RegexSyntax {
        .sequence([.assertion(.start), .repetition(.set(set), minimum: 0, maximum: nil), .assertion(.end)])
    }
}
