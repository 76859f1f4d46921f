/// Numbers in tables.
enum NumberFormat {
    /// Three significant digits without an exponent: 1234, 12.3, 1.23, 0.123. A dash if the number is not finite.
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

    /// A time in milliseconds; a dash for `nil`.
    static func milliseconds(_ seconds: Double?) -> String { seconds.map { short($0 * 1_000) } ?? "-" }
}
