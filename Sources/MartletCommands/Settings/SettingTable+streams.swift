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
            .logMemory, environment: [], .integer(1...1_048_576), "MIB", default: "1024", in: .streams, for: .edge,
            "Maximum memory for the logs of resumable generations of all clients. Ended generations are deleted first, then "
                + "requests are refused with 503."),
        Setting(
            .logMemoryPerKey, environment: [], .integer(0...1_048_576), "MIB", default: "0", in: .streams, for: .edge,
            "Maximum memory for logs per API key. 0 = no limit."),
    ]
}
