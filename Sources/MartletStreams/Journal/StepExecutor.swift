internal import MartletPlatform
internal import NIOPosix
internal import Synchronization

/// Runs steps that may wait for a disk, one at a time, in the order of their submission.
///
/// A server runs them on a thread. A simulation calls them when its schedule says so.
package protocol StepExecutor: Sendable {
    /// Calls `step` until it returns false.
    ///
    /// - Parameter delay: called right before the first call of `step`. The executor waits for the returned time.
    func submit(after delay: @escaping @Sendable () -> Duration, _ step: @escaping @Sendable () -> Bool)

    /// Returns when all submitted steps have ended.
    func shutDown() async
}

extension StepExecutor {
    /// Calls `step` until it returns false.
    package func submit(_ step: @escaping @Sendable () -> Bool) { submit(after: { .zero }, step) }
}

/// A thread for steps. The thread begins with the first submission.
///
/// After the shutdown a step runs on the thread of its caller and without its delay, so that no caller waits for a step
/// that never comes.
package final class StepThread: Sendable {
    private let pool = NIOThreadPool(numberOfThreads: 1)
    /// Locked while a step runs, because after the shutdown several callers may run steps.
    private let running = Mutex(())
    private let isStarted = Atomic<Bool>(false)

    /// Makes an executor that has no thread yet.
    package init() {}

    private static func sleep(_ duration: Duration) {
        guard duration > .zero else { return }
        let (seconds, attoseconds) = duration.components
        usleep(UInt32(clamping: seconds * 1_000_000 + attoseconds / 1_000_000_000_000))
    }
}

extension StepThread: StepExecutor {
    package func submit(after delay: @escaping @Sendable () -> Duration, _ step: @escaping @Sendable () -> Bool) {
        // A pool that has ended must not be started again.
        if !isStarted.exchange(true, ordering: .acquiringAndReleasing) { pool.start() }
        pool.submit { [self] state in
            if state == .active { Self.sleep(delay()) }
            running.withLock { _ in
                while step() {}
            }
        }
    }

    package func shutDown() async { try? await pool.shutdownGracefully() }
}
