package import MartletProtocol

/// The counters of an engine, under llama-server's metric names.
///
/// llama-server's two speed gauges are left out: they are averages over the time since the last scrape, so they are
/// wrong when two parties scrape. `rate()` of the counters has the same information.
package enum EngineMetrics {
    /// The state of one engine at one moment.
    package struct Report: Sendable {
        /// The model for the label `model`; nil = no label, as llama-server's server of one model writes its metrics.
        package var model: String?
        package var status: EngineStatus

        /// Makes a report.
        package init(model: String?, _ status: EngineStatus) {
            self.model = model
            self.status = status
        }

        /// The labels of all samples of the engine.
        var labels: [(String, String)] { model.map { [("model", $0)] } ?? [] }
    }

    /// Adds the metrics of engines. Without an engine there are none.
    package static func write(_ reports: [Report], to text: inout PrometheusText) {
        guard !reports.isEmpty else { return }
        func add(
            _ name: String, _ kind: PrometheusText.Kind, help: String, _ value: (EngineStatus) -> Double
        ) {
            text.add(name, kind, help: help, reports.map { (labels: $0.labels, value: value($0.status)) })
        }
        add("llamacpp:prompt_tokens_total", .counter, help: "Prompt tokens computed.") {
            Double($0.counters.promptTokens)
        }
        add("llamacpp:prompt_tokens_cached_total", .counter, help: "Prompt tokens found in the prefix cache.") {
            Double($0.counters.cachedTokens)
        }
        add("llamacpp:prompt_seconds_total", .counter, help: "Seconds spent on prompts.") {
            $0.counters.promptTime / .seconds(1)
        }
        add("llamacpp:tokens_predicted_total", .counter, help: "Tokens generated.") {
            Double($0.counters.predictedTokens)
        }
        add("llamacpp:tokens_predicted_seconds_total", .counter, help: "Seconds spent on generating.") {
            $0.counters.predictedTime / .seconds(1)
        }
        add("llamacpp:spec_decode_num_drafts_total", .counter, help: "Drafts computed.") {
            Double($0.counters.drafts)
        }
        add("llamacpp:spec_decode_num_draft_tokens_total", .counter, help: "Tokens drafted.") {
            Double($0.counters.draftedTokens)
        }
        add("llamacpp:spec_decode_num_accepted_tokens_total", .counter, help: "Drafted tokens that were accepted.") {
            Double($0.counters.acceptedDraftTokens)
        }
        add("llamacpp:n_decode_total", .counter, help: "Calls of llama_decode.") {
            Double($0.counters.decodes)
        }
        add("llamacpp:n_tokens_max", .gauge, help: "Longest context that a sequence has had, in tokens.") {
            Double($0.counters.longestContext)
        }
        add("llamacpp:n_busy_slots_per_decode", .gauge, help: "Sequences per decode, on average.") {
            $0.counters.decodes == 0 ? 0 : Double($0.counters.busySlots) / Double($0.counters.decodes)
        }
        add("llamacpp:requests_processing", .gauge, help: "Generations that have a sequence.") {
            Double($0.slots.count { $0.phase != .idle })
        }
        add("llamacpp:requests_deferred", .gauge, help: "Generations that wait for a sequence.") {
            Double($0.queued)
        }
        CacheMetrics.write(reports, to: &text)
    }
}
