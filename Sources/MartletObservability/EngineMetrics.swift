package import MartletProtocol

/// The counters of an engine, under llama-server's metric names.
///
/// llama-server's two speed gauges are left out: they are averages over the time since the last scrape, so they are
/// wrong when two parties scrape. `rate()` of the counters has the same information.
package enum EngineMetrics {
    /// Adds the metrics of one engine.
    package static func write(_ status: EngineStatus, to text: inout PrometheusText) {
        let counters = status.counters
        text.add(
            "llamacpp:prompt_tokens_total", .counter, help: "Prompt tokens computed.", Double(counters.promptTokens))
        text.add(
            "llamacpp:prompt_tokens_cached_total", .counter, help: "Prompt tokens found in the prefix cache.",
            Double(counters.cachedTokens))
        text.add(
            "llamacpp:prompt_seconds_total", .counter, help: "Seconds spent on prompts.",
            counters.promptTime / .seconds(1))
        text.add(
            "llamacpp:tokens_predicted_total", .counter, help: "Tokens generated.", Double(counters.predictedTokens))
        text.add(
            "llamacpp:tokens_predicted_seconds_total", .counter, help: "Seconds spent on generating.",
            counters.predictedTime / .seconds(1))
        text.add(
            "llamacpp:spec_decode_num_drafts_total", .counter, help: "Drafts computed.", Double(counters.drafts))
        text.add(
            "llamacpp:spec_decode_num_draft_tokens_total", .counter, help: "Tokens drafted.",
            Double(counters.draftedTokens))
        text.add(
            "llamacpp:spec_decode_num_accepted_tokens_total", .counter, help: "Drafted tokens that were accepted.",
            Double(counters.acceptedDraftTokens))
        text.add("llamacpp:n_decode_total", .counter, help: "Calls of llama_decode.", Double(counters.decodes))
        text.add(
            "llamacpp:n_tokens_max", .gauge, help: "Longest context that a sequence has had, in tokens.",
            Double(counters.longestContext))
        text.add(
            "llamacpp:n_busy_slots_per_decode", .gauge, help: "Sequences per decode, on average.",
            counters.decodes == 0 ? 0 : Double(counters.busySlots) / Double(counters.decodes))
        text.add(
            "llamacpp:requests_processing", .gauge, help: "Generations that have a sequence.",
            Double(status.slots.count { $0.phase != .idle }))
        text.add(
            "llamacpp:requests_deferred", .gauge, help: "Generations that wait for a sequence.", Double(status.queued))
        CacheMetrics.write(status.cache, to: &text)
    }
}
