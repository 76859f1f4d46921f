internal import Synchronization

/// A recovery that runs step by step, on any thread.
///
/// Example: `while run.step() {}` restores all generations. A simulation runs other steps between two of them.
package final class RecoveryRun: Sendable {
    /// The recovery between two steps. A step moves it out, so that no lock is held while a journal is read.
    private let recovery: Mutex<Recovery?>

    /// Makes the run of a recovery that has not begun.
    package init(_ recovery: Recovery) { self.recovery = Mutex(recovery) }

    /// Runs the next step. Two calls must not overlap.
    /// - Returns: whether a step remains.
    package func step() -> Bool {
        guard var next = recovery.withLock({ $0.take() }) else { return false }
        let hasMore = next.step()
        recovery.withLock { $0 = next }
        return hasMore
    }
}
