extension SettingTable {
    /// What answers are, where a request does not say otherwise.
    static let output: [Setting] = [
        Setting(
            .reversePrompt, ["-r"], environment: ["LLAMA_ARG_REVERSE_PROMPT"], .texts, "TEXT", in: .requests,
            for: .edge, "A text that ends an answer; may be repeated. A request's `stop` comes first."),
        Setting(
            .cachePrompt, environment: ["LLAMA_ARG_CACHE_PROMPT"], .toggle, default: "on", in: .requests, for: .edge,
            "Read only what of a prompt is not in memory already."),
        Setting(
            .prefillAssistant, environment: ["LLAMA_ARG_PREFILL_ASSISTANT"], .toggle, default: "on", in: .requests,
            for: .edge, "Go on with a last message of the assistant, instead of taking it for a whole one."),
        Setting(
            .skipChatParsing, environment: ["LLAMA_ARG_SKIP_CHAT_PARSING"], .toggle, default: "off", in: .requests,
            for: .edge, "Leave answers as the model writes them: thinking and tool calls stay in the content."),
        Setting(
            .grammar, environment: ["LLAMA_ARG_GRAMMAR"], .text, "GBNF", in: .requests, for: .edge,
            "A grammar that answers follow. Not together with the next three."),
        Setting(
            .grammarFile, environment: ["LLAMA_ARG_GRAMMAR_FILE"], .text, "PATH", in: .requests, for: .edge,
            "A file with such a grammar."),
        Setting(
            .jsonSchema, ["-j"], environment: ["LLAMA_ARG_JSON_SCHEMA"], .text, "JSON", in: .requests, for: .edge,
            "A JSON Schema that answers follow."),
        Setting(
            .jsonSchemaFile, ["-jf"], environment: ["LLAMA_ARG_JSON_SCHEMA_FILE"], .text, "PATH", in: .requests,
            for: .edge, "A file with such a schema."),
        Setting(
            .reasoning, ["-rea"], environment: ["LLAMA_ARG_REASONING"], .onOffAuto, "WHEN", default: "auto",
            in: .requests, for: .edge,
            "Whether the model is asked to think (enable_thinking). auto = as its template has it."),
        Setting(
            .reasoningEffort, environment: ["LLAMA_ARG_REASONING_EFFORT"], .text, "LEVEL", default: "default",
            in: .requests, for: .edge,
            "How much it is asked to think: minimal, low, medium, high, or a word that its template knows. none = not at "
                + "all; default = as its template has it."),
        Setting(
            .reasoningPreserve, environment: ["LLAMA_ARG_REASONING_PRESERVE"], .toggle,
            unset: "as the model's template has it", in: .requests, for: .edge,
            "Show the model the thinking of all its earlier answers, where its template can."),
        Setting(
            .reasoningFormat, environment: ["LLAMA_ARG_REASONING_FORMAT", "LLAMA_ARG_THINK"],
            .choice(["auto", "deepseek", "deepseek-legacy", "none"]), "FORMAT", default: "deepseek", in: .requests,
            for: .edge,
            "Where thinking goes: into reasoning_content (deepseek), there unless the answer streams (deepseek-legacy), "
                + "or nowhere but the content (none)."),
        Setting(
            .reasoningBudget, environment: ["LLAMA_ARG_THINK_BUDGET"], .integer(-1...Int64(Int32.max)), "TOKENS",
            default: "-1", in: .requests, for: .edge,
            "Most tokens of thinking in one answer; then it is ended and the answer follows. -1 = no limit."),
        Setting(
            .reasoningTurnBudget, environment: [], .integer(-1...Int64(Int32.max)),
            "TOKENS", default: "-1", in: .requests, for: .edge,
            "The same of all answers since the user's last message, such as those that call tools."),
        Setting(
            .reasoningMessage, environment: ["LLAMA_ARG_THINK_BUDGET_MESSAGE"], .anyText, "TEXT", unset: "nothing",
            in: .requests, for: .edge, "What is said in the model's name before its thinking is cut off."),
    ]
}
