/// What a grammar may cost.
package struct GrammarLimits: Sendable, Equatable {
    /// Bytes of a grammar's text.
    package var textBytes: Int
    /// Groups inside one another in a text.
    package var depth: Int
    package var rules: Int
    /// Expressions, equal ones counted once; a text of n bytes counts as n / 16.
    package var nodes: Int
    /// States of all byte automata together.
    package var automatonStates: Int
    /// The largest count of a repetition.
    package var repetitions: Int
    /// Threads of one configuration: how many ways there may be at once to read what was written.
    package var threads: Int
    /// Places of beginnings of texts at which the threads are counted when a grammar is made.
    package var beginnings: Int
    /// Threads looked at for one text that is taken, one token or one mask.
    package var work: Int
    /// Bytes that the matcher of one grammar keeps in its caches; beyond that they begin anew.
    package var cacheBytes: Int
    /// Bytes of items that one text may keep, so that later ones can be told from them.
    package var itemBytes: Int

    package static let standard = GrammarLimits()

    /// For a grammar that was checked against its limits before.
    package static let unlimited = GrammarLimits(
        textBytes: .max, depth: .max, rules: .max, nodes: .max, automatonStates: .max,
        repetitions: Int(Int32.max) - 1, threads: .max, beginnings: 0)

    package init(
        textBytes: Int = 1 << 20, depth: Int = 200, rules: Int = 16384, nodes: Int = 100_000,
        automatonStates: Int = 50_000, repetitions: Int = 1_000_000, threads: Int = 4096, beginnings: Int = 64,
        work: Int = 4_000_000, cacheBytes: Int = 16 << 20, itemBytes: Int = 8 << 20
    ) {
        self.textBytes = textBytes
        self.depth = depth
        self.rules = rules
        self.nodes = nodes
        self.automatonStates = automatonStates
        self.repetitions = repetitions
        self.threads = threads
        self.beginnings = beginnings
        self.work = work
        self.cacheBytes = cacheBytes
        self.itemBytes = itemBytes
    }
}
