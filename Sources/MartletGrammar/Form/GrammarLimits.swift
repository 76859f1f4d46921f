/// The limits for building and matching a grammar.
package struct GrammarLimits: Sendable, Equatable {
    /// The bytes of a grammar's source text.
    package var textBytes: Int
    /// The nesting of groups in a source text.
    package var depth: Int
    /// The number of rules.
    package var rules: Int
    /// The cost of all expressions; equal expressions count once, and a text of n bytes costs 1 + n / 16.
    package var nodes: Int
    /// The states of all byte automata together.
    package var automatonStates: Int
    /// The largest count of a repetition.
    package var repetitions: Int
    /// The threads of one configuration: the number of ways in which the output so far can be read at once.
    package var threads: Int
    /// The number of configurations at which threads are counted when a grammar is built.
    package var beginnings: Int
    /// The threads that one text, token or mask may visit.
    package var work: Int
    /// The bytes of a matcher's caches. Beyond them the caches are cleared.
    package var cacheBytes: Int
    /// The bytes of array items that one text may store for comparison.
    package var itemBytes: Int

    /// The limits of the server.
    package static let standard = GrammarLimits()

    /// For a grammar that was checked against its limits before, e.g. one that the edge has sent to the worker.
    package static let unlimited = GrammarLimits(
        textBytes: .max, depth: .max, rules: .max, nodes: .max, automatonStates: .max,
        repetitions: Int(Int32.max) - 1, threads: .max, beginnings: 0)

    /// Creates limits; the defaults are the standard.
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
