import MartletChat

/// All settings. Help texts, `docs/flags.md`, parsing and validation come from here.
enum SettingTable {
    static let all: [Setting] =
        model + engine + requests + schema + grammar + sampling + server + streams + journal + log

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

    private static let log: [Setting] = [
        Setting(
            .accessLog, environment: [], .choice(["off", "text", "json"]), "FORMAT", default: "text", in: .log,
            for: .edge,
            "A line on standard error for each answered request, for people or as JSON. "
                + "/health and /metrics, which monitors ask all the time, only from log verbosity 4 on."),
        Setting(
            .logVerbosity, ["-lv", "--verbosity"], environment: ["LLAMA_ARG_LOG_VERBOSITY", "LLAMA_LOG_VERBOSITY"],
            .integer(0...Int64(Int32.max)), "LEVEL", default: "3", in: .log, for: .both,
            "How much is logged to standard error: 0 and 1 errors, 2 warnings, 3 information, 4 and more all."),
        Setting(
            .verbose, ["-v", "--log-verbose"], environment: [], .toggle, default: "off", in: .log, for: .both,
            "The same as --log-verbosity 5, and the default of the request field verbose."),
    ]
}

/// A command that takes settings.
enum SettingCommand: String, Sendable {
    case serve
    case worker
}
