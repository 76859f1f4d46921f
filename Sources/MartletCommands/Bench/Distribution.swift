/// Sorted values with their quantiles.
///
/// Example: `Distribution([3, 1, 2]).median` is 2.
struct Distribution: Sendable, Equatable {
    /// Smallest first. Times are in seconds.
    let values: [Double]

    /// Sorts the values, in O(n log n).
    init(_ values: [Double]) { self.values = values.sorted() }

    /// The smallest value that `share` of all values do not exceed (nearest rank); `nil` if there are no values.
    /// - Parameter share: From 0 to 1.
    func quantile(_ share: Double) -> Double? {
        guard !values.isEmpty else { return nil }
        let rank = (share * Double(values.count)).rounded(.up)
        return values[min(max(Int(rank) - 1, 0), values.count - 1)]
    }

    /// The number of values that a quantile of `share` needs: with fewer, it is the largest value.
    static func neededCount(_ share: Double) -> Int { Int((1 / (1 - share)).rounded()) + 1 }

    /// The quantile; `nil` if there are too few values for one that differs from the largest value.
    func reliableQuantile(_ share: Double) -> Double? {
        values.count >= Self.neededCount(share) ? quantile(share) : nil
    }

    /// The middle value; of an even number of values the mean of the two in the middle.
    var median: Double? {
        guard !values.isEmpty else { return nil }
        let middle = values.count / 2
        return values.count % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2
    }

    /// `nil` if there are no values.
    var minimum: Double? { values.first }
    var maximum: Double? { values.last }
}
