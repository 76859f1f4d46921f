import OrderedCollections

extension BuiltInTemplate {
    /// Templates whose turns are marked by control tokens. Keys are libllama's names.
    static let marked: OrderedDictionary<String, String> = [
        "chatml": ChatTemplate.chatML,
        "llama3": every("<|start_header_id|>{{ message.role }}<|end_header_id|>\n\n\(trimmed)<|eot_id|>")
            + generationPrompt("<|start_header_id|>assistant<|end_header_id|>\n\n"),
        "llama4": every("<|header_start|>{{ message.role }}<|header_end|>\n\n\(trimmed)<|eot|>")
            + generationPrompt("<|header_start|>assistant<|header_end|>\n\n"),
        "phi3": every("<|{{ message.role }}|>\n\(content)<|end|>\n") + generationPrompt("<|assistant|>\n"),
        "phi4": every("<|im_start|>{{ message.role }}<|im_sep|>\(content)<|im_end|>")
            + generationPrompt("<|im_start|>assistant<|im_sep|>"),
        "falcon3": every("<|{{ message.role }}|>\n\(content)\n") + generationPrompt("<|assistant|>\n"),
        "zephyr": every("<|{{ message.role }}|>\n\(content)<|endoftext|>\n") + generationPrompt("<|assistant|>\n"),
        "monarch": every("{% if not loop.first %}<s>{% endif %}{{ message.role }}\n\(content)</s>\n")
            + generationPrompt("<s>assistant\n"),
        "deepseek3": reasoningHint("<think>", "</think>")
            + every(
                roles(
                    system: "\(content)\n\n", user: "<｜User｜>\(content)",
                    assistant: "<｜Assistant｜>\(content)<｜end▁of▁sentence｜>"))
            + generationPrompt("<｜Assistant｜>"),
        "command-r": every(
            roles(
                system: commandTurn("SYSTEM"), user: commandTurn("USER"), assistant: commandTurn("CHATBOT")))
            + generationPrompt("<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>"),
        "chatglm3": "[gMASK]sop" + every("<|{{ message.role }}|>\n \(content)") + generationPrompt("<|assistant|>"),
        "chatglm4": "[gMASK]<sop>" + every("<|{{ message.role }}|>\n\(content)") + generationPrompt("<|assistant|>\n"),
        "glmedge": every("<|{{ message.role }}|>\n\(content)") + generationPrompt("<|assistant|>"),
        "exaone3": every(
            roles(
                system: "[|system|]\(trimmed)[|endofturn|]\n", user: "[|user|]\(trimmed)\n",
                assistant: "[|assistant|]\(trimmed)[|endofturn|]\n"))
            + generationPrompt("[|assistant|]"),
        "exaone4": reasoningHint("<think>", "</think>")
            + every(
                roles(
                    system: "[|system|]\(trimmed)[|endofturn|]\n", user: "[|user|]\(trimmed)\n",
                    assistant: "[|assistant|]\(trimmed)[|endofturn|]\n", tool: "[|tool|]\(trimmed)[|endofturn|]\n"))
            + generationPrompt("[|assistant|]"),
        "exaone-moe": reasoningHint("<think>", "</think>")
            + every("<|{{ message.role }}|>\n\(trimmed)<|endofturn|>\n") + generationPrompt("<|assistant|>\n"),
        "granite": granite, "granite-4.0": granite, "granite-4.1": granite,
        "gigachat": "<s>"
            + every(
                "{% if loop.first and message.role == 'system' %}\(content)<|message_sep|>"
                    + "{% elif message.role == 'user' %}user<|role_sep|>\(content)<|message_sep|>"
                    + "available functions<|role_sep|>[]<|message_sep|>"
                    + "{% elif message.role == 'assistant' %}assistant<|role_sep|>\(content)<|message_sep|>{% endif %}")
            + generationPrompt("assistant<|role_sep|>"),
        "megrez": every("<|role_start|>{{ message.role }}<|role_end|>\(content)<|turn_end|>")
            + generationPrompt("<|role_start|>assistant<|role_end|>"),
        "bailing": bailing(behind: "") + generationPrompt("<role>ASSISTANT</role>"),
        "bailing-think": reasoningHint("<think>", "</think>") + bailing(behind: "")
            + generationPrompt("<role>ASSISTANT</role><think>"),
        "bailing2": "{% if not messages or messages[0].role != 'system' %}"
            + "<role>SYSTEM</role>detailed thinking off<|role_end|>{% endif %}" + bailing(behind: "<|role_end|>")
            + generationPrompt("<role>ASSISTANT</role>"),
        "hunyuan-moe": every(
            roles(
                system: "<|startoftext|>\(content)<|extra_4|>", assistant: "\(content)<|eos|>",
                others: "<|startoftext|>\(content)<|extra_0|>")),
        "hunyuan-dense": every(
            "{% if loop.first and message.role == 'system' %}\(content)<｜hy_place▁holder▁no▁3｜>"
                + "{% elif message.role == 'assistant' %}<｜hy_Assistant｜>\(content)<｜hy_place▁holder▁no▁2｜>"
                + "{% elif message.role == 'user' %}<｜hy_User｜>\(content)<｜hy_Assistant｜>{% endif %}"),
        "hunyuan-vl": "<｜hy_begin▁of▁sentence｜>"
            + every(
                "{% if loop.first and message.role == 'system' %}\(content)<｜hy_place▁holder▁no▁3｜>"
                    + "{% elif message.role == 'user' %}\(content)<｜hy_User｜>"
                    + "{% elif message.role == 'assistant' %}\(content)<｜hy_Assistant｜>{% endif %}"),
        "gpt-oss": reasoningHint("<|channel|>analysis<|message|>", "<|end|>")
            + every(
                "<|start|>{{ message.role }}<|message|>\(content)"
                    + roles(assistant: "<|return|>", others: "<|end|>"))
            + generationPrompt("<|start|>assistant"),
        "kimi-k2": every(
            roles(
                system: "<|im_system|>system<|im_middle|>", user: "<|im_user|>user<|im_middle|>",
                assistant: "<|im_assistant|>assistant<|im_middle|>", tool: "<|im_system|>tool<|im_middle|>")
                + "\(content)<|im_end|>")
            + generationPrompt("<|im_assistant|>assistant<|im_middle|>"),
        "seed_oss": reasoningHint("<seed:think>", "</seed:think>")
            + every("<seed:bos>{{ message.role }}\n" + roles(assistant: trimmed, others: content) + "<seed:eos>")
            + generationPrompt("<seed:bos>assistant\n"),
        "pangu-embedded": every(
            "{% if loop.first and message.role != 'system' %}[unused9]系统：[unused10]{% endif %}"
                + "[unused9]{{ {'system': '系统', 'user': '用户', 'assistant': '助手', 'tool': '工具', 'function': '方法'}"
                + "[message.role] }}：\(content)[unused10]")
            + generationPrompt("[unused9]助手："),
        "solar-open": every("<|begin|>{{ message.role }}<|content|>\(content)<|end|>")
            + generationPrompt("<|begin|>assistant"),
    ]

    private static let granite =
        reasoningHint("<think>", "</think>")
        + every("<|start_of_role|>{{ message.role }}<|end_of_role|>\(content)<|end_of_text|>\n")
        + generationPrompt("<|start_of_role|>assistant<|end_of_role|>")

    /// A turn of Command R.
    private static func commandTurn(_ role: String) -> String {
        "<|START_OF_TURN_TOKEN|><|\(role)_TOKEN|>\(trimmed)<|END_OF_TURN_TOKEN|>"
    }

    /// A turn of Ling and Ring; `behind` follows the content.
    private static func bailing(behind: String) -> String {
        every("<role>{{ 'HUMAN' if message.role == 'user' else message.role | upper }}</role>\(content)\(behind)")
    }
}
