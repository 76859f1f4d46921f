internal import MartletProtocol

/// The metrics of an engine's cache: what was reused, and what every tier holds.
///
/// Requests and tokens are counted for all owners together; no label names an owner or a prefix.
package enum CacheMetrics {
    /// Adds the metrics of engines. An engine without tiers has none of their metrics.
    static func write(_ reports: [EngineMetrics.Report], to text: inout PrometheusText) {
        func add(
            _ name: String, _ kind: PrometheusText.Kind, help: String, _ value: (CacheStatus) -> Double
        ) {
            text.add(name, kind, help: help, reports.map { (labels: $0.labels, value: value($0.status.cache)) })
        }
        add("martlet_cache_hits_total", .counter, help: "Requests that reused tokens of the cache.") {
            Double($0.hits)
        }
        add("martlet_cache_misses_total", .counter, help: "Requests that read the cache and reused no token.") {
            Double($0.misses)
        }
        add("martlet_cache_checkpoints", .gauge, help: "Checkpoints of cached prompts, in all tiers.") {
            Double($0.checkpoints)
        }
        add("martlet_cache_checkpoint_restores_total", .counter, help: "Checkpoints that were restored.") {
            Double($0.checkpointRestores)
        }
        add("martlet_cache_pinned_prefixes", .gauge, help: "Pinned prefixes.") { Double($0.prefixes.count) }
        add("martlet_cache_pinned_tokens", .gauge, help: "Tokens of pinned prefixes.") {
            Double($0.prefixes.reduce(0) { $0 + $1.tokens })
        }
        writeTiers(reports, to: &text)
    }

    private static func writeTiers(_ reports: [EngineMetrics.Report], to text: inout PrometheusText) {
        func add(
            _ name: String, _ kind: PrometheusText.Kind, help: String, _ value: (CacheTierStatus) -> Double?
        ) {
            let samples = reports.flatMap { report in
                report.status.cache.tiers.compactMap { tier in
                    value(tier).map { (labels: report.labels + [("tier", tier.tier.label)], value: $0) }
                }
            }
            if !samples.isEmpty { text.add(name, kind, help: help, samples) }
        }
        add("martlet_cache_entries", .gauge, help: "Cached prompts.") { Double($0.entries) }
        add("martlet_cache_tokens", .gauge, help: "Tokens of cached prompts; shared tokens count once.") {
            Double($0.tokens)
        }
        add("martlet_cache_bytes", .gauge, help: "Size of cached prompts.") { Double($0.byteCount) }
        add("martlet_cache_limit_bytes", .gauge, help: "Largest size of cached prompts, if there is a limit.") {
            $0.byteLimit.map { Double($0) }
        }
        add("martlet_cache_reused_tokens_total", .counter, help: "Prompt tokens that came from the tier.") {
            Double($0.reusedTokens)
        }
        add("martlet_cache_evictions_total", .counter, help: "Cached prompts that were dropped to make room.") {
            Double($0.evictions)
        }
        add("martlet_cache_damaged_total", .counter, help: "Cached prompts that were dropped as damaged.") {
            Double($0.damaged)
        }
    }
}

extension CacheTier {
    /// The value of the label `tier`.
    fileprivate var label: String {
        switch self {
        case .kvCache: "kv"
        case .ram: "ram"
        case .disk: "disk"
        }
    }
}
