import MartletPlatform

/// The time of day as log records show it.
package enum Timestamp {
    /// Now in UTC with milliseconds, as ISO 8601 writes it.
    package static func now() -> String {
        let now = milliseconds()
        return text(seconds: Int(now / 1_000), milliseconds: Int(now % 1_000))
    }

    /// Milliseconds since 1970.
    package static func milliseconds() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1_000 + Int64(now.tv_nsec) / 1_000_000
    }

    /// - Parameter seconds: since 1970.
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
