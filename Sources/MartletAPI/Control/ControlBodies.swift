package import MartletJSON
package import MartletProtocol
package import MartletStreams
import OrderedCollections

/// What is told of orders: in replies, and in streams.
package enum ControlBodies {
    /// - Parameter event: its number in the log.
    package static func applied(_ record: LoggedCommand, event: Int) -> JSONValue {
        var members: JSONObject = [
            "applied": true, "action": .string(record.command.actionName), "at_token": .integer(Int64(record.token)),
            "event": .integer(Int64(event)),
        ]
        switch record.command {
        case .reasoningEnded(let tokens): members["tokens"] = .integer(Int64(tokens))
        case .stopped(let reason): members["reason"] = reason.map { .string($0) } ?? .null
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

    /// Why an order was not obeyed, as an error.
    package static func refusal(_ refusal: ControlRefusal) -> APIError {
        let (reason, message): (String, String) =
            switch refusal {
            case .notReasoning: ("not_reasoning", "The model has not begun to think")
            case .reasoningAlreadyEnded: ("already_answering", "The model thinks no more")
            case .noReasoningDelimiters: ("no_reasoning_markers", "It is not known how this model marks its thinking")
            case .notStarted: ("not_started", "The generation still waits for its turn")
            case .notPaused: ("not_paused", "The generation is not paused")
            case .alreadyPaused: ("already_paused", "The generation is paused already")
            case .contextFull(let tokens): ("context_full", "The context has no room for \(tokens) more tokens")
            case .tooManyInjections(let limit):
                ("too_many_injections", "\(limit) injections wait for their moment already")
            case .beyondEnd(let tokens):
                ("beyond_end", "Field 'to_token': The answer has only \(tokens) tokens so far")
            case .textNotFound: ("text_not_found", "Field 'to_text': The answer does not contain this text")
            case .truncated: ("truncated", "Tokens were dropped when the context was full, so it cannot go back")
            case .constrained: ("constrained", "The answer follows a grammar, which foreign text would break")
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

    /// Why an order cannot have its name.
    package static func refusal(_ error: CommandIdentityError) -> APIError {
        switch error {
        case .used(let other):
            var error = APIError(
                .conflict,
                "Field 'request_id': \"\(other.requestID.prefix(64))\" names another order to this generation, whose action was "
                    + "\"\(other.action)\"", parameter: "request_id")
            error.reason = "request_id_used"
            return error
        case .tooMany(let limit):
            var error = APIError(
                .rateLimited,
                "Field 'request_id': \(limit) orders to this generation have one already, which is the limit",
                parameter: "request_id")
            error.reason = "too_many_request_ids"
            return error
        }
    }

    /// The generation has ended, or ended before the order took effect. `nil` = it goes on in the next process.
    package static func finished(_ end: LogEvent?) -> APIError {
        let how: String
        switch end {
        case .finished(let completion): how = "ended with finish_reason \"\(completion.reason.finishReason)\""
        case .failed(let error): how = "failed: \(error.message)"
        default:
            return APIError(
                .unavailable, "The server restarts and then goes on with this answer; give the order again there")
        }
        var error = APIError(.conflict, "The generation \(how)")
        error.reason = "finished"
        return error
    }

    /// The same for a generation of which only the end reason is known.
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

    /// A comment line: no client shows it, and one that knows it can read it.
    static func appendComment(_ record: LoggedCommand, number: Int, to bytes: inout [UInt8]) {
        JSONText.appendRaw(": martlet-control ", to: &bytes)
        applied(record, event: number).write(to: &bytes)
        JSONText.appendRaw("\n\n", to: &bytes)
    }
}

extension AppliedCommand {
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
