extension SettingTable {
    /// The settings of resumable generations.
    static let streams: [Setting] = [
        Setting(
            .resume, environment: [], .choice(["asked", "always"]), "WHEN", default: "asked", in: .streams, for: .edge,
            "The streams that are resumable: asked = those whose request asks for it, always = all."),
        Setting(
            .orphanTimeout, environment: [], .integer(0...2_592_000), "SECONDS", default: "600", in: .streams,
            for: .edge,
            "The time after which a resumable generation without a reader ends. 0 = never. Background generations never end early."
        ),
        Setting(
            .retainTime, environment: [], .integer(0...2_592_000), "SECONDS", default: "3600", in: .streams,
            for: .edge, "The time for which an ended resumable generation is retained."),
        Setting(
            .retainCount, environment: [], .integer(0...1_048_576), "COUNT", default: "4096", in: .streams, for: .edge,
            "Maximum retained generations of all clients. The oldest are deleted first."),
        Setting(
            .retainCountPerKey, environment: [], .integer(0...1_048_576), "COUNT", default: "0", in: .streams,
            for: .edge, "Maximum retained generations per API key. 0 = no limit."),
        Setting(
            .responseTime, environment: [], .integer(0...315_360_000), "SECONDS", default: "2592000", in: .streams,
            for: .edge,
            "The time for which a response of /v1/responses is stored, so that later requests may continue it."),
        Setting(
            .responseSize, environment: [], .integer(1...1_048_576), "MIB", default: "1024", in: .streams, for: .edge,
            "Maximum size of all stored responses. The oldest are deleted first."),
        Setting(
            .logMemory, environment: [], .integer(1...1_048_576), "MIB", default: "1024", in: .streams, for: .edge,
            "Maximum memory for the logs of resumable generations of all clients. Ended generations are deleted first, then "
                + "requests are refused with 503."),
        Setting(
            .logMemoryPerKey, environment: [], .integer(0...1_048_576), "MIB", default: "0", in: .streams, for: .edge,
            "Maximum memory for logs per API key. 0 = no limit."),
    ]
}
