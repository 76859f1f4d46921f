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
            "applied": true, "action": "status", "phase": .string(report.phase.wireName),
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

extension GenerationReport.Phase {
    /// The spelling of `phase` in the reply to `status`.
    fileprivate var wireName: String {
        switch self {
        case .queued: "queued"
        case .prompt: "prompt"
        case .reasoning: "reasoning"
        case .content: "answering"
        }
    }
}
