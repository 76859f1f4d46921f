/// What the descriptors of a server are enough for.
///
/// A connection takes one for as long as it lasts. A resumable answer takes none: its journal is open only while it is
/// among those that were written last.
struct DescriptorBudget: Sendable, Equatable {
    /// How many the process may have open.
    let limit: Int

    /// Taken whatever clients do: by standard streams, listeners, event loops, the worker's pipes, files that are read.
    private static let own = 64
    private static let wantedJournals = 128
    private static let wantedExtraConnections = 256

    /// Journals that are open at once.
    var journals: Int { min(Self.wantedJournals, max(1, limit / 8)) }

    /// Connections beyond the limit, each of which is taken for one request.
    var extraConnections: Int { min(Self.wantedExtraConnections, max(1, limit / 8)) }

    /// Most connections at once.
    var connections: Int { max(1, limit - journals - extraConnections - Self.own) }

    /// - Parameter wanted: `--max-connections`.
    /// - Returns: what is told when there are too few; `nil` = there are enough.
    func warning(connections wanted: Int) -> String? {
        guard connections < wanted else { return nil }
        return "\(limit) descriptors are too few for --max-connections \(wanted): at most \(connections) connections "
            + "are taken at once; raise the hard limit (ulimit -Hn)"
    }
}
