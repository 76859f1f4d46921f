import MartletChat

/// All settings. Parsing, validation, help texts, the man page, completions and `docs/flags.md` use this table.
enum SettingTable {
    static let all: [Setting] =
        model + models + engine + devices + speculation + placement + positions + requests + output + schema + grammar
        + sampling
        + server
        + streams
        + journal + log

    /// The settings that a command accepts: `serve` all, `worker` those of the worker.
    static func settings(of command: SettingCommand) -> [Setting] {
        all.filter { setting in
            switch command {
            case .serve: true
            case .worker: setting.scope != .edge
            }
        }
    }

    private static let model: [Setting] = [
        Setting(
            .config, environment: [], .text, "PATH", unset: "none", in: .model, for: .edge,
            "A file with settings: 'name = value' in each line. A name is a flag without its dashes; # begins a comment. Sections "
                + "[NAME] behind them are presets of models, as in --models-preset."
        ),
        Setting(
            .model, ["-m"], environment: ["LLAMA_ARG_MODEL"], .text, "PATH",
            unset: "fledgling, the demo model",
            in: .model, for: .both, "The GGUF file to serve. If the flag is repeated, all files are served."),
        Setting(
            .hubRepository, ["-hf", "-hfr"], environment: ["LLAMA_ARG_HF_REPO"], .text, "ORG/NAME", in: .model,
            for: .edge,
            "Download this model of Hugging Face unless it is in the cache, and serve it. A quantization may follow a colon."
        ),
        Setting(
            .hubFile, ["-hff"], environment: ["LLAMA_ARG_HF_FILE"], .text, "PATH", unset: "by the quantization",
            in: .model, for: .edge, "The file in the repository of --hf-repo."),
        Setting(
            .hubToken, ["-hft"], environment: [], .text, "TOKEN", unset: "the variable HF_TOKEN", in: .model,
            for: .edge,
            "The token for private repositories. Command lines are visible to other users; the variable is not."),
        Setting(
            .modelAddress, ["-mu"], environment: ["LLAMA_ARG_MODEL_URL"], .text, "URL", in: .model, for: .edge,
            "Download this GGUF file unless it is on this machine, and serve it."),
        Setting(
            .offline, environment: ["LLAMA_ARG_OFFLINE"], .toggle, default: "off", in: .model, for: .edge,
            "Download nothing; use files on this machine only."),
        Setting(
            .alias, ["-a"], environment: ["LLAMA_ARG_ALIAS"], .list, "NAMES", unset: "the file's name", in: .model,
            for: .edge, "Names of the model in requests. Responses have the first name."),
        Setting(
            .tags, environment: ["LLAMA_ARG_TAGS"], .list, "TAGS", in: .model, for: .edge,
            "Tags of the model in /v1/models."),
        Setting(
            .strictModel, environment: [], .toggle, default: "off", in: .model, for: .edge,
            "Refuse requests that name another model with 404, instead of serving them with a warning."),
        Setting(
            .chatTemplate, environment: ["LLAMA_ARG_CHAT_TEMPLATE"], .text, "JINJA", unset: "the model's own",
            in: .model, for: .edge,
            "A chat template as text, or the name of a built-in template: "
                + BuiltInTemplate.names.joined(separator: ", ") + "."),
        Setting(
            .chatTemplateFile, environment: ["LLAMA_ARG_CHAT_TEMPLATE_FILE"], .text, "PATH", in: .model, for: .edge,
            "A file with a chat template. Not together with --chat-template."),
        Setting(
            .chatTemplateArguments, environment: ["LLAMA_ARG_CHAT_TEMPLATE_KWARGS", "LLAMA_CHAT_TEMPLATE_KWARGS"],
            .object, "JSON", in: .model, for: .edge,
            "Variables of the chat template, such as {\"enable_thinking\":false}. A request's variables override them."),
    ]
}

/// A command with settings.
enum SettingCommand: String, Sendable {
    case serve
    case worker
}
