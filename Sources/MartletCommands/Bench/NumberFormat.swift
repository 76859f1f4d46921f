/// Numbers for people.
enum NumberFormat {
    /// Three digits that count, without an exponent.
    static func short(_ value: Double) -> String {
        guard value.isFinite else { return "-" }
        let size = abs(value)
        let digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let rounded = (value * scale).rounded() / scale
        guard digits > 0 else { return "\(Int64(rounded))" }
        return "\(rounded)"
    }

    static func milliseconds(_ seconds: Double?) -> String { seconds.map { short($0 * 1_000) } ?? "-" }
}
