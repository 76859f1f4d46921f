import MartletProtocol
import Synchronization

/// The activity of a thread, written by that thread and read by any other.
///
/// The thread that it is about writes it, without a lock, so that a thread that stands still can still be asked.
final class ThreadProgress: Sendable {
    /// Kind in the lowest byte, count above it.
    private let activityBits = Atomic<UInt64>(0)
    private let steps = Atomic<UInt64>(0)

    /// A new step begins. Thread: the one that this is about.
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
