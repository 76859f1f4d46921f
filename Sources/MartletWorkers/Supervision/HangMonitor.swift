package import MartletProtocol

/// Decides whether a worker hangs, by the steps that its threads report.
///
/// Each tick sends a ping to the worker. The worker hangs if it does not reply (a stopped process), or if a thread with
/// work makes no step (a deadlock). A slow decode is no hang: each node of its graph is a step.
///
/// Pure: the time comes in as a value. When ticks come late, the machine slept or this process was stopped; then the
/// worker could not reply either, and that time does not count.
package struct HangMonitor: Sendable {
    package typealias Instant = ContinuousClock.Instant

    /// The action at a tick.
    package enum Action: Sendable, Equatable {
        case nothing
        /// Send a ping to the worker.
        case ping
        /// Kill the worker. The text is a predicate: "has not answered for 60 seconds".
        case end(String)
    }

    private struct Lane: Sendable {
        var activity: ThreadActivity
        /// The time of the last step, or of the last idle report.
        var since: Instant
    }

    /// Steps of loading are longer than steps of decode: files may be on slow disks.
    private static let loadingFactor = 5

    private let timeout: Duration?
    private var lanes: [Lane] = []
    /// The time of the worker's start or last reply; `nil` = there is no worker.
    private var lastAnswer: Instant?
    private var hasAnswered = false
    private var lastTick: Instant?

    /// - Parameter timeout: The maximum time without a step; `nil` = no limit.
    package init(timeout: Duration?) { self.timeout = timeout }

    /// How far ticks are apart; `nil` = none are wanted.
    package var interval: Duration? {
        timeout.map { min(max($0 / 8, .milliseconds(50)), .seconds(5)) }
    }

    /// A worker starts.
    package mutating func begin(at now: Instant) {
        (lanes, lastAnswer, lastTick, hasAnswered) = ([], now, now, false)
    }

    /// The worker is gone, or about to be.
    package mutating func stop() { lastAnswer = nil }

    /// The worker answered.
    package mutating func recordActivity(_ activities: [ThreadActivity], at now: Instant) {
        guard lastAnswer != nil else { return }
        lastAnswer = now
        hasAnswered = true
        if lanes.count != activities.count {
            lanes = activities.map { Lane(activity: $0, since: now) }
            return
        }
        for (index, activity) in activities.enumerated() {
            let hasMoved = activity.steps != lanes[index].activity.steps
            if hasMoved || activity.kind == .idle { lanes[index].since = now }
            lanes[index].activity = activity
        }
    }

    /// To be called `interval` after the last call.
    package mutating func tick(at now: Instant) -> Action {
        guard let timeout, let interval, let before = lastTick, lastAnswer != nil else { return .nothing }
        lastTick = now
        if now - before > interval * 2 { forgive(now - before - interval) }
        guard let lastAnswer else { return .nothing }
        let silence = hasAnswered ? timeout : timeout * Self.loadingFactor
        if now - lastAnswer >= silence {
            stop()
            return .end("has not answered for \(silence)\(lastStep)")
        }
        for lane in lanes where lane.activity.kind != .idle {
            let isLoading = lane.activity.kind == .loading || lane.activity.kind == .warmUp
            let limit = isLoading ? timeout * Self.loadingFactor : timeout
            guard now - lane.since >= limit else { continue }
            stop()
            return .end("has taken no step for \(limit)\(Self.phrase(lane.activity))")
        }
        return .ping
    }

    private mutating func forgive(_ duration: Duration) {
        lastAnswer? += duration
        for index in lanes.indices { lanes[index].since += duration }
    }

    private var lastStep: String {
        let lane = lanes.first { $0.activity.kind != .idle } ?? lanes.first
        return lane.map { Self.phrase($0.activity) } ?? ""
    }

    private static func phrase(_ activity: ThreadActivity) -> String {
        "; the last step that it reported was \(activity)"
    }
}
