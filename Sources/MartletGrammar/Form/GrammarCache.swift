import Synchronization

/// A cache of grammars by a key that describes their source completely.
///
/// An agent sends the same tools in each round, and an application the same schema. The size is bounded in bytes; the
/// least recently used grammar is evicted. Any thread may use it. Two threads that need the same new grammar at the
/// same time may both build it: building under the lock would block all others for as long.
package final class GrammarCache: Sendable {
    /// A grammar with the warnings of its schemas.
    package struct Entry: Sendable, Equatable {
        package var grammar: Grammar
        /// The sentences that belong into `warnings` of each response that uses the grammar.
        package var warnings: [String]

        /// Creates an entry.
        package init(grammar: Grammar, warnings: [String]) {
            self.grammar = grammar
            self.warnings = warnings
        }
    }
    /// An entry with its size and the number of its last use.
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

    /// Creates an empty cache.
    package init(byteLimit: Int = 16 << 20) { self.byteLimit = byteLimit }

    /// The number of grammars that had to be built.
    package var madeCount: Int { state.withLock { $0.made } }
    /// The estimated size of all entries.
    package var byteCount: Int { state.withLock { $0.byteCount } }

    /// The cached entry for `key`, or the entry that `make` builds. Errors are not cached.
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
