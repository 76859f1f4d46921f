/// Times as Ollama writes them.
package enum OllamaTime {
    /// A time beyond any run of a server: a model that is never unloaded.
    package static let never = "9999-12-31T23:59:59Z"

    /// A time in RFC 3339, in UTC.
    ///
    /// The days of the civil calendar follow from the count of days since 1970-01-01 by the algorithm of Howard Hinnant
    /// ("chrono-compatible low-level date algorithms", `civil_from_days`).
    /// - Parameter seconds: since 1970.
    package static func text(_ seconds: Int) -> String {
        let day = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
        let time = seconds - day * 86_400
        // Days since 0000-03-01, in eras of 400 years.
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let dayOfMonth = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(year)-\(two(month))-\(two(dayOfMonth))T\(two(time / 3_600)):\(two(time / 60 % 60)):\(two(time % 60))Z"
    }

    /// A duration in nanoseconds, at least 0.
    package static func nanoseconds(_ duration: Duration) -> Int {
        let (seconds, attoseconds) = duration.components
        return max(0, Int(clamping: seconds) * 1_000_000_000 + Int(clamping: attoseconds / 1_000_000_000))
    }
}
