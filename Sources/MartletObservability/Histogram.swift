/// Counts of values by size, as in Prometheus' histograms.
package struct Histogram: Sendable {
    /// The largest value of each bucket, ascending. One more bucket counts larger values.
    let bounds: [Double]
    /// The number of values in each bucket alone; Prometheus' text has cumulative counts.
    private(set) var counts: [UInt64]
    /// The sum of all values.
    private(set) var sum = 0.0

    /// - Parameter bounds: the largest value of each bucket, ascending.
    package init(bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    /// Counts a value.
    /// - Complexity: O(buckets): about 10 ns for ten buckets, and nothing is allocated.
    package mutating func record(_ value: Double) {
        var bucket = 0
        while bucket < bounds.count, value > bounds[bucket] { bucket += 1 }
        counts[bucket] += 1
        sum += value
    }

    /// Counts a duration in seconds.
    package mutating func record(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        record(Double(seconds) + Double(attoseconds) * 1e-18)
    }
}
