extension SettingTable {
    /// Settings of the position encoding (RoPE), which override the model file.
    static let positions: [Setting] = [
        Setting(
            .ropeScaling, environment: ["LLAMA_ARG_ROPE_SCALING_TYPE"], .choice(["none", "linear", "yarn"]), "KIND",
            unset: asTheFile, in: .engine, for: .worker,
            "Scaling of positions beyond the trained context (RoPE)."),
        Setting(
            .ropeScale, environment: ["LLAMA_ARG_ROPE_SCALE"], .number(0.001...1_000_000), "FACTOR", unset: asTheFile,
            in: .engine, for: .worker, "The factor by which the context is extended."),
        Setting(
            .ropeFrequencyScale, environment: ["LLAMA_ARG_ROPE_FREQ_SCALE"], .number(0...1_000), "NUMBER",
            unset: asTheFile, in: .engine, for: .worker,
            "The inverse of --rope-scale, which it excludes. 0 = as in the model file."),
        Setting(
            .ropeBase, environment: ["LLAMA_ARG_ROPE_FREQ_BASE"], .number(0...1e12), "NUMBER", unset: asTheFile,
            in: .engine, for: .worker, "The base frequency of RoPE. 0 = as in the model file."),
        Setting(
            .yarnContext, environment: ["LLAMA_ARG_YARN_ORIG_CTX"], .integer(0...Int64(Int32.max)), "TOKENS",
            unset: asTheFile, in: .engine, for: .worker, "The trained context for YaRN."),
        Setting(
            .yarnExtrapolation, environment: ["LLAMA_ARG_YARN_EXT_FACTOR"], .number(-1...100), "NUMBER",
            unset: asTheFile, in: .engine, for: .worker,
            "YaRN's extrapolation mix factor. Below 0 = as in the model file."),
        Setting(
            .yarnAttention, environment: ["LLAMA_ARG_YARN_ATTN_FACTOR"], .number(-1...100), "NUMBER",
            unset: asTheFile, in: .engine, for: .worker, "YaRN's attention scale."),
        Setting(
            .yarnBetaSlow, environment: ["LLAMA_ARG_YARN_BETA_SLOW"], .number(-1...1_000), "NUMBER", unset: asTheFile,
            in: .engine, for: .worker, "YaRN's high correction dimension."),
        Setting(
            .yarnBetaFast, environment: ["LLAMA_ARG_YARN_BETA_FAST"], .number(-1...1_000), "NUMBER", unset: asTheFile,
            in: .engine, for: .worker, "YaRN's low correction dimension."),
    ]

    private static let asTheFile = "as in the model file"
}
