internal import Synchronization

/// Counts HTTP requests by method, route and status.
///
/// Thread: any.
package final class RequestMetrics: Sendable {
    private struct Key: Hashable {
        var method: String
        var route: String
        var status: Int
    }
    /// Requests with a method that no route takes are counted together, so that a client cannot make the table grow.
    private static let methods: Set = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"]
    private let counts = Mutex<[Key: UInt64]>([:])

    package init() {}

    /// - Parameter route: the route's pattern, never a path from a client.
    package func count(method: String, route: String, status: Int) {
        let method = Self.methods.contains(method) ? method : "other"
        counts.withLock { $0[Key(method: method, route: route, status: status), default: 0] += 1 }
    }

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
            "martlet_http_requests_total", .counter, help: "HTTP requests answered, by method, route and status.",
            samples.sorted { $0.labels.map(\.1).lexicographicallyPrecedes($1.labels.map(\.1)) })
    }
}
