package import MartletProtocol

/// What changes a log. A log is the fold of its inputs, so whoever has them can make it again.
package enum GenerationInput: Sendable, Equatable {
    case engine(EngineEvent)
    case ping
    /// It goes on in another process.
    case handedOver
    /// The same while events were missing that an earlier process told, so that no event tells it.
    case parted
    /// An order was given.
    case command(CommandRecord)
    /// The end that comes next gets this number: events before it, which an earlier process may have told, will not
    /// come.
    case leap(to: Int)
}

/// Keeps what is needed to bring resumable generations back after the process has ended.
///
/// Thread: any, one call at a time, in the order in which the logs change. A lock is held: these must neither block nor
/// call back; `erase` apart, which is called without it.
package protocol GenerationRecorder: Sendable {
    /// There is a new generation.
    func begin(_ generation: Generation)
    /// The engine is about to get the request.
    func submit(_ request: GenerationRequest, of generation: Generation)
    /// The log has taken an input. When that ended it, `finished` is the time in seconds since 1970.
    func append(_ input: GenerationInput, of generation: Generation, finished: Int64?)
    /// The log has taken all inputs of one step, and shows some of them only when they are written.
    func requestCommit(of generation: Generation)
    /// Nobody will ask for it any more.
    func remove(_ generation: Generation)
    /// Removes all records of a generation, and returns when the removal survives the process.
    func erase(_ generation: Generation) async throws(JournalError)
}
