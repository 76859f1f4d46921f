internal import MartletProtocol

/// The state of a generation at one moment, for clients.
package struct GenerationStatus: Sendable, Equatable {
    /// The state as clients see it. `Lifecycle` is the registry's own view.
    package enum State: String, Sendable {
        /// The generation waits for the model or for a sequence.
        case queued
        /// Prefill or decode.
        case running
        case finished
        case cancelled
        case failed
    }
    package var state: State
    /// The number of tokens in the log, of all choices together.
    package var tokenCount: Int
    /// The number of the newest event; `nil` for an empty log.
    package var lastEvent: Int?
    /// The terminal event.
    package var end: LogEvent?
    /// The time of the end in seconds since 1970; nil for running and for plain generations.
    package var finished: Int64?
    /// The number of choices before a queued generation.
    package var queuePosition: Int?

    init(_ generation: Generation) {
        let extent = generation.log.extent
        tokenCount = extent.tokenCount
        lastEvent = extent.nextNumber > 0 ? extent.nextNumber - 1 : nil
        end = generation.log.terminalEvent
        state =
            switch end {
            case .finished(let completion): completion.reason == .cancelled ? .cancelled : .finished
            case .failed: .failed
            default: generation.log.isStarted ? .running : .queued
            }
    }
}
