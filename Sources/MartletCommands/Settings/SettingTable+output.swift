import MartletGenerations

extension SettingTable {
    /// Defaults of requests about output: stop strings, constraints and reasoning.
    static let output: [Setting] = [
        Setting(
            .reversePrompt, ["-r"], environment: ["LLAMA_ARG_REVERSE_PROMPT"], .texts, "TEXT", in: .requests,
            for: .edge, "A stop string; may be repeated. A request's `stop` overrides it."),
        Setting(
            .cachePrompt, environment: ["LLAMA_ARG_CACHE_PROMPT"], .toggle, default: "on", in: .requests, for: .edge,
            "Use the prefix cache: compute only the part of a prompt that the KV cache lacks."),
        Setting(
            .cacheScope, environment: [], .choice(CacheScope.allCases.map(\.rawValue)), "SCOPE", default: "key",
            in: .requests, for: .edge,
            "The owners that share cached prompts: key = each API key has its own; global = all share, and response times "
                + "show whether another key has sent a prompt that begins alike."),
        Setting(
            .cacheReuse, environment: ["LLAMA_ARG_CACHE_REUSE"], .integer(0...Int64(Int32.max)), "TOKENS", default: "0",
            in: .requests, for: .both,
            "Reuse runs of at least TOKENS cached tokens at other positions, by shifting the KV cache. The output then "
                + "approximates that of a computed prompt. 0 = off; models whose memory cannot shift ignore it."),
        Setting(
            .stableHead, environment: [], .choice(StableHead.allCases.map(\.rawValue)), "RULES", default: "off",
            in: .requests, for: .edge,
            "Keep lines that change with every request from defeating the prefix cache, at the head of the first system "
                + "message only: attribution = drop lines such as x-anthropic-billing-header; dates = move lines with "
                + "the date to the end of the message; all = both."),
        Setting(
            .prefillAssistant, environment: ["LLAMA_ARG_PREFILL_ASSISTANT"], .toggle, default: "on", in: .requests,
            for: .edge, "Continue a last message of the assistant, instead of treating it as complete."),
        Setting(
            .skipChatParsing, environment: ["LLAMA_ARG_SKIP_CHAT_PARSING"], .toggle, default: "off", in: .requests,
            for: .edge, "Do not parse output: reasoning and tool calls stay in the content."),
        Setting(
            .infillSuffixFirst, environment: [], .toggle, default: "off", in: .requests, for: .edge,
            "Begin the prompts of /infill and of `suffix` with the text behind the gap, as some models learned it."),
        Setting(
            .strictFields, environment: [], .toggle, default: "off", in: .requests, for: .edge,
            "Refuse requests with unknown fields with 400, instead of naming these fields in X-Martlet-Warnings."),
        Setting(
            .grammar, environment: ["LLAMA_ARG_GRAMMAR"], .text, "GBNF", in: .requests, for: .edge,
            "A grammar for all output. Excludes --grammar-file, --json-schema and --json-schema-file."),
        Setting(
            .grammarFile, environment: ["LLAMA_ARG_GRAMMAR_FILE"], .text, "PATH", in: .requests, for: .edge,
            "A file with a grammar for all output."),
        Setting(
            .jsonSchema, ["-j"], environment: ["LLAMA_ARG_JSON_SCHEMA"], .text, "JSON", in: .requests, for: .edge,
            "A JSON Schema for all output."),
        Setting(
            .jsonSchemaFile, ["-jf"], environment: ["LLAMA_ARG_JSON_SCHEMA_FILE"], .text, "PATH", in: .requests,
            for: .edge, "A file with a JSON Schema for all output."),
        Setting(
            .reasoning, ["-rea"], environment: ["LLAMA_ARG_REASONING"], .onOffAuto, "WHEN", default: "auto",
            in: .requests, for: .edge,
            "Reasoning of the model (enable_thinking). auto = as in its chat template."),
        Setting(
            .reasoningEffort, environment: ["LLAMA_ARG_REASONING_EFFORT"], .text, "LEVEL", default: "default",
            in: .requests, for: .edge,
            "The reasoning effort: minimal, low, medium, high, or another word that the chat template knows. none = no "
                + "reasoning; default = as in the chat template."),
        Setting(
            .reasoningPreserve, environment: ["LLAMA_ARG_REASONING_PRESERVE"], .toggle,
            unset: "as in the chat template", in: .requests, for: .edge,
            "Show the model the reasoning of all earlier turns, if its chat template supports this."),
        Setting(
            .reasoningFormat, environment: ["LLAMA_ARG_REASONING_FORMAT", "LLAMA_ARG_THINK"],
            .choice(["auto", "deepseek", "deepseek-legacy", "none"]), "FORMAT", default: "deepseek", in: .requests,
            for: .edge,
            "The place of reasoning in responses: reasoning_content (deepseek), the same except in streams "
                + "(deepseek-legacy), or the content (none)."),
        Setting(
            .reasoningBudget, environment: ["LLAMA_ARG_THINK_BUDGET"], .integer(-1...Int64(Int32.max)), "TOKENS",
            default: "-1", in: .requests, for: .edge,
            "Reasoning budget: maximum reasoning tokens of a completion, after which the content follows. -1 = no limit."
        ),
        Setting(
            .reasoningTurnBudget, environment: [], .integer(-1...Int64(Int32.max)),
            "TOKENS", default: "-1", in: .requests, for: .edge,
            "Reasoning budget of all completions since the user's last message, those with tool calls included. -1 = no limit."
        ),
        Setting(
            .reasoningMessage, environment: ["LLAMA_ARG_THINK_BUDGET_MESSAGE"], .anyText, "TEXT", unset: "nothing",
            in: .requests, for: .edge, "A text to append to the reasoning when a budget ends it."),
    ]
}
