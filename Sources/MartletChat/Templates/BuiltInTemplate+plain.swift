import OrderedCollections

extension BuiltInTemplate {
    /// Templates that name roles in words or brackets.
    static let plain: OrderedDictionary<String, String> = [
        "llama2": llama2(),
        "llama2-sys": llama2(system: "<<SYS>>\n\(content)\n<</SYS>>\n\n"),
        "llama2-sys-bos": llama2(system: "<<SYS>>\n\(content)\n<</SYS>>\n\n", next: "<s>[INST] "),
        "llama2-sys-strip": llama2(system: "<<SYS>>\n\(trimmed)\n<</SYS>>\n\n", content: trimmed),
        "mistral-v1": mistral(front: " ", behind: " "),
        "mistral-v3": mistral(behind: " ", assistant: trimmed),
        "mistral-v3-tekken": mistral(),
        "mistral-v7": mistralWithSystem(" "),
        "mistral-v7-tekken": mistralWithSystem(""),
        "gemma": deferringSystem(
            "message.content | trim",
            "<start_of_turn>{{ 'model' if message.role == 'assistant' else message.role }}\n"
                + "{% if ns.system and message.role != 'assistant' %}\(pendingSystem){% endif %}\(trimmed)<end_of_turn>\n"
        )
            + generationPrompt("<start_of_turn>model\n"),
        "orion": deferringSystem(
            "message.content",
            "{% if message.role == 'user' %}Human: {% if ns.system %}\(pendingSystem){% endif %}\(content)"
                + "\n\nAssistant: </s>{% else %}\(content)</s>{% endif %}"),
        "openchat": every(
            roles(
                system: "\(content)<|end_of_turn|>",
                others: "GPT4 Correct {{ message.role | capitalize }}: \(content)<|end_of_turn|>"))
            + generationPrompt("GPT4 Correct Assistant:"),
        "vicuna": vicuna(system: "\(content)\n\n"),
        "vicuna-orca": vicuna(system: "SYSTEM: \(content)\n"),
        "deepseek": every(
            roles(
                system: content, user: "### Instruction:\n\(content)\n",
                assistant: "### Response:\n\(content)\n<|EOT|>\n"))
            + generationPrompt("### Response:\n"),
        "deepseek2": every(
            roles(
                system: "\(content)\n\n", user: "User: \(content)\n\n",
                assistant: "Assistant: \(content)<｜end▁of▁sentence｜>"))
            + generationPrompt("Assistant:"),
        "deepseek-ocr": every(content),
        "minicpm": every(roles(user: "<用户>\(trimmed)<AI>", others: trimmed)),
        "rwkv-world": every(
            roles(
                system: "System: \(trimmed)\n\n",
                user: "User: \(trimmed)\n\n{% if loop.last and add_generation_prompt %}Assistant:{% endif %}",
                assistant: "Assistant: \(trimmed)\n\n")),
        "yandex": every(roles(user: " Пользователь: \(content)\n\n", assistant: " Ассистент: \(content)\n\n"))
            + generationPrompt(" Ассистент:[SEP]"),
        "smolvlm": "<|im_start|>"
            + every(
                roles(
                    system: "\(content)\n\n", user: "User: \(content)<end_of_utterance>\n",
                    others: "Assistant: \(content)<end_of_utterance>\n"))
            + generationPrompt("Assistant:"),
        "grok-2": every(
            roles(
                system: "System: \(trimmed)<|separator|>\n\n", user: "Human: \(trimmed)<|separator|>\n\n",
                assistant: "Assistant: \(content)<|separator|>\n\n"))
            + generationPrompt("Assistant:"),
    ]

    /// A conversation in `[INST]` brackets, with a system text within the first pair.
    private static func llama2(
        system: String? = nil, next: String = "[INST] ", content: String = BuiltInTemplate.content
    ) -> String {
        "[INST] {% set ns = namespace(open=true) %}"
            + every(
                "{% if not ns.open %}\(next){% set ns.open = true %}{% endif %}"
                    + roles(
                        system: system ?? "\(content)\n", user: "\(content) [/INST]",
                        others: "\(content)</s>{% set ns.open = false %}"))
    }

    /// A conversation in `[INST]` brackets without `<<SYS>>`. The white space differs between the versions.
    private static func mistral(front: String = "", behind: String = "", assistant: String = content) -> String {
        "{% set ns = namespace(open=false) %}"
            + every(
                "{% if not ns.open %}\(front)[INST]\(behind){% set ns.open = true %}{% endif %}"
                    + roles(
                        system: "\(content)\n\n", user: "\(content)\(front)[/INST]",
                        others: "\(behind)\(assistant)</s>{% set ns.open = false %}"))
    }

    /// A conversation with its own brackets for the system message.
    private static func mistralWithSystem(_ space: String) -> String {
        every(
            roles(
                system: "[SYSTEM_PROMPT]\(space)\(content)[/SYSTEM_PROMPT]", user: "[INST]\(space)\(content)[/INST]",
                others: "\(space)\(content)</s>"))
    }

    /// A conversation in the words `USER:` and `ASSISTANT:`.
    private static func vicuna(system: String) -> String {
        every(roles(system: system, user: "USER: \(content)\n", assistant: "ASSISTANT: \(content)</s>\n"))
            + generationPrompt("ASSISTANT:")
    }
}
