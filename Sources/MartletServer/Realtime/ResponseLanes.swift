internal import MartletText

/// The order of the responses of one WebSocket: those of one lane run one after another, and lanes run side by side.
///
///     idle ──add──▶ running ──finish, none waits──▶ idle
///                     │  ▲
///                     └──┘ finish: the next one runs; add: one more waits
///
/// A lane is a `stream_id` of the client, or the one without a name. Pure: no I/O, no clock.
struct ResponseLanes<Job> {
    /// The reaction to a job.
    enum Admission: Equatable {
        case begins
        case waits
        /// Too many lanes run.
        case tooManyLanes
        /// Too many jobs wait.
        case tooManyJobs
    }

    /// Lanes that run at the same time.
    static var laneLimit: Int { 16 }
    /// Jobs that wait, in all lanes together.
    static var waitingLimit: Int { 64 }

    /// The waiting jobs of each running lane.
    private var waiting: [ExactString?: [Job]] = [:]
    private var waitingCount = 0

    /// The number of running lanes.
    var runningCount: Int { waiting.count }

    /// Adds a job. It runs at once if its lane is idle.
    mutating func add(_ job: Job, to lane: ExactString?) -> Admission {
        guard waiting[lane] == nil else {
            guard waitingCount < Self.waitingLimit else { return .tooManyJobs }
            waiting[lane]?.append(job)
            waitingCount += 1
            return .waits
        }
        guard waiting.count < Self.laneLimit else { return .tooManyLanes }
        waiting[lane] = []
        return .begins
    }

    /// The running job of a lane has ended.
    /// - Returns: the next job of the lane, which runs now; nil if the lane is idle.
    mutating func finish(_ lane: ExactString?) -> Job? {
        guard var jobs = waiting[lane], !jobs.isEmpty else {
            waiting[lane] = nil
            return nil
        }
        let next = jobs.removeFirst()
        waiting[lane] = jobs
        waitingCount -= 1
        return next
    }
}
