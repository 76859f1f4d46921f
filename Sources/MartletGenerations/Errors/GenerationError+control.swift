package import MartletProtocol
package import MartletStreams
import MartletText

extension GenerationError {
    /// The reason why the engine did not apply a control command. `reason` identifies it for programs.
    package init(_ refusal: ControlRefusal) {
        let (reason, message): (String, String) =
            switch refusal {
            case .notReasoning: ("not_reasoning", "The model has not begun to reason")
            case .reasoningAlreadyEnded: ("already_answering", "The model's reasoning has already ended")
            case .noReasoningDelimiters:
                ("no_reasoning_markers", "The reasoning delimiters of this model are unknown")
            case .notStarted: ("not_started", "The generation is still queued")
            case .notPaused: ("not_paused", "The generation is not paused")
            case .alreadyPaused: ("already_paused", "The generation is paused already")
            case .contextFull(let tokens): ("context_full", "The context has no room for \(tokens) more tokens")
            case .tooManyInjections(let limit):
                ("too_many_injections", "At most \(limit) injections may be pending, and \(limit) are")
            case .beyondEnd(let tokens):
                ("beyond_end", "Field 'to_token': The output has only \(tokens) tokens so far")
            case .textNotFound: ("text_not_found", "Field 'to_text': The output does not contain this text")
            case .truncated:
                ("truncated", "A context shift has dropped tokens, so the generation cannot be rewound")
            case .constrained: ("constrained", "The output follows a grammar, and injected text would violate it")
            case .noFreeSequence(let idle):
                ("no_free_sequence", "Field 'n': Only \(idle) sequences are idle (--parallel)")
            case .invalid(let message): ("invalid", message)
            }
        let kind: Kind =
            switch refusal {
            case .noFreeSequence: .rateLimited
            case .invalid: .invalidRequest
            default: .conflict
            }
        self.init(kind, message)
        self.reason = reason
    }

    /// A request id that a control command cannot have.
    package init(_ error: CommandIdentityError) {
        switch error {
        case .used(let other):
            self.init(
                .conflict,
                "Field 'request_id': \"\(other.requestID.excerpt(bytes: 64))\" is the id of another command to this generation, "
                    + "whose action was \"\(other.action)\"", field: "request_id")
            reason = "request_id_used"
        case .tooMany(let limit):
            self.init(
                .rateLimited,
                "Field 'request_id': At most \(limit) commands to one generation may have an id, and \(limit) have one",
                field: "request_id")
            reason = "too_many_request_ids"
        }
    }

    /// A control command to a generation that ended before the command took effect.
    ///
    /// - Parameter end: the terminal event; nil for a generation that continues in the next process.
    package static func ended(_ end: LogEvent?) -> GenerationError {
        guard let reason = EndReason(end) else {
            return GenerationError(
                .unavailable,
                "The server restarts and then continues this generation; send the command again after the restart")
        }
        if case .failed(let error) = end { return finished("The generation failed: \(error.message)") }
        return ended(reason)
    }

    /// A control command to a generation of which only the end reason is known.
    package static func ended(_ end: EndReason) -> GenerationError {
        switch end {
        case .finished(let reason): finished("The generation ended with finish_reason \"\(reason.word)\"")
        case .failed(let code): finished("The generation has failed: \(code)")
        }
    }

    private static func finished(_ message: String) -> GenerationError {
        var error = GenerationError(.conflict, message)
        error.reason = "finished"
        return error
    }
}

extension GenerationSummary.Reason {
    /// The reason in the word that clients know from responses.
    fileprivate var word: String {
        switch self {
        case .endOfGeneration, .stopText, .stopped, .cancelled: "stop"
        case .tokenLimit, .timeLimit, .contextFull, .indentation: "length"
        }
    }
}
