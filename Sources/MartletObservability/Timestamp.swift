import MartletPlatform

/// Times in the form of log records.
package enum Timestamp {
    /// The current time in UTC with milliseconds, in ISO 8601: `2026-01-31T12:00:00.000Z`.
    package static func now() -> String {
        let now = milliseconds()
        return text(seconds: Int(now / 1_000), milliseconds: Int(now % 1_000))
    }

    /// The current time in milliseconds since 1970.
    package static func milliseconds() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1_000 + Int64(now.tv_nsec) / 1_000_000
    }

    /// A time in UTC as `now()` writes it.
    /// - Parameters:
    ///   - seconds: seconds since 1970.
    ///   - milliseconds: from 0 to 999.
    package static func text(seconds: Int, milliseconds: Int) -> String {
        var parts = tm()
        var time = time_t(seconds)
        gmtime_r(&time, &parts)
        let date =
            "\(digits(Int(parts.tm_year) + 1900, 4))-\(digits(Int(parts.tm_mon) + 1, 2))-\(digits(Int(parts.tm_mday), 2))"
        let clock = "\(digits(Int(parts.tm_hour), 2)):\(digits(Int(parts.tm_min), 2)):\(digits(Int(parts.tm_sec), 2))"
        return "\(date)T\(clock).\(digits(milliseconds, 3))Z"
    }

    private static func digits(_ value: Int, _ width: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}
