import MartletProtocol

extension GenerationSummary {
    /// OpenAI's `finish_reason` of a chat. A limit takes precedence over a tool call at the end of the output.
    var finishReason: StaticString {
        switch reason {
        case .endOfGeneration where endsInToolCalls, .stopText where endsInToolCalls: "tool_calls"
        default: reason.finishReason
        }
    }
}

// A client sees OpenAI's three words and llama-server's four. The access log has all reasons.
extension GenerationSummary.Reason {
    /// OpenAI's `finish_reason` without regard to tool calls.
    var finishReason: StaticString {
        switch self {
        case .endOfGeneration, .stopText, .stopped, .cancelled: "stop"
        case .tokenLimit, .timeLimit, .contextFull, .indentation: "length"
        }
    }

    /// llama-server's `stop_type`.
    var stopType: StaticString {
        switch self {
        case .endOfGeneration: "eos"
        case .stopText: "word"
        case .tokenLimit, .timeLimit, .contextFull, .indentation: "limit"
        case .stopped, .cancelled: "none"
        }
    }
}
