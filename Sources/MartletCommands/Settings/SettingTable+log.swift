extension SettingTable {
    /// The settings of log and access log.
    static let log: [Setting] = [
        Setting(
            .accessLog, environment: [], .choice(["off", "text", "json"]), "FORMAT", default: "text", in: .log,
            for: .edge,
            "A line on standard error per request, as text or JSON. Requests of monitors (/health, /metrics) are logged "
                + "from --log-verbosity 4 on."),
        Setting(
            .logVerbosity, ["-lv", "--verbosity"], environment: ["LLAMA_ARG_LOG_VERBOSITY", "LLAMA_LOG_VERBOSITY"],
            .integer(0...Int64(Int32.max)), "LEVEL", default: "3", in: .log, for: .both,
            "The detail of the log on standard error: 0 and 1 errors, 2 warnings, 3 information, 4 debugging, 5 and more all."
        ),
        Setting(
            .verbose, ["-v", "--log-verbose"], environment: [], .toggle, default: "off", in: .log, for: .both,
            "The same as --log-verbosity 10, with which `verbose` is also the default of requests."),
        Setting(
            .promptFolder, environment: ["LLAMA_ARG_LOG_PROMPTS_DIR"], .text, "PATH", in: .log, for: .edge,
            "Write each prompt to a separate file in this folder, which is created if it is missing. For debugging: "
                + "messages of clients are then on the disk, and stay there."),
        Setting(
            .logFile, environment: ["LLAMA_ARG_LOG_FILE"], .text, "PATH", in: .log, for: .edge,
            "Also append the log to this file."),
        Setting(
            .logDisable, environment: ["LLAMA_ARG_LOG_DISABLE"], .toggle, default: "off", in: .log, for: .edge,
            "Write no log. The reason of a failed start is still written."),
        Setting(
            .logColors, environment: ["LLAMA_ARG_LOG_COLORS"], .onOffAuto, "WHEN", default: "auto", in: .log,
            for: .edge, "Colour lines by their level. auto = on a terminal."),
        Setting(
            .logPrefix, environment: ["LLAMA_ARG_LOG_PREFIX"], .toggle, default: "on", in: .log, for: .edge,
            "Begin lines with their level and the part of the program."),
        Setting(
            .logTimestamps, environment: ["LLAMA_ARG_LOG_TIMESTAMPS"], .toggle, default: "on", in: .log, for: .edge,
            "Begin lines with the time."),
        Setting(
            .logLinesOfJSON, environment: ["LLAMA_ARG_LOG_JSONL"], .toggle, default: "off", in: .log, for: .edge,
            "Write the log to standard output as JSON, an object per line: type, time (microseconds since the start), "
                + "level, msg."),
    ]
}
