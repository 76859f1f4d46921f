/// Counts values by size, as Prometheus' histograms do.
package struct Histogram: Sendable {
    /// The largest value of each bucket, ascending; one more bucket takes what is larger.
    let bounds: [Double]
    /// How many values each bucket itself has.
    private(set) var counts: [UInt64]
    private(set) var sum = 0.0

    package init(bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    /// - Complexity: O(buckets): some nanoseconds, and nothing is allocated.
    package mutating func record(_ value: Double) {
        var bucket = 0
        while bucket < bounds.count, value > bounds[bucket] { bucket += 1 }
        counts[bucket] += 1
        sum += value
    }

    package mutating func record(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        record(Double(seconds) + Double(attoseconds) * 1e-18)
    }
}
