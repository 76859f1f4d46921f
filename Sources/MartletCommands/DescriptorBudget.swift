/// Divides the descriptors of a server between connections, journals and the server itself.
///
/// A connection needs one descriptor. A resumable generation needs none: its journal is open only while it is among the
/// journals that were written last.
struct DescriptorBudget: Sendable, Equatable {
    /// The number of descriptors that the process may have open.
    let limit: Int

    /// Descriptors of the server itself: standard streams, listeners, event loops, the worker's pipes, files.
    private static let own = 64
    private static let wantedJournals = 128
    private static let wantedExtraConnections = 256

    /// The number of journals that may be open at once.
    var journals: Int { min(Self.wantedJournals, max(1, limit / 8)) }

    /// The number of connections beyond the limit that are accepted for one request each.
    var extraConnections: Int { min(Self.wantedExtraConnections, max(1, limit / 8)) }

    /// The maximum number of connections.
    var connections: Int { max(1, limit - journals - extraConnections - Self.own) }

    /// A line for the log if there are too few descriptors; `nil` if there are enough.
    /// - Parameter wanted: The value of `--max-connections`, or its default.
    func warning(connections wanted: Int) -> String? {
        guard connections < wanted else { return nil }
        return "\(limit) descriptors are too few for --max-connections \(wanted): at most \(connections) connections "
            + "are accepted at once; raise the hard limit (ulimit -Hn)"
    }
}
