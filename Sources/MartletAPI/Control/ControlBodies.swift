package import MartletJSON
package import MartletProtocol
package import MartletStreams
import OrderedCollections

/// JSON of command results and refusals: in responses, on WebSockets and in streams.
package enum ControlBodies {
    /// The result of a command that was applied.
    /// - Parameters:
    ///   - record: the command with the token index at which it took effect.
    ///   - event: the number of its event in the log. Results are the same in the response and in the stream.
    package static func applied(_ record: LoggedCommand, event: Int) -> JSONValue {
        var members: JSONObject = [
            "applied": true, "action": .string(record.command.actionName), "at_token": .integer(Int64(record.token)),
            "event": .integer(Int64(event)),
        ]
        switch record.command {
        case .reasoningEnded(let tokens): members["tokens"] = .integer(Int64(tokens))
        case .stopped(let reason): members["reason"] = reason.map { .string($0) } ?? .null
        // A paused generation is retained without a time limit.
        case .paused: members["kept_until"] = "resumed_or_stopped"
        case .resumed: break
        case .changed(let change, let old):
            members["old"] = SettingFields.values(change.keys, of: old)
            members["new"] = SettingFields.values(change.keys, of: change.values)
        case .injected(let opensTurn, let tokens):
            members["how"] = opensTurn ? "new_turn" : "splice"
            members["tokens"] = .integer(Int64(tokens))
        case .rewound:
            members["cut_event"] = .integer(Int64(record.cut ?? 0))
            if let count = record.contentBytes { members["content_bytes"] = .integer(Int64(count)) }
        case .forked: members["ids"] = .array(record.forks.map { .string($0) })
        }
        return .object(members)
    }

    /// The result of the command `status`. Speeds are tokens per second, rounded to three decimals.
    package static func status(_ report: GenerationReport) -> JSONValue {
        let seconds = report.predictedTime / .seconds(1)
        let speed = report.predictedTokens > 1 && seconds > 0 ? Double(report.predictedTokens - 1) / seconds : 0
        return [
            "applied": true, "action": "status", "phase": .string("\(report.phase)"),
            "paused": .bool(report.isPaused),
            "queue_position": report.position.map { .integer(Int64($0)) } ?? .null,
            "prompt_tokens": .integer(Int64(report.promptTokens)),
            "prompt_tokens_processed": .integer(Int64(report.promptTokensProcessed)),
            "cached_tokens": .integer(Int64(report.cachedTokens)),
            "tokens": .integer(Int64(report.predictedTokens)),
            "tokens_per_second": .number((speed * 1_000).rounded() / 1_000),
            "reasoning_tokens": .integer(Int64(report.reasoningTokens)),
            "reasoning_budget_tokens": .integer(Int64(report.reasoningBudget ?? -1)),
            "memory_tokens": .integer(Int64(report.kvCacheTokens)),
            "shelved_tokens": .integer(Int64(report.swappedOutTokens)),
        ]
    }

    /// The error of a command that the engine refused.
    ///
    /// `reason` is one word for programs and part of the wire format. All refusals are 409, except an invalid command
    /// (400) and a
    /// lack of sequences (429).
    package static func refusal(_ refusal: ControlRefusal) -> APIError {
        let (reason, message): (String, String) =
            switch refusal {
            case .notReasoning: ("not_reasoning", "The model has not begun to reason")
            case .reasoningAlreadyEnded: ("already_answering", "The model's reasoning has already ended")
            case .noReasoningDelimiters: ("no_reasoning_markers", "The reasoning delimiters of this model are unknown")
            case .notStarted: ("not_started", "The generation is still queued")
            case .notPaused: ("not_paused", "The generation is not paused")
            case .alreadyPaused: ("already_paused", "The generation is paused already")
            case .contextFull(let tokens): ("context_full", "The context has no room for \(tokens) more tokens")
            case .tooManyInjections(let limit):
                ("too_many_injections", "At most \(limit) injections may be pending, and \(limit) are")
            case .beyondEnd(let tokens):
                ("beyond_end", "Field 'to_token': The output has only \(tokens) tokens so far")
            case .textNotFound: ("text_not_found", "Field 'to_text': The output does not contain this text")
            case .truncated: ("truncated", "A context shift has dropped tokens, so the generation cannot be rewound")
            case .constrained: ("constrained", "The output follows a grammar, and injected text would violate it")
            case .noFreeSequence(let idle):
                ("no_free_sequence", "Field 'n': Only \(idle) sequences are idle (--parallel)")
            case .invalid(let message): ("invalid", message)
            }
        let kind: APIError.Kind =
            switch refusal {
            case .noFreeSequence: .rateLimited
            case .invalid: .invalidRequest
            default: .conflict
            }
        var error = APIError(kind, message)
        error.reason = reason
        return error
    }

    /// The error of a `request_id` that cannot be used.
    package static func refusal(_ error: CommandIdentityError) -> APIError {
        switch error {
        case .used(let other):
            var error = APIError(
                .conflict,
                "Field 'request_id': \"\(other.requestID.prefix(64))\" "
                    + "is the id of another command to this generation, whose action was \"\(other.action)\"",
                parameter: "request_id")
            error.reason = "request_id_used"
            return error
        case .tooMany(let limit):
            var error = APIError(
                .rateLimited,
                "Field 'request_id': At most \(limit) commands to one generation may have an id, and \(limit) have one",
                parameter: "request_id")
            error.reason = "too_many_request_ids"
            return error
        }
    }

    /// The error of a command to a generation that has ended, or that ended before the command took effect.
    /// - Parameter end: the terminal event; nil if the generation continues in the next server process.
    package static func finished(_ end: LogEvent?) -> APIError {
        let how: String
        switch end {
        case .finished(let completion): how = "ended with finish_reason \"\(completion.reason.finishReason)\""
        case .failed(let error): how = "failed: \(error.message)"
        default:
            return APIError(
                .unavailable,
                "The server restarts and then continues this generation; send the command again after the restart")
        }
        var error = APIError(.conflict, "The generation \(how)")
        error.reason = "finished"
        return error
    }

    /// The same error for a generation whose log is gone, so that only the reason of its end is known.
    package static func finished(_ end: EndReason) -> APIError {
        let how =
            switch end {
            case .finished(let reason): "ended with finish_reason \"\(reason.finishReason)\""
            case .failed(let code): "failed with \(APIError(EngineError(code, "")).kind.rawValue)"
            }
        var error = APIError(.conflict, "The generation \(how)")
        error.reason = "finished"
        return error
    }

    /// Appends a comment line of server-sent events. Clients that do not know control commands ignore it.
    static func appendComment(_ record: LoggedCommand, number: Int, to bytes: inout [UInt8]) {
        JSONText.appendRaw(": martlet-control ", to: &bytes)
        applied(record, event: number).write(to: &bytes)
        JSONText.appendRaw("\n\n", to: &bytes)
    }
}

extension AppliedCommand {
    /// The spelling of `action` in requests and results.
    fileprivate var actionName: String {
        switch self {
        case .reasoningEnded: "reasoning_end"
        case .stopped: "stop"
        case .paused: "pause"
        case .resumed: "resume"
        case .changed: "set"
        case .injected: "inject"
        case .rewound: "rewind"
        case .forked: "fork"
        }
    }
}
