/// Where a line about each answered request goes, and how it looks.
package struct AccessLog: Sendable {
    package enum Format: String, Sendable {
        /// For people: `name=value` after the time.
        case text
        /// For programs: one JSON object.
        case json
    }
    package var format: Format
    /// Whether the questions are logged that monitors ask every few seconds. They are counted in metrics all the same.
    package var includesProbes: Bool
    /// Takes a line, without its end. Called when a response has ended, from any task.
    package var write: @Sendable (String) -> Void

    package init(format: Format, includesProbes: Bool = false, write: @escaping @Sendable (String) -> Void) {
        self.format = format
        self.includesProbes = includesProbes
        self.write = write
    }

    /// Whether a request for a route, named by its pattern, is logged.
    func includes(route: String) -> Bool { includesProbes || !Self.probes.contains(route) }

    private static let probes: Set = ["/health", "/v1/health", "/metrics"]
}
