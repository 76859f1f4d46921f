extension SettingTable {
    /// What a grammar may cost.
    static let grammar: [Setting] = [
        Setting(
            .grammarBytes, environment: [], .integer(1...1 << 30), "BYTES", default: "1048576", in: .requests,
            for: .edge, "Most bytes of a grammar's text."),
        Setting(
            .grammarDepth, environment: [], .integer(1...1 << 20), "COUNT", default: "200", in: .requests, for: .edge,
            "Most groups inside one another in a grammar."),
        Setting(
            .grammarRules, environment: [], .integer(1...1 << 24), "COUNT", default: "16384", in: .requests,
            for: .edge, "Most rules of a grammar."),
        Setting(
            .grammarNodes, environment: [], .integer(1...1 << 26), "COUNT", default: "100000", in: .requests,
            for: .edge, "Most different expressions of a grammar."),
        Setting(
            .grammarStates, environment: [], .integer(1...1 << 26), "COUNT", default: "50000", in: .requests,
            for: .edge, "Most states of all automata of a grammar."),
        Setting(
            .grammarRepetitions, environment: [], .integer(1...1 << 30), "COUNT", default: "1000000", in: .requests,
            for: .edge, "The largest number in a repetition of a grammar."),
        Setting(
            .grammarThreads, environment: [], .integer(1...1 << 20), "COUNT", default: "4096", in: .engine,
            for: .worker, "Most ways at once to read a text by its grammar; a more ambiguous grammar ends the answer."),
        Setting(
            .grammarWork, environment: [], .integer(1000...1 << 40), "COUNT", default: "4000000", in: .engine,
            for: .worker, "Most steps of all these ways for one token; a grammar that takes more ends the answer."),
        Setting(
            .grammarCache, environment: [], .integer(1...1 << 16), "MIB", default: "16", in: .engine, for: .worker,
            "Memory for what is found out about one grammar, and as much for its token masks. Up to 8 are kept."),
    ]
}
