internal import Synchronization

/// Counts of HTTP requests by method, route and status.
///
/// Thread: any.
package final class RequestMetrics: Sendable {
    private struct Key: Hashable {
        var method: String
        var route: String
        var status: Int
    }
    /// The methods that routes have. Requests with other methods are counted together as `other`, so that a client
    /// cannot make the table grow.
    private static let methods: Set = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"]
    private let counts = Mutex<[Key: UInt64]>([:])

    package init() {}

    /// Counts one request.
    /// - Parameter route: the pattern of the route, never a path from a client.
    package func count(method: String, route: String, status: Int) {
        let method = Self.methods.contains(method) ? method : "other"
        counts.withLock { $0[Key(method: method, route: route, status: status), default: 0] += 1 }
    }

    /// Adds the counter, with its samples sorted by their labels.
    package func write(to text: inout PrometheusText) {
        let samples = counts.withLock { counts in
            counts.map { key, count in
                (
                    labels: [("method", key.method), ("route", key.route), ("status", "\(key.status)")],
                    value: Double(count)
                )
            }
        }
        text.add(
            "martlet_http_requests_total", .counter, help: "HTTP requests, by method, route and status.",
            samples.sorted { $0.labels.map(\.1).lexicographicallyPrecedes($1.labels.map(\.1)) })
    }
}
