extension SettingTable {
    /// The settings of a server that loads and unloads models.
    static let models: [Setting] = [
        Setting(
            .modelsFolder, environment: ["LLAMA_ARG_MODELS_DIR"], .text, "PATH", in: .model, for: .edge,
            "Serve the models of this folder: each GGUF file, and a sub-folder for each model of several files. They are loaded "
                + "on demand."),
        Setting(
            .modelsPreset, environment: ["LLAMA_ARG_MODELS_PRESET"], .text, "PATH", in: .model, for: .edge,
            "Serve the models of this file of presets, with a section of flags for each model."),
        Setting(
            .maximumModels, environment: ["LLAMA_ARG_MODELS_MAX"], .integer(0...4_096), "COUNT", default: "0",
            in: .model, for: .edge, "Maximum loaded models. 0 = as many as memory has room for."),
        Setting(
            .modelsAutoload, environment: ["LLAMA_ARG_MODELS_AUTOLOAD"], .toggle, default: "on", in: .model, for: .edge,
            "Load a model when a request names it. A request may decide itself with ?autoload=0 or 1."),
        Setting(
            .modelsMemoryMargin, environment: [], .integer(0...16_777_216), "MIB", default: "512", in: .model,
            for: .edge, "Memory that remains free beside all loaded models."),
        Setting(
            .sleepTime, environment: [], .integer(-1...31_536_000), "SECONDS",
            default: "-1", in: .model, for: .edge,
            "The idle time after which a model sleeps: its worker ends, and the next request loads it again. -1 = never."
        ),
    ]
}
