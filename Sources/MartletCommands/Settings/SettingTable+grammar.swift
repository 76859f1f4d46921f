extension SettingTable {
    /// The limits of grammars. A grammar is data from outside, so each dimension has a limit.
    static let grammar: [Setting] = [
        Setting(
            .grammarBytes, environment: [], .integer(1...1 << 30), "BYTES", default: "1048576", in: .requests,
            for: .edge, "Maximum bytes of a grammar's text."),
        Setting(
            .grammarDepth, environment: [], .integer(1...1 << 20), "COUNT", default: "200", in: .requests, for: .edge,
            "Maximum depth of nested groups in a grammar."),
        Setting(
            .grammarRules, environment: [], .integer(1...1 << 24), "COUNT", default: "16384", in: .requests,
            for: .edge, "Maximum rules of a grammar."),
        Setting(
            .grammarNodes, environment: [], .integer(1...1 << 26), "COUNT", default: "100000", in: .requests,
            for: .edge, "Maximum distinct expressions of a grammar."),
        Setting(
            .grammarStates, environment: [], .integer(1...1 << 26), "COUNT", default: "50000", in: .requests,
            for: .edge, "Maximum states of all automata of a grammar."),
        Setting(
            .grammarRepetitions, environment: [], .integer(1...1 << 30), "COUNT", default: "1000000", in: .requests,
            for: .edge, "Maximum number in a repetition of a grammar."),
        Setting(
            .grammarThreads, environment: [], .integer(1...1 << 20), "COUNT", default: "4096", in: .engine,
            for: .worker, "Maximum parse threads of a matcher. A more ambiguous grammar ends the completion."),
        Setting(
            .grammarWork, environment: [], .integer(1000...1 << 40), "COUNT", default: "4000000", in: .engine,
            for: .worker, "Maximum steps of a matcher per token. A more expensive grammar ends the completion."),
        Setting(
            .grammarCache, environment: [], .integer(1...1 << 16), "MIB", default: "16", in: .engine, for: .worker,
            "Memory for the automaton of a grammar, and as much for its token masks. Up to 8 grammars are cached."),
    ]
}
