/// The destination and format of the access log: one line per response.
package struct AccessLog: Sendable {
    /// The format of a line.
    package enum Format: String, Sendable {
        /// For people: the time, then `name=value`.
        case text
        /// For programs: one JSON object.
        case json
    }
    package var format: Format
    /// Whether requests of monitors, such as `GET /health`, are logged. Metrics count them in any case.
    package var includesProbes: Bool
    /// Writes a line, which has no line break. Called after the end of a response, from any task.
    package var write: @Sendable (String) -> Void

    package init(format: Format, includesProbes: Bool = false, write: @escaping @Sendable (String) -> Void) {
        self.format = format
        self.includesProbes = includesProbes
        self.write = write
    }

    /// Whether requests of a route are logged.
    /// - Parameter route: the pattern, such as `/v1/generations/{id}`.
    func includes(route: String) -> Bool { includesProbes || !Self.probes.contains(route) }

    private static let probes: Set = ["/health", "/v1/health", "/metrics", "/v1/metrics/history"]
}
