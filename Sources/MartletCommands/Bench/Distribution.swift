/// Times in order, and what can be said of them.
struct Distribution: Sendable, Equatable {
    /// In seconds, smallest first.
    let values: [Double]

    init(_ values: [Double]) { self.values = values.sorted() }

    /// The smallest value that `share` of all values do not exceed; `nil` of no values.
    func quantile(_ share: Double) -> Double? {
        guard !values.isEmpty else { return nil }
        let rank = (share * Double(values.count)).rounded(.up)
        return values[min(max(Int(rank) - 1, 0), values.count - 1)]
    }

    var median: Double? {
        guard !values.isEmpty else { return nil }
        let middle = values.count / 2
        return values.count % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2
    }

    var minimum: Double? { values.first }
    var maximum: Double? { values.last }
}
