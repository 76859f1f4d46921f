extension SettingTable {
    /// The treatment and the limits of JSON Schemas.
    static let schema: [Setting] = [
        Setting(
            .schemaMode, environment: [], .choice(["strict", "relaxed"]), "MODE", default: "relaxed", in: .requests,
            for: .edge,
            "Unsupported keywords of a schema: strict = refuse the request, relaxed = ignore them with a warning."
        ),
        Setting(
            .schemaWhitespace, environment: [], .choice(["compact", "pretty", "free"]), "POLICY", default: "free",
            in: .requests, for: .edge, "White space in output that follows a schema. Its length is always limited."),
        Setting(
            .schemaBytes, environment: [], .integer(1...1 << 30), "BYTES", default: "1048576", in: .requests,
            for: .edge, "Maximum bytes of a schema."),
        Setting(
            .schemaDepth, environment: [], .integer(1...250), "COUNT", default: "200", in: .requests, for: .edge,
            "Maximum nesting depth of a schema."),
        Setting(
            .schemaNodes, environment: [], .integer(1...1 << 24), "COUNT", default: "10000", in: .requests, for: .edge,
            "Maximum subschemas of a schema."),
        Setting(
            .schemaAlternatives, environment: [], .integer(1...1 << 16), "COUNT", default: "512", in: .requests,
            for: .edge, "Maximum alternatives of one value, all combinations counted."),
    ]
}
