import MartletStreams

/// Runs the steps of a thread that may wait for a disk as steps of the simulation.
///
/// `@unchecked Sendable`: as `SimulatedScheduler`, used on one thread.
final class SimulatedStepExecutor: StepExecutor, @unchecked Sendable {
    private let scheduler: SimulatedScheduler
    private let lane: SimulatedLane
    private var submissions: [(delay: @Sendable () -> Duration, step: @Sendable () -> Bool)] = []
    private var isRunning = false
    private var ending: [CheckedContinuation<Void, Never>] = []

    init(_ name: String, _ scheduler: SimulatedScheduler) {
        self.scheduler = scheduler
        lane = scheduler.makeLane(name)
    }

    func submit(after delay: @escaping @Sendable () -> Duration, _ step: @escaping @Sendable () -> Bool) {
        submissions.append((delay, step))
        startNext()
    }

    private func startNext() {
        guard !isRunning else { return }
        guard !submissions.isEmpty else {
            for continuation in ending { continuation.resume() }
            ending = []
            return
        }
        isRunning = true
        let submission = submissions.removeFirst()
        scheduler.add(to: lane) { [self] in
            let (seconds, attoseconds) = submission.delay().components
            let delay = UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
            scheduler.addTimer(at: scheduler.now + delay, on: lane) { [self] in run(submission.step) }
        }
    }

    private func run(_ step: @escaping @Sendable () -> Bool) {
        if step() { return scheduler.add(to: lane) { [self] in run(step) } }
        isRunning = false
        startNext()
    }

    func shutDown() async {
        // Decided when the task is suspended: between a check before and the suspension the last step could end.
        await withCheckedContinuation { continuation in
            guard isRunning || !submissions.isEmpty else { return continuation.resume() }
            ending.append(continuation)
        }
    }

    /// Lets no step run for a duration in nanoseconds, as a disk that hangs.
    func stall(for duration: UInt64) { scheduler.stall(lane, for: duration) }

    /// The process is gone.
    func end() {
        scheduler.end(lane)
        submissions = []
    }
}
