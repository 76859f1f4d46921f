/// Divides the descriptors of a server between connections, journals and the server itself.
///
/// A connection holds one descriptor. A resumable generation holds none: its journal is open only while it is among the
/// journals that were written last.
struct DescriptorBudget: Sendable, Equatable {
    /// The number of descriptors that the process may have open.
    let limit: Int

    /// For standard streams, listeners, event loops, the worker's pipes, and files that are read.
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
    /// - Returns: the line for the log when descriptors are too few, else `nil`.
    func warning(connections wanted: Int) -> String? {
        guard connections < wanted else { return nil }
        return "\(limit) descriptors are too few for --max-connections \(wanted): at most \(connections) connections "
            + "are accepted at once; raise the hard limit (ulimit -Hn)"
    }
}
