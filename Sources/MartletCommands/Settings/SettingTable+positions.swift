extension SettingTable {
    /// Settings for the encoding of positions, which override the model file.
    static let positions: [Setting] = [
        Setting(
            .ropeScaling, environment: ["LLAMA_ARG_ROPE_SCALING_TYPE"], .choice(["none", "linear", "yarn"]), "KIND",
            unset: asTheFile, in: .engine, for: .worker,
            "How positions are stretched beyond the trained context (RoPE)."),
        Setting(
            .ropeScale, environment: ["LLAMA_ARG_ROPE_SCALE"], .number(0.001...1_000_000), "FACTOR", unset: asTheFile,
            in: .engine, for: .worker, "By how much the context is stretched."),
        Setting(
            .ropeFrequencyScale, environment: ["LLAMA_ARG_ROPE_FREQ_SCALE"], .number(0...1_000), "NUMBER",
            unset: asTheFile, in: .engine, for: .worker,
            "The same as its inverse. 0 = as the file says. Not together with --rope-scale."),
        Setting(
            .ropeBase, environment: ["LLAMA_ARG_ROPE_FREQ_BASE"], .number(0...1e12), "NUMBER", unset: asTheFile,
            in: .engine, for: .worker, "The base frequency of RoPE. 0 = as the file says."),
        Setting(
            .yarnContext, environment: ["LLAMA_ARG_YARN_ORIG_CTX"], .integer(0...Int64(Int32.max)), "TOKENS",
            unset: asTheFile, in: .engine, for: .worker, "The context for which YaRN takes the model to be trained."),
        Setting(
            .yarnExtrapolation, environment: ["LLAMA_ARG_YARN_EXT_FACTOR"], .number(-1...100), "NUMBER",
            unset: asTheFile, in: .engine, for: .worker, "YaRN's mix of extrapolation. Below 0 = as the file says."),
        Setting(
            .yarnAttention, environment: ["LLAMA_ARG_YARN_ATTN_FACTOR"], .number(-1...100), "NUMBER",
            unset: asTheFile, in: .engine, for: .worker, "YaRN's scale of attention."),
        Setting(
            .yarnBetaSlow, environment: ["LLAMA_ARG_YARN_BETA_SLOW"], .number(-1...1_000), "NUMBER", unset: asTheFile,
            in: .engine, for: .worker, "YaRN's dimension for high corrections."),
        Setting(
            .yarnBetaFast, environment: ["LLAMA_ARG_YARN_BETA_FAST"], .number(-1...1_000), "NUMBER", unset: asTheFile,
            in: .engine, for: .worker, "YaRN's dimension for low corrections."),
    ]

    private static let asTheFile = "as the model's file says"
}
