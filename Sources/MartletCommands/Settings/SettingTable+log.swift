extension SettingTable {
    /// What is said beside answers.
    static let log: [Setting] = [
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
            "The same as --log-verbosity 10, which also makes `verbose` the default of requests."),
        Setting(
            .promptFolder, environment: ["LLAMA_ARG_LOG_PROMPTS_DIR"], .text, "PATH", in: .log, for: .edge,
            "Write each prompt to a file of its own in this folder, which is made where it is missing. For debugging: what "
                + "clients say is then on the disk, and stays there."),
        Setting(
            .logFile, environment: ["LLAMA_ARG_LOG_FILE"], .text, "PATH", in: .log, for: .edge,
            "Write the log to the end of this file, too."),
        Setting(
            .logDisable, environment: ["LLAMA_ARG_LOG_DISABLE"], .toggle, default: "off", in: .log, for: .edge,
            "Write no log at all; why a start failed is said all the same."),
        Setting(
            .logColors, environment: ["LLAMA_ARG_LOG_COLORS"], .onOffAuto, "WHEN", default: "auto", in: .log,
            for: .edge, "Whether lines are coloured by their level. auto = on a terminal."),
        Setting(
            .logPrefix, environment: ["LLAMA_ARG_LOG_PREFIX"], .toggle, default: "on", in: .log, for: .edge,
            "Begin lines with their level and the part of the program that says it."),
        Setting(
            .logTimestamps, environment: ["LLAMA_ARG_LOG_TIMESTAMPS"], .toggle, default: "on", in: .log, for: .edge,
            "Begin lines with the time."),
        Setting(
            .logLinesOfJSON, environment: ["LLAMA_ARG_LOG_JSONL"], .toggle, default: "off", in: .log, for: .edge,
            "Write the log to standard output, an object on each line: type, time (microseconds since the start), level, "
                + "msg."),
    ]
}
