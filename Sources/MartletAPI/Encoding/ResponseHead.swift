import MartletJSON
import MartletProtocol

/// What is the same in every chunk of one response; fixed when the generation is admitted.
package struct ResponseHead: Sendable, Equatable {
    /// With its prefix, such as `chatcmpl-…`.
    package var id: String
    /// Seconds since 1970.
    package var created: Int
    /// The server's name of the model.
    package var model: String
    /// Which build answered.
    package var fingerprint: String
    /// What of the request is not honoured, a sentence each.
    package var warnings: [String]
    /// Whether ids of tool calls are as the model's template demands them.
    package var hasShortCallIDs: Bool
    /// The tokens that end an answer of the model, as far as they were known then.
    package var endTokens: [Int32]

    package init(
        id: String, created: Int, model: String, fingerprint: String, warnings: [String] = [],
        hasShortCallIDs: Bool = false, endTokens: [Int32] = []
    ) {
        self.id = id
        self.created = created
        self.model = model
        self.fingerprint = fingerprint
        self.warnings = warnings
        self.hasShortCallIDs = hasShortCallIDs
        self.endTokens = endTokens
    }

    /// The id of a tool call: the generation's first 96 bits and the call's number, so that it is unique, and the same
    /// whenever the answer is shown.
    func callID(_ number: Int) -> String {
        let random = id.utf8.split(separator: UInt8(ascii: "-")).last ?? id.utf8[...]
        let digits = String(number, radix: 16)
        let long =
            "call_" + String(Substring(random.prefix(24))) + String(repeating: "0", count: max(0, 4 - digits.count))
            + digits
        return hasShortCallIDs ? ShortCallID.short(for: long) : long
    }

    /// Appends `"created":…,"id":…,"model":…,"system_fingerprint":…,"object":…` without braces, and `"warnings":[…]`
    /// where there are some: the request's, then the answer's.
    func write(object: StaticString, warnings others: [String] = [], to bytes: inout [UInt8]) {
        JSONText.appendRaw("\"created\":", to: &bytes)
        JSONText.appendInteger(created, to: &bytes)
        JSONText.appendRaw(",\"id\":", to: &bytes)
        JSONText.appendString(id, to: &bytes)
        JSONText.appendRaw(",\"model\":", to: &bytes)
        JSONText.appendString(model, to: &bytes)
        JSONText.appendRaw(",\"system_fingerprint\":", to: &bytes)
        JSONText.appendString(fingerprint, to: &bytes)
        JSONText.appendRaw(",\"object\":\"", to: &bytes)
        JSONText.appendRaw(object, to: &bytes)
        JSONText.appendRaw("\"", to: &bytes)
        writeWarnings(others, to: &bytes)
    }

    /// Appends `,"warnings":[…]` where there are some: the request's, then those given, each once.
    func writeWarnings(_ others: [String] = [], to bytes: inout [UInt8]) {
        guard !warnings.isEmpty || !others.isEmpty else { return }
        var unique: [String] = []
        for warning in warnings + others where !unique.contains(warning) { unique.append(warning) }
        JSONText.appendRaw(",\"warnings\":", to: &bytes)
        JSONValue.array(unique.map { .string($0) }).write(to: &bytes)
    }
}

/// The parts of a response that say what it cost.
enum Accounting {
    /// Ends the last chunk of a stream behind its choices: usage in a chunk of its own where it is asked for, timings,
    /// and what says that nothing follows.
    ///
    /// - Parameter suffix: what stands behind the choices of every chunk.
    static func writeEnd(
        _ completion: GenerationSummary, _ options: CompletionOptions, _ llamaServerObject: LlamaServerObject,
        suffix: [UInt8],
        to bytes: inout [UInt8]
    ) {
        if options.responseFields.isVerbose {
            JSONText.appendRaw(",\"__verbose\":", to: &bytes)
            llamaServerObject.write(completion, to: &bytes)
        }
        if options.includesUsage {
            JSONText.appendRaw("}\n\ndata: {\"choices\":[", to: &bytes)
            bytes.append(contentsOf: suffix)
            JSONText.appendRaw(",", to: &bytes)
            writeUsage(completion.timings, to: &bytes)
        }
        JSONText.appendRaw(",", to: &bytes)
        writeTimings(completion.timings, to: &bytes)
        JSONText.appendRaw("}\n\n", to: &bytes)
        SharedStreamEvents.appendDone(to: &bytes)
    }

