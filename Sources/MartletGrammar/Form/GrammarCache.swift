import Synchronization

/// Grammars that were made before, by all that they were made of.
///
/// An agent sends the same tools in each round, and an application the same schema. Bounded in bytes: what was not
/// asked for the longest goes first. Thread: any; two who ask for the same new grammar at once may both make it.
package final class GrammarCache: Sendable {
    package struct Entry: Sendable, Equatable {
        package var grammar: Grammar
        /// What has to be said of it wherever it is used.
        package var warnings: [String]

        package init(grammar: Grammar, warnings: [String]) {
            self.grammar = grammar
            self.warnings = warnings
        }
    }
    private struct StoredEntry {
        var entry: Entry
        var byteCount: Int
        var lastUse: UInt64
    }
    private struct State {
        var entries: [[UInt8]: StoredEntry] = [:]
        var byteCount = 0
        var uses: UInt64 = 0
        var made = 0
    }
    private let state = Mutex(State())
    private let byteLimit: Int

    package init(byteLimit: Int = 16 << 20) { self.byteLimit = byteLimit }

    /// How many grammars had to be made.
    package var madeCount: Int { state.withLock { $0.made } }
    /// What is kept takes about so many bytes.
    package var byteCount: Int { state.withLock { $0.byteCount } }

    /// The grammar that was made of `key`, or that `make` makes. An error is not kept.
    package func grammar<Failure: Error>(
        of key: [UInt8], make: () throws(Failure) -> Entry?
    ) throws(Failure) -> Entry? {
        if let known = find(key) { return known }
        guard let entry = try make() else { return nil }
        insert(entry, for: key)
        return entry
    }

    private func find(_ key: [UInt8]) -> Entry? {
        state.withLock { state in
            guard let index = state.entries.index(forKey: key) else { return nil }
            state.uses += 1
            state.entries.values[index].lastUse = state.uses
            return state.entries.values[index].entry
        }
    }

    private func insert(_ entry: Entry, for key: [UInt8]) {
        let byteCount = key.count + entry.grammar.byteCount + entry.warnings.reduce(0) { $0 + $1.utf8.count }
        state.withLock { state in
            state.made += 1
            guard byteCount <= byteLimit, state.entries[key] == nil else { return }
            while state.byteCount + byteCount > byteLimit {
                guard let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse }) else { break }
                state.byteCount -= oldest.value.byteCount
                state.entries[oldest.key] = nil
            }
            state.uses += 1
            state.entries[key] = StoredEntry(entry: entry, byteCount: byteCount, lastUse: state.uses)
            state.byteCount += byteCount
        }
    }
}
