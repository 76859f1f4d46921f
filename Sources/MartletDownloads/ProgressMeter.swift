/// The progress of one or more files, and its rate. Pure: time is an argument.
package struct ProgressMeter: Sendable, Equatable {
    package typealias Instant = ContinuousClock.Instant

    package private(set) var doneByteCount: UInt64
    package let totalByteCount: UInt64
    /// Samples of the last `window`, the oldest first.
    private var samples: [(time: Instant, bytes: UInt64)] = []
    private static let window: Duration = .seconds(5)

    /// Creates a meter.
    package init(doneByteCount: UInt64, totalByteCount: UInt64, at now: Instant) {
        self.doneByteCount = doneByteCount
        self.totalByteCount = totalByteCount
        samples = [(now, doneByteCount)]
    }

    /// Compares the figures, not the samples.
    package static func == (left: Self, right: Self) -> Bool {
        left.doneByteCount == right.doneByteCount && left.totalByteCount == right.totalByteCount
    }

    /// Records bytes that arrived.
    package mutating func add(_ byteCount: Int, at now: Instant) {
        doneByteCount += UInt64(byteCount)
        // Ten samples a second are enough.
        if let last = samples.last, now - last.time < .milliseconds(100) { return }
        samples.append((now, doneByteCount))
        while samples.count > 2, now - samples[1].time > Self.window { samples.removeFirst() }
    }

    /// Adds bytes that an earlier download left. They do not count for the rate.
    package mutating func resume(_ byteCount: Int, at now: Instant) {
        doneByteCount += UInt64(byteCount)
        samples = [(now, doneByteCount)]
    }

    /// Takes back bytes of a range that has to be fetched again.
    package mutating func remove(_ byteCount: Int) { doneByteCount -= min(doneByteCount, UInt64(byteCount)) }

    /// From 0 to 1.
    package var fraction: Double {
        totalByteCount == 0 ? 1 : min(1, Double(doneByteCount) / Double(totalByteCount))
    }

    /// Bytes per second over the last seconds; 0 before the first sample.
    package func rate(at now: Instant) -> Double {
        guard let first = samples.first, doneByteCount > first.bytes else { return 0 }
        let seconds = (now - first.time) / .seconds(1)
        return seconds > 0 ? Double(doneByteCount - first.bytes) / seconds : 0
    }

    /// The time that is left at the present rate; `nil` while no byte arrives.
    package func timeLeft(at now: Instant) -> Duration? {
        let rate = rate(at: now)
        guard rate > 0 else { return nil }
        return .seconds(Double(totalByteCount - min(doneByteCount, totalByteCount)) / rate)
    }
}
