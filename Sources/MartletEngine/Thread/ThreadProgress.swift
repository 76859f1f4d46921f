import MartletProtocol
import Synchronization

/// The activity of one thread, for the watchdog.
///
/// Only that thread writes it; any thread reads it. There is no lock, so that the activity of a blocked thread can
/// still be read.
final class ThreadProgress: Sendable {
    /// The kind of activity in the lowest byte, the count above it.
    private let activityBits = Atomic<UInt64>(0)
    private let steps = Atomic<UInt64>(0)

    /// Records the beginning of a new activity. Thread: only the thread that this object describes.
    func record(_ kind: ThreadActivity.Kind, count: Int = 0) {
        activityBits.store(UInt64(kind.rawValue) | UInt64(clamping: count) << 8, ordering: .relaxed)
        steps.store(steps.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    }

    var activity: ThreadActivity {
        let bits = activityBits.load(ordering: .relaxed)
        return ThreadActivity(
            ThreadActivity.Kind(rawValue: UInt8(truncatingIfNeeded: bits)) ?? .idle, count: Int(bits >> 8),
            steps: steps.load(ordering: .relaxed))
    }
}
