import MartletGenerations
import MartletJSON
import MartletProtocol

/// Writes the counts and times of a response: `usage`, `timings` and `prompt_progress`.
enum Accounting {
    /// Completes the last chunk of a stream after its choices: a separate chunk for usage if the request asks for it,
    /// then
    /// timings, then `[DONE]`.
    ///
    /// - Parameters:
    ///   - verboseObject: written as `__verbose` if the request asks for it.
    ///   - suffix: the bytes after the choices of every chunk.
    static func writeEnd(
        _ completion: GenerationSummary, _ options: CompletionOptions, _ verboseObject: LlamaServerObject,
        suffix: [UInt8],
        to bytes: inout [UInt8]
    ) {
        if options.responseFields.isVerbose {
            JSONText.appendRaw(",\"__verbose\":", to: &bytes)
            verboseObject.write(completion, to: &bytes)
        }
        if options.includesUsage {
            JSONText.appendRaw("}\n\ndata: {\"choices\":[", to: &bytes)
            bytes.append(contentsOf: suffix)
            JSONText.appendRaw(",", to: &bytes)
            writeUsage(completion.timings, to: &bytes)
        }
        JSONText.appendRaw(",", to: &bytes)
        writeTimings(of: completion, showsCachedText: options.showsCachedText, to: &bytes)
        JSONText.appendRaw("}\n\n", to: &bytes)
        SharedStreamEvents.appendDone(to: &bytes)
    }

    /// Appends OpenAI's `"usage":{…}`. Counts of tokens; the details are present only if they are not zero.
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

    /// Appends `"timings":{…}` with llama-server's members.
    ///
    /// The counts of drafted tokens are present if there are any. The generation rate omits the first token, because its
    /// time is part of the prompt's.
    static func writeTimings(_ timings: Timings, to bytes: inout [UInt8]) { writeTimings(timings, nil, to: &bytes) }

    /// Appends the timings of a whole generation, with a cache report if the request asks for it.
    static func writeTimings(
        of summary: GenerationSummary, showsCachedText: Bool, to bytes: inout [UInt8]
    ) {
        let report = summary.cacheReport.map {
            CacheReportWriter(report: $0, timings: summary.timings, showsCachedText: showsCachedText)
        }
        writeTimings(summary.timings, report, to: &bytes)
    }

    private static func writeTimings(_ timings: Timings, _ report: CacheReportWriter?, to bytes: inout [UInt8]) {
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
        if timings.draftedTokens > 0 {
            JSONText.appendRaw(",\"draft_n\":", to: &bytes)
            JSONText.appendInteger(timings.draftedTokens, to: &bytes)
            JSONText.appendRaw(",\"draft_n_accepted\":", to: &bytes)
            JSONText.appendInteger(timings.acceptedDraftTokens, to: &bytes)
        }
        report?.write(to: &bytes)
        JSONText.appendRaw("}", to: &bytes)
    }

    /// Appends time, time per token and rate. Times are rounded to microseconds; rates are computed from rounded times,
    /// so
    /// that a client can reproduce them.
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

    /// Appends `"prompt_progress":{…}`: tokens of the prompt in total, from the KV cache, and processed so far; the
    /// position in the queue while the generation waits for a slot.
    static func writeProgress(_ progress: PromptProgress, to bytes: inout [UInt8]) {
        if let wait = progress.wait { return writeWait(wait, to: &bytes) }
        JSONText.appendRaw("\"prompt_progress\":{\"total\":", to: &bytes)
        JSONText.appendInteger(progress.total, to: &bytes)
        JSONText.appendRaw(",\"cache\":", to: &bytes)
        JSONText.appendInteger(progress.cached, to: &bytes)
        JSONText.appendRaw(",\"processed\":", to: &bytes)
        JSONText.appendInteger(progress.processed, to: &bytes)
        JSONText.appendRaw(",\"time_ms\":", to: &bytes)
        JSONText.appendInteger(Int(progress.elapsed.milliseconds), to: &bytes)
        if let position = progress.queuePosition {
            JSONText.appendRaw(",\"queue_position\":", to: &bytes)
            JSONText.appendInteger(position, to: &bytes)
        }
        JSONText.appendRaw("}", to: &bytes)
    }

    /// Appends the member `load_progress`: `{"status":"loading","fraction":0.25}`.
    static func writeWait(_ wait: ModelWait, to bytes: inout [UInt8]) {
        let status: StaticString =
            switch wait.stage {
            case .queued: "queued"
            case .downloading: "downloading"
            case .loading: "loading"
            }
        JSONText.appendRaw("\"load_progress\":{\"status\":\"", to: &bytes)
        JSONText.appendRaw(status, to: &bytes)
        JSONText.appendRaw("\",\"fraction\":", to: &bytes)
        JSONValue.number(wait.fraction).write(to: &bytes)
        JSONText.appendRaw("}", to: &bytes)
    }
}

extension Duration {
    /// The duration in milliseconds, with a fraction.
    var milliseconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) * 1e3 + Double(attoseconds) / 1e15
    }
}
