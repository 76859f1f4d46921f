internal import MartletProtocol

/// Where a generation stands, for those who ask.
package struct GenerationStatus: Sendable, Equatable {
    package enum State: String, Sendable {
        /// It waits for the model or for a sequence.
        case queued
        /// In its prompt or writing.
        case running
        case finished
        case cancelled
        case failed
    }
    package var state: State
    package var tokenCount: Int
    /// The number of the newest event; `nil` = there is none.
    package var lastEvent: Int?
    package var end: LogEvent?
    /// In seconds since 1970.
    package var finished: Int64?
    /// How many are before it, if it is queued.
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
