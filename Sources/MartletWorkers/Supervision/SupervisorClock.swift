/// The passing of time for a supervisor. A test replaces the system's clock by one that it moves itself.
///
/// Thread: both functions from any task or thread.
package struct SupervisorClock: Sendable {
    /// The present time.
    package var now: @Sendable () -> ContinuousClock.Instant
    /// Suspends the task for a duration.
    ///
    /// Throws `CancellationError` at once when the task is cancelled.
    package var sleep: @Sendable (Duration) async throws -> Void

    /// Makes a clock.
    package init(
        now: @escaping @Sendable () -> ContinuousClock.Instant,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.now = now
        self.sleep = sleep
    }

    /// The clock of the system, which also runs while the machine sleeps.
    package static let system = Self(now: { .now }, sleep: { try await Task.sleep(for: $0) })
}
