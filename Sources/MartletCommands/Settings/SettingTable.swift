import MartletChat

/// All settings. Help texts, `docs/flags.md`, parsing and validation come from here.
enum SettingTable {
    static let all: [Setting] =
        model + engine + placement + positions + requests + output + schema + grammar + sampling + server + streams
        + journal + log

    /// Those that a command takes.
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
            "A file with settings: 'name = value' on each line, names as of these flags without dashes, # for comments."
        ),
        Setting(
            .model, ["-m"], environment: ["LLAMA_ARG_MODEL"], .text, "PATH",
            unset: "fledgling, which comes with martlet",
            in: .model, for: .both, "The GGUF file to serve."),
        Setting(
            .alias, ["-a"], environment: ["LLAMA_ARG_ALIAS"], .list, "NAMES", unset: "the file's name", in: .model,
            for: .edge, "What clients call the model. The first name is the one in responses."),
        Setting(
            .tags, environment: ["LLAMA_ARG_TAGS"], .list, "TAGS", in: .model, for: .edge,
            "What /v1/models says the model is tagged with."),
        Setting(
            .strictModel, environment: [], .toggle, default: "off", in: .model, for: .edge,
            "Refuse requests that name another model with 404, instead of answering them with a warning."),
        Setting(
            .chatTemplate, environment: ["LLAMA_ARG_CHAT_TEMPLATE"], .text, "JINJA", unset: "the model's own",
            in: .model, for: .edge,
            "A chat template, as text, or the name of one that is built in: "
                + BuiltInTemplate.names.joined(separator: ", ") + "."),
        Setting(
            .chatTemplateFile, environment: ["LLAMA_ARG_CHAT_TEMPLATE_FILE"], .text, "PATH", in: .model, for: .edge,
            "A file with a chat template. Not together with --chat-template."),
        Setting(
            .chatTemplateArguments, environment: ["LLAMA_ARG_CHAT_TEMPLATE_KWARGS", "LLAMA_CHAT_TEMPLATE_KWARGS"],
            .object, "JSON", in: .model, for: .edge,
            "Values that the template sees by name, such as {\"enable_thinking\":false}. A request's own come first."),
    ]
}

/// A command that takes settings.
enum SettingCommand: String, Sendable {
    case serve
    case worker
}
