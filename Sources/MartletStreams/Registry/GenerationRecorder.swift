package import MartletProtocol

/// An input of a log. A log is the fold of its inputs, so the recorded inputs make the log again.
package enum GenerationInput: Sendable, Equatable {
    /// An event of the engine.
    case engine(EngineEvent)
    /// A sign of life into a silent stream.
    case ping
    /// Another process continues the generation, and readers receive a last event that says so.
    case handedOver
    /// Another process continues the generation. Readers receive no event, because the log lacks events that an earlier
    /// process emitted and no other event may have their numbers.
    case handedOverIncomplete
    /// A client sent a control command.
    case command(CommandRecord)
    /// The terminal event that follows gets this number. Events with smaller numbers, which an earlier process may have
    /// emitted, will not follow.
    case skippedNumbers(to: Int)
}

/// Stores the inputs of resumable generations, so that a later process can restore the generations.
///
/// Thread: any. The calls for one generation come one at a time, in the order in which its log changes; calls for
/// different generations may come at the same time. A lock of the registry or of a generation is held during the calls:
/// they must neither block nor call back. `erase` is called with no lock held.
package protocol GenerationRecorder: Sendable {
    /// A new generation exists. No input of the generation comes before this call.
    func begin(_ generation: Generation)
    /// The engine is about to receive the request of a choice.
    /// - Parameter parser: the output parser in a form that its maker can read again.
    func submit(_ request: GenerationRequest, parser: [UInt8], of generation: Generation)
    /// The log has applied an input.
    /// - Parameter finished: seconds since 1970 if the input ended the generation; otherwise nil.
    func append(_ input: GenerationInput, of generation: Generation, finished: Int64?)
    /// The log has applied all inputs of one frame, and some of its events become visible only when they are durable.
    func requestCommit(of generation: Generation)
    /// The generation was removed: its records are not needed any more.
    func remove(_ generation: Generation)
    /// Removes all records of a generation, and returns when the removal survives the process.
    func erase(_ generation: Generation) async throws(JournalError)
}
