import MartletObservability
import MartletProtocol
import Testing

@Suite struct PrometheusTextTests {
    @Test func aMetricHasHelpTypeAndValue() {
        var text = PrometheusText()
        text.add("a_total", .counter, help: "What\nit \\ is.", 3)
        text.add("b", .gauge, help: "B.", 0.5)
        #expect(
            text.text == """
                # HELP a_total What\\nit \\\\ is.
                # TYPE a_total counter
                a_total 3
                # HELP b B.
                # TYPE b gauge
                b 0.5

                """)
    }

    @Test func labelsAreEscaped() {
        var text = PrometheusText()
        text.add("c", .gauge, help: "C.", [(labels: [("x", "a\"b\\c\nd"), ("y", "")], value: .infinity)])
        #expect(text.text.hasSuffix("c{x=\"a\\\"b\\\\c\\nd\",y=\"\"} +Inf\n"))
    }

    @Test func requestsAreCountedByMethodRouteAndStatus() {
        let metrics = RequestMetrics()
        for _ in 0..<3 { metrics.count(method: "GET", route: "/health", status: 200) }
        metrics.count(method: "BREW", route: "NotFound", status: 404)
        var text = PrometheusText()
        metrics.write(to: &text)
        #expect(text.text.contains("{method=\"GET\",route=\"/health\",status=\"200\"} 3\n"))
        #expect(text.text.contains("{method=\"other\",route=\"NotFound\",status=\"404\"} 1\n"))
    }

    @Test func everyEngineMetricIsDeclaredOnce() {
        var status = EngineStatus()
        status.queued = 2
        status.counters.decodes = 4
        status.counters.busySlots = 6
        status.counters.promptTime = .milliseconds(1_500)
        var text = PrometheusText()
        EngineMetrics.write([EngineMetrics.Report(model: nil, status)], to: &text)
        #expect(text.text.contains("llamacpp:n_busy_slots_per_decode 1.5\n"))
        #expect(text.text.contains("llamacpp:prompt_seconds_total 1.5\n"))
        #expect(text.text.contains("llamacpp:requests_deferred 2\n"))
        let types = text.text.split(separator: "\n").filter { $0.hasPrefix("# TYPE") }
        #expect(types.count == 19 && Set(types).count == 19)
    }

    @Test func eachTierOfTheCacheHasItsOwnLabel() {
        var status = EngineStatus()
        var memory = CacheTierStatus(.ram)
        (memory.byteCount, memory.byteLimit, memory.reusedTokens, memory.damaged) = (64, 128, 9, 1)
        status.cache.tiers = [CacheTierStatus(.kvCache), memory]
        (status.cache.hits, status.cache.misses) = (3, 2)
        var prefix = PinnedPrefixStatus(PinnedPrefixID(rawValue: 1))
        prefix.tokens = 5
        status.cache.prefixes = [prefix, prefix]
        var text = PrometheusText()
        EngineMetrics.write([EngineMetrics.Report(model: nil, status)], to: &text)
        for line in [
            "martlet_cache_hits_total 3", "martlet_cache_misses_total 2", "martlet_cache_pinned_prefixes 2",
            "martlet_cache_pinned_tokens 10", "martlet_cache_bytes{tier=\"kv\"} 0",
            "martlet_cache_bytes{tier=\"ram\"} 64", "martlet_cache_limit_bytes{tier=\"ram\"} 128",
            "martlet_cache_reused_tokens_total{tier=\"ram\"} 9", "martlet_cache_damaged_total{tier=\"ram\"} 1",
        ] { #expect(text.text.contains(line + "\n"), "\(line)") }
        #expect(!text.text.contains("martlet_cache_limit_bytes{tier=\"kv\"}"))
        let types = text.text.split(separator: "\n").filter { $0.hasPrefix("# TYPE") }
        #expect(Set(types).count == types.count)
    }

    @Test func severalEnginesShareEachMetricAndHaveLabels() {
        var (first, second) = (EngineStatus(), EngineStatus())
        first.counters.predictedTokens = 7
        second.counters.predictedTokens = 9
        second.cache.hits = 2
        second.cache.tiers = [CacheTierStatus(.ram)]
        var text = PrometheusText()
        EngineMetrics.write(
            [EngineMetrics.Report(model: "a", first), EngineMetrics.Report(model: "org/b:Q4", second)], to: &text)
        for line in [
            #"llamacpp:tokens_predicted_total{model="a"} 7"#, #"llamacpp:tokens_predicted_total{model="org/b:Q4"} 9"#,
            #"martlet_cache_hits_total{model="org/b:Q4"} 2"#, #"martlet_cache_bytes{model="org/b:Q4",tier="ram"} 0"#,
        ] { #expect(text.text.contains(line + "\n"), "\(line)") }
        let types = text.text.split(separator: "\n").filter { $0.hasPrefix("# TYPE") }
        #expect(Set(types).count == types.count, "the format wants all samples of a metric together")
        var none = PrometheusText()
        EngineMetrics.write([], to: &none)
        #expect(none.text.isEmpty)
    }

    @Test func aHistogramCountsWhatIsAtMostEachBound() {
        var histogram = Histogram(bounds: [1, 2.5])
        for value in [0.5, 1, 2, 3] { histogram.record(value) }
        histogram.record(.milliseconds(2_500))
        var text = PrometheusText()
        text.add("d", help: "D.", [(labels: [("x", "y")], value: histogram)])
        #expect(
            text.text == """
                # HELP d D.
                # TYPE d histogram
                d_bucket{x="y",le="1"} 2
                d_bucket{x="y",le="2.5"} 4
                d_bucket{x="y",le="+Inf"} 5
                d_sum{x="y"} 9
                d_count{x="y"} 5

                """)
    }
}