    /// Appends `"usage":{…}`.
    static func writeUsage(_ timings: Timings, to bytes: inout [UInt8]) {
        JSONText.appendRaw("\"usage\":{\"completion_tokens\":", to: &bytes)
        JSONText.appendInteger(timings.predictedTokens, to: &bytes)
        JSONText.appendRaw(",\"prompt_tokens\":", to: &bytes)
        JSONText.appendInteger(timings.promptTokens, to: &bytes)
        JSONText.appendRaw(",\"total_tokens\":", to: &bytes)
        JSONText.appendInteger(timings.promptTokens + timings.predictedTokens, to: &bytes)
        JSONText.appendRaw(",\"prompt_tokens_details\":{\"cached_tokens\":", to: &bytes)
        JSONText.appendInteger(timings.cachedTokens, to: &bytes)
        if timings.reasoningTokens > 0 {
            JSONText.appendRaw("},\"completion_tokens_details\":{\"reasoning_tokens\":", to: &bytes)
            JSONText.appendInteger(timings.reasoningTokens, to: &bytes)
        }
        JSONText.appendRaw("}}", to: &bytes)
    }

    /// Appends `"timings":{…}` with llama-server's members. Its generation rate leaves out the first token, whose time
    /// is part of the prompt's.
    static func writeTimings(_ timings: Timings, to bytes: inout [UInt8]) {
        let computed = timings.promptTokens - timings.cachedTokens
        JSONText.appendRaw("\"timings\":{\"cache_n\":", to: &bytes)
        JSONText.appendInteger(timings.cachedTokens, to: &bytes)
        JSONText.appendRaw(",\"prompt_n\":", to: &bytes)
        JSONText.appendInteger(computed, to: &bytes)
        writeRates("prompt", count: computed, milliseconds: timings.promptTime.milliseconds, to: &bytes)
        JSONText.appendRaw(",\"predicted_n\":", to: &bytes)
        JSONText.appendInteger(timings.predictedTokens, to: &bytes)
        writeRates(
            "predicted", count: max(timings.predictedTokens - 1, 0),
            milliseconds: timings.predictedTime.milliseconds, to: &bytes)
        JSONText.appendRaw("}", to: &bytes)
    }

    /// Times are whole microseconds. Rates are computed from the times in the response.
    private static func writeRates(
        _ name: StaticString, count: Int, milliseconds: Double, to bytes: inout [UInt8]
    ) {
        let milliseconds = (milliseconds * 1_000).rounded() / 1_000
        for (suffix, value) in [
            ("_ms" as StaticString, milliseconds),
            ("_per_token_ms", count > 0 ? milliseconds / Double(count) : 0),
            ("_per_second", milliseconds > 0 ? Double(count) * 1_000 / milliseconds : 0),
        ] {
            JSONText.appendRaw(",\"", to: &bytes)
            JSONText.appendRaw(name, to: &bytes)
            JSONText.appendRaw(suffix, to: &bytes)
            JSONText.appendRaw("\":", to: &bytes)
            JSONText.appendNumber(value, to: &bytes)
        }
    }

    /// Appends `"prompt_progress":{…}`.
    static func writeProgress(_ progress: PromptProgress, to bytes: inout [UInt8]) {
        JSONText.appendRaw("\"prompt_progress\":{\"total\":", to: &bytes)
        JSONText.appendInteger(progress.total, to: &bytes)
        JSONText.appendRaw(",\"cache\":", to: &bytes)
        JSONText.appendInteger(progress.cached, to: &bytes)
        JSONText.appendRaw(",\"processed\":", to: &bytes)
        JSONText.appendInteger(progress.processed, to: &bytes)
        JSONText.appendRaw(",\"time_ms\":", to: &bytes)
        JSONText.appendInteger(Int(progress.elapsed.milliseconds), to: &bytes)
        JSONText.appendRaw("}", to: &bytes)
    }
}

extension Duration {
    var milliseconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) * 1e3 + Double(attoseconds) / 1e15
    }
}

extension GenerationSummary {
    /// OpenAI's `finish_reason` of a chat. A limit counts more than that the answer happens to end behind a call.
    var finishReason: StaticString {
        switch reason {
        case .endOfGeneration where endsInToolCalls, .stopText where endsInToolCalls: "tool_calls"
        default: reason.finishReason
        }
    }
}

extension GenerationSummary.Reason {
    /// OpenAI's `finish_reason`.
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
