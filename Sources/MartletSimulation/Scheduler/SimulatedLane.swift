/// A sequence of steps that one thread would run: an event loop, the journal's thread, a worker, a client.
///
/// Written by the scheduler only. `@unchecked Sendable`: as `SimulatedScheduler`, used on one thread.
package final class SimulatedLane: @unchecked Sendable {
    /// One piece of work that runs without interruption.
    typealias Step = () -> Void

    /// The actor in stories.
    package let name: String
    /// Whether steps run in the order of their arrival. The tasks of a process have no order.
    let isOrdered: Bool
    /// The share of steps that the lane gets beside other ready lanes; at least 1.
    var weight: Int
    /// A number of the lane within its run, for the digest of the schedule.
    let number: UInt64
    var steps: [Step] = []
    /// The index of the first step that has not run, in an ordered lane.
    var first = 0
    /// The index among the ready lanes; nil when the lane has no step or is stalled.
    var readyIndex: Int?
    /// The time since which the lane waits for its next step, in nanoseconds.
    var readySince: UInt64 = 0
    /// Whether no step runs until `resume`, as with a hanging disk.
    var isStalled = false
    /// Whether the lane's process is gone. Steps that are added to it never run.
    var isDead = false

    init(name: String, isOrdered: Bool, weight: Int, number: UInt64) {
        self.name = name
        self.isOrdered = isOrdered
        self.weight = weight
        self.number = number
    }

    /// The number of waiting steps.
    package var count: Int { steps.count - first }
}

/// A step that becomes ready at a time.
///
/// `@unchecked Sendable`: as `SimulatedScheduler`, used on one thread.
package final class SimulatedTimer: @unchecked Sendable {
    let deadline: UInt64
    let sequence: UInt64
    let lane: SimulatedLane
    /// Nil after the timer has fired or was cancelled.
    var step: SimulatedLane.Step?
    /// Whether the timer is there for the whole life of its process, such as a repeated sweep.
    let isPermanent: Bool

    init(
        deadline: UInt64, sequence: UInt64, lane: SimulatedLane, isPermanent: Bool, step: @escaping SimulatedLane.Step
    ) {
        self.deadline = deadline
        self.sequence = sequence
        self.lane = lane
        self.isPermanent = isPermanent
        self.step = step
    }

    /// Whether the timer will add its step.
    var isPending: Bool { step != nil && !lane.isDead }

    /// Withdraws the timer. Later calls have no effect.
    package func cancel() { step = nil }
}
