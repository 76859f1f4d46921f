import MartletGrammar

/// Any text is a grammar or is refused with its position. A grammar survives its encoding. Matching in pieces equals
/// matching as a whole.
enum GrammarFuzz {
    /// The text up to a zero byte is the grammar, the rest is matched against it.
    static func run(_ input: [UInt8]) -> CInt {
        let limits = GrammarLimits(nodes: 5_000, threads: 256, work: 200_000, cacheBytes: 1 << 20)
        let parts = input.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        let grammar: Grammar
        do {
            grammar = try GBNFParser.grammar(parts[0], limits: limits)
        } catch {
            precondition(error.line != nil && error.column != nil, "an error without its place")
            return CorpusDecision.accept
        }
        guard let again = try? Grammar(decoding: grammar.encoded(), limits: limits) else {
            preconditionFailure("an encoded grammar is refused")
        }
        precondition(again == grammar, "a grammar changed on its way through bytes")
        guard parts.count > 1 else { return CorpusDecision.accept }
        let start = GrammarMatcher(grammar, limits: limits)
        var whole = start
        var pieces = GrammarMatcher(grammar, limits: limits)
        let isWhole = whole.accept(parts[1])
        let count = pieces.acceptPrefix(of: parts[1])
        // Beyond the budget the two matchers may give up at different positions.
        if !whole.isOverflown, !pieces.isOverflown {
            precondition(isWhole == (count == parts[1].count), "the match depends on how the text was cut")
            if isWhole { precondition(whole.isComplete == pieces.isComplete) }
        }
        return CorpusDecision.accept
    }

    /// Any bytes are an encoded grammar or are refused.
    static func runEncoded(_ input: [UInt8]) -> CInt {
        let limits = GrammarLimits(nodes: 5_000, automatonStates: 2_000)
        guard let grammar = try? Grammar(decoding: input, limits: limits) else { return CorpusDecision.accept }
        precondition((try? Grammar(decoding: grammar.encoded(), limits: limits)) == grammar)
        return CorpusDecision.accept
    }
}
