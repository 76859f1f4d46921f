import MartletPlatform

/// Nanoseconds of the system's monotonic clock. Reading it is cheap enough for every token.
struct MonotonicTime: Sendable, Comparable {
    var nanoseconds: Int64

    static var now: Self {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Self(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    static func < (first: Self, second: Self) -> Bool { first.nanoseconds < second.nanoseconds }

    static func + (time: Self, duration: Duration) -> Self {
        Self(nanoseconds: time.nanoseconds + Int64(duration / .nanoseconds(1)))
    }

    static func - (later: Self, earlier: Self) -> Duration { .nanoseconds(later.nanoseconds - earlier.nanoseconds) }
}
