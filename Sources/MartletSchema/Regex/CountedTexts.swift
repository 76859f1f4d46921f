/// Texts of an automaton, of which the number of characters is bounded apart, so that no state is copied for each
/// count.
struct CountedTexts {
    var automaton: ScalarAutomaton
    var minimum = 0
    var maximum: Int?

    func matches(_ text: String) -> Bool {
        let length = text.unicodeScalars.count
        return length >= minimum && length <= maximum ?? .max && automaton.matches(text)
    }

    /// Repetitions of fewer characters stay part of the automaton.
    private static let fewest = 16

    /// The texts in which a pattern matches.
    ///
    /// A pattern that is one repeated class (`^[^\\s]{1,2000}$`), or that begins with a lookahead over the whole text
    /// (`^(?=.{1,253}$)…`), is a count beside an automaton.
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

    /// The class and the counts, where the terms are one repeated class up to the text's end.
    private static func whole(_ terms: [RegexSyntax]) -> (ScalarSet, minimum: Int, maximum: Int?)? {
        guard terms.count == 2, terms[1] == .assertion(.end),
            case .repetition(.set(let set), let minimum, let maximum) = terms[0], max(minimum, maximum ?? 0) > fewest,
            maximum.map({ $0 >= minimum }) ?? true
        else { return nil }
        return (set, minimum, maximum)
    }

    private static func any(of set: ScalarSet) -> RegexSyntax {
        .sequence([.assertion(.start), .repetition(.set(set), minimum: 0, maximum: nil), .assertion(.end)])
    }
}
