extension SettingTable {
    static let streams: [Setting] = [
        Setting(
            .resume, environment: [], .choice(["asked", "always"]), "WHEN", default: "asked", in: .streams, for: .edge,
            "Which streams go on without their client and can be read again: those that ask for it, or all."),
        Setting(
            .orphanTimeout, environment: [], .integer(0...2_592_000), "SECONDS", default: "600", in: .streams,
            for: .edge,
            "How long a resumable answer goes on that nobody reads. 0 = to its end. Background answers always do."),
        Setting(
            .retainTime, environment: [], .integer(0...2_592_000), "SECONDS", default: "3600", in: .streams,
            for: .edge, "How long a resumable answer that has ended is kept."),
        Setting(
            .retainCount, environment: [], .integer(0...1_048_576), "COUNT", default: "4096", in: .streams, for: .edge,
            "Most answers that are kept after their end, of all clients together; the oldest go first."),
        Setting(
            .retainCountPerKey, environment: [], .integer(0...1_048_576), "COUNT", default: "0", in: .streams,
            for: .edge, "The same of one API key. 0 = no limit."),
        Setting(
            .logMemory, environment: [], .integer(1...1_048_576), "MIB", default: "1024", in: .streams, for: .edge,
            "Most memory for resumable answers, of all clients together; ended ones make room, "
                + "else more are refused with 503."),
        Setting(
            .logMemoryPerKey, environment: [], .integer(0...1_048_576), "MIB", default: "0", in: .streams, for: .edge,
            "The same of one API key. 0 = no limit."),
    ]
}
