internal import MartletProtocol

/// The state of one choice of a generation, from `GenerationRegistry.prepare` to the end of the generation.
///
/// ```
///            submit            engine.submit          finished, and        last choice,
///                              has returned           others continue      failed, handover
///   waiting ───────► submitting ───────► submitted ───────► complete ───────► over
///      │                  │                  │                                 ▲
///      └──────────────────┴──────────────────┴─────────────────────────────────┘
///                   finished (the only choice), failed, or handover
/// ```
///
/// `progress` only rises. The engine raises it in `submitting` and `submitted`; recovery raises it in `waiting`, from
/// the events of an earlier process. The generation's lock protects the value.
enum Lifecycle {
    /// The log's record of the engine's progress.
    enum Progress: Int, Comparable {
        /// The log has neither event.
        case new
        /// The engine has tokenized and accepted the prompt.
        case admitted
        /// The engine has assigned a sequence.
        case started

        static func < (left: Progress, right: Progress) -> Bool { left.rawValue < right.rawValue }
    }

    /// The engine does not know the choice: the model loads, or recovery has not resubmitted it.
    case waiting(Progress)
    /// `EngineService.submit` is being called. `isCancelled`: the submitting thread cancels the choice afterwards.
    case submitting(Progress, isCancelled: Bool)
    /// The engine has the request.
    case submitted(Progress)
    /// This choice has finished and other choices continue.
    indirect case complete(Progress, GenerationSummary)
    /// The log has its terminal event, or the generation was handed over. No event changes it.
    case over

    /// `nil` when the generation is over.
    var progress: Progress? {
        switch self {
        case .waiting(let progress), .submitting(let progress, _), .submitted(let progress), .complete(let progress, _):
            progress
        case .over: nil
        }
    }

    /// Whether no event changes the generation any more.
    var isOver: Bool { if case .over = self { true } else { false } }
    /// Whether the engine has the request, so that commands and cancellations go to the engine.
    var isSubmitted: Bool { if case .submitted = self { true } else { false } }

    /// Whether the choice finished while others continue.
    var isComplete: Bool { if case .complete = self { true } else { false } }
    /// The summary of a choice that finished while others continue.
    var completion: GenerationSummary? { if case .complete(_, let summary) = self { summary } else { nil } }

    /// Whether the choice has not finished and the log lacks its `started` event.
    var isQueued: Bool { !isComplete && progress.map { $0 < .started } ?? false }

    /// The choice finished and other choices continue.
    mutating func complete(with summary: GenerationSummary) {
        guard let progress else { return }
        self = .complete(progress, summary)
    }

    /// Raises the progress.
    /// - Returns: `false` = the log has the event already: an engine reports it again for a continued generation.
    mutating func advance(to new: Progress) -> Bool {
        guard let progress, progress < new else { return false }
        switch self {
        case .waiting: self = .waiting(new)
        case .submitting(_, let isCancelled): self = .submitting(new, isCancelled: isCancelled)
        case .submitted: self = .submitted(new)
        case .complete, .over: break
        }
        return true
    }

    /// Begins the submission to the engine.
    /// - Returns: whether the choice may be submitted. A cancelled or submitted choice may not.
    mutating func beginSubmission() -> Bool {
        guard case .waiting(let progress) = self else { return false }
        self = .submitting(progress, isCancelled: false)
        return true
    }

    /// `EngineService.submit` has returned.
    /// - Returns: whether a cancellation arrived during the call.
    mutating func endSubmission() -> Bool {
        guard case .submitting(let progress, let isCancelled) = self else { return false }
        self = .submitted(progress)
        return isCancelled
    }

    /// The party that ends a cancelled choice.
    enum Cancellation {
        /// The registry, because the engine does not know the choice.
        case endsHere
        /// The engine.
        case needsEngine
        /// No party: the choice has finished, or the submitting thread will cancel it.
        case needsNothing
    }

    /// Cancels the choice, whose state does not change unless it is being submitted.
    mutating func cancel() -> Cancellation {
        switch self {
        case .waiting: return .endsHere
        case .submitting(let progress, _):
            self = .submitting(progress, isCancelled: true)
            return .needsNothing
        case .submitted: return .needsEngine
        case .complete, .over: return .needsNothing
        }
    }
}
