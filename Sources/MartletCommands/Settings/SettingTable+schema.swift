extension SettingTable {
    /// How JSON Schemas are treated, and what one may cost.
    static let schema: [Setting] = [
        Setting(
            .schemaMode, environment: [], .choice(["strict", "relaxed"]), "MODE", default: "relaxed", in: .requests,
            for: .edge,
            "A keyword of a schema that cannot be honoured, where a request does not say: refused, or left out with a warning."
        ),
        Setting(
            .schemaWhitespace, environment: [], .choice(["compact", "pretty", "free"]), "POLICY", default: "free",
            in: .requests, for: .edge, "White space in answers that follow a schema. It is bounded in any case."),
        Setting(
            .schemaBytes, environment: [], .integer(1...1 << 30), "BYTES", default: "1048576", in: .requests,
            for: .edge, "Most bytes of a schema."),
        Setting(
            .schemaDepth, environment: [], .integer(1...250), "COUNT", default: "200", in: .requests, for: .edge,
            "Most values inside one another in a schema."),
        Setting(
            .schemaNodes, environment: [], .integer(1...1 << 24), "COUNT", default: "10000", in: .requests, for: .edge,
            "Most schemas within a schema."),
        Setting(
            .schemaAlternatives, environment: [], .integer(1...1 << 16), "COUNT", default: "512", in: .requests,
            for: .edge, "Most alternatives of one value, with all combinations counted."),
    ]
}
