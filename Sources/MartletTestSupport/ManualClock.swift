internal import Synchronization

/// A clock that a test advances. Time does not pass by itself.
///
/// Example: `clock.advance(by: .seconds(10))` resumes all tasks that sleep for up to 10 s from now.
///
/// Thread: any.
package final class ManualClock: Clock, Sendable {
    /// A time since the clock's start.
    package struct Instant: InstantProtocol, Sendable {
        package var offset: Duration

        /// The instant after `duration`.
        package func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        /// The time from this instant to `other`; negative if `other` is earlier.
        package func duration(to other: Instant) -> Duration { other.offset - offset }
        /// Whether `left` is earlier.
        package static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    /// A suspended task. The id identifies it for cancellation.
    private struct Sleeper {
        var id: UInt64
        var deadline: Instant
        var continuation: CheckedContinuation<Void, any Error>
    }
    /// All state. Continuations are resumed outside the lock.
    private struct Guarded {
        /// The present time.
        var now = Instant(offset: .zero)
        /// The id of the newest sleeper.
        var lastID: UInt64 = 0
        /// Suspended tasks in the order of their calls.
        var sleepers: [Sleeper] = []
        /// Sleepers that were cancelled before they were registered.
        var cancelled: Set<UInt64> = []
    }
    private let guarded = Mutex(Guarded())

    /// A clock at the offset zero.
    package init() {}

    /// The offset is the sum of all `advance(by:)` so far.
    package var now: Instant { guarded.withLock { $0.now } }
    /// Instants are exact; the protocol requires a value.
    package var minimumResolution: Duration { .nanoseconds(1) }

    /// The number of tasks that sleep.
    package var sleeperCount: Int { guarded.withLock { $0.sleepers.count } }

    /// Advances the time and resumes the tasks whose deadline has passed, the earliest deadline first.
    package func advance(by duration: Duration) {
        let awake = guarded.withLock { guarded in
            guarded.now = guarded.now.advanced(by: duration)
            let now = guarded.now
            defer { guarded.sleepers.removeAll { $0.deadline <= now } }
            return guarded.sleepers.filter { $0.deadline <= now }
        }
        for sleeper in awake.sorted(by: { $0.deadline < $1.deadline }) { sleeper.continuation.resume() }
    }

    /// Suspends the task until the clock reaches `deadline`.
    /// - Throws: `CancellationError` if the task is cancelled.
    package func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        let id = guarded.withLock { guarded in
            guarded.lastID += 1
            return guarded.lastID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let result = guarded.withLock { guarded -> Result<Void, any Error>? in
                    if guarded.cancelled.remove(id) != nil { return .failure(CancellationError()) }
                    if deadline <= guarded.now { return .success(()) }
                    guarded.sleepers.append(Sleeper(id: id, deadline: deadline, continuation: continuation))
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let sleeper = guarded.withLock { guarded -> Sleeper? in
                guard let index = guarded.sleepers.firstIndex(where: { $0.id == id }) else {
                    guarded.cancelled.insert(id)
                    return nil
                }
                return guarded.sleepers.remove(at: index)
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }
}
