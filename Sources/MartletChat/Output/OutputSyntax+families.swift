/// The families of models whose form is known. Where several fit a template, the first counts.
extension OutputSyntax {
    package static let families: [OutputSyntax] =
        [
            hermes, qwenCoder, seed, glm, hunyuan(suffix: ""), hunyuan(suffix: ":opensource"), hunyuanFenced,
            minimaxM2, minimaxM3, muse, harmony, functionary, functionaryTags, mistral, mistralWithIdentifiers,
            mistralList, gemma, deepSeekR1, deepSeekV3, deepSeekMarkup(section: "function_calls"),
            deepSeekMarkup(section: "tool_calls"), kimi, kimiMarkup, solar, command, commandFenced, apertus, apriel,
            nemotron, granite, phi, lfm, miniCPM, gigaChat, gigaChatMessages, firefunction, llama, llamaPython,
        ]

    static let think = Enclosure("<think>", "</think>")

    private static func make(
        _ family: String, _ form: CallSyntax.Form, _ adjust: (inout CallSyntax) -> Void
    ) -> OutputSyntax {
        var calls = CallSyntax(form)
        adjust(&calls)
        return OutputSyntax(family: family, calls: calls)
    }

    /// Adds what does not belong to calls.
    private func with(_ adjust: (inout OutputSyntax) -> Void) -> OutputSyntax {
        var syntax = self
        adjust(&syntax)
        return syntax
    }

    // MARK: JSON objects

    /// Hermes, Qwen 2.5 and 3, Granite 4, SmolLM3, MiMo and many more.
    static let hermes = make("hermes", .object(name: "name", arguments: "arguments")) {
        $0.callOpening = "<tool_call>\n"
        $0.callClosing = "\n</tool_call>"
        $0.separator = "\n"
    }

    private static func list(
        _ family: String, _ opening: String, _ closing: String,
        _ form: CallSyntax.Form = .object(name: "name", arguments: "arguments")
    ) -> OutputSyntax {
        make(family, form) {
            $0.opening = opening
            $0.isList = true
            $0.separator = ", "
            $0.closing = closing
        }
    }

    static let apertus = list("apertus", "<|tools_prefix|>", "<|tools_suffix|>", .nameAsKey)
        .with { $0.reasoning = Enclosure("<|inner_prefix|>", "<|inner_suffix|>") }

    static let apriel = list("apriel", "<tool_calls>", "</tool_calls>")
        .with { $0.reasoning = Enclosure("Here are my reasoning steps:\n", "\n[BEGIN FINAL RESPONSE]") }

    static let nemotron = list("nemotron", "<TOOLCALL>", "</TOOLCALL>")

    /// Granite 3.
    static let granite = list("granite", "<|tool_call|>", "")
        .with { $0.content = [Enclosure("<response>", "</response>")] }

    /// Phi 4 mini.
    static let phi = list("phi", "<|tool_call|>", "<|/tool_call|>")

    static let firefunction = list("firefunction", " functools", "")

    private static let mistralObjects = list(
        "mistral-list", "[TOOL_CALLS]", "",
        .object(name: "name", arguments: "arguments", id: CallIdentifier(key: "id", isFirst: false)))

    /// Mistral 7B v0.3 and Nemo.
    static let mistralList = mistralObjects.with { $0.calls?.otherForms = [mistralHeads.calls].compactMap { $0 } }

    /// Command R7B, Command A and Cohere2 MoE.
    static let command = list(
        "command", "<|START_ACTION|>", "<|END_ACTION|>",
        .object(
            name: "tool_name", arguments: "parameters", id: CallIdentifier(key: "tool_call_id", isFirst: true))
    ).with {
        $0.reasoning = Enclosure("<|START_THINKING|>", "<|END_THINKING|>")
        $0.content = [
            Enclosure("<|START_RESPONSE|>", "<|END_RESPONSE|>"), Enclosure("<|START_TEXT|>", "<|END_TEXT|>"),
        ]
    }

    /// Command R and R+.
    static let commandFenced = list(
        "command-fenced", "Action:\n```json\n", "```", .object(name: "tool_name", arguments: "parameters"))

    /// Llama 3.1 to 3.3.
    static let llama = make("llama", .object(name: "name", arguments: "parameters")) {
        $0.startsBare = true
        $0.otherOpenings = ["<|python_tag|>"]
        $0.separator = "; "
        $0.allowsSeveral = false
    }

    static let gigaChat = make("gigachat", .object(name: "name", arguments: "arguments")) {
        $0.callOpening = "<|function_call|>"
        $0.allowsSeveral = false
    }

    static let gigaChatMessages = make("gigachat-messages", .object(name: "name", arguments: "arguments")) {
        $0.callOpening = "<|message_sep|>\n\nfunction call<|role_sep|>\n"
        $0.allowsSeveral = false
    }

    // MARK: A head, then JSON

    static let mistral = make("mistral", .headed(CallHead(end: "[ARGS]"), .object)) {
        $0.callOpening = "[TOOL_CALLS]"
    }.with {
        $0.reasoning = Enclosure("[THINK]", "[/THINK]")
        $0.calls?.otherForms = [mistralObjects.calls].compactMap { $0 }
    }

    static let mistralWithIdentifiers = mistralHeads.with {
        $0.calls?.otherForms = [mistralObjects.calls].compactMap { $0 }
    }

    private static let mistralHeads = make(
        "mistral-ids",
        .headed(CallHead(nameStops: ["[CALL_ID]"], filling: .identifier("[CALL_ID]"), end: "[ARGS]"), .object)
    ) {
        $0.callOpening = "[TOOL_CALLS]"
    }

    static let deepSeekR1 = make("deepseek-r1", .headed(CallHead(end: "\n```json\n"), .object)) {
        $0.opening = "<｜tool▁calls▁begin｜>"
        $0.callOpening = "<｜tool▁call▁begin｜>function<｜tool▁sep｜>"
        $0.callClosing = "\n```<｜tool▁call▁end｜>"
        $0.separator = "\n"
        $0.closing = "<｜tool▁calls▁end｜>"
    }.with { $0.reasoning = think }

    static let deepSeekV3 = make("deepseek-v3", .headed(CallHead(end: "<｜tool▁sep｜>"), .object)) {
        $0.opening = "<｜tool▁calls▁begin｜>"
        $0.callOpening = "<｜tool▁call▁begin｜>"
        $0.callClosing = "<｜tool▁call▁end｜>"
        $0.closing = "<｜tool▁calls▁end｜>"
    }.with { $0.reasoning = think }

    static let kimi = make(
        "kimi",
        .headed(
            CallHead(
                nameStart: "functions.", nameStops: [":"], filling: .number(":", from: 0, ""),
                end: "<|tool_call_argument_begin|>"), .object)
    ) {
        $0.opening = "<|tool_calls_section_begin|>"
        $0.callOpening = "<|tool_call_begin|>"
        $0.callClosing = "<|tool_call_end|>"
        $0.closing = "<|tool_calls_section_end|>"
    }

    static let solar = make(
        "solar",
        .headed(
            CallHead(front: .identifier(""), nameStart: "<|tool_call:name|>", end: "<|tool_call:args|>"), .object)
    ) {
        $0.opening = "<|tool_calls|>"
        $0.callOpening = "<|tool_call:begin|>"
        $0.callClosing = "<|tool_call:end|>"
    }.with {
        $0.reasoning = Enclosure("<|think|>", "<|end|>")
        $0.content = [Enclosure("<|content|>", "<|end|>")]
        $0.ignored = ["<|begin|>assistant", "<|calls|>"]
    }

    /// GPT-OSS.
    static let harmony = make(
        "harmony", .headed(CallHead(nameStart: "functions.", nameStops: ["<|", " "]), .object)
    ) {
        $0.allowsSeveral = false
    }.with {
        $0.messageHead = MessageHead(
            starts: ["<|start|>assistant", "<|channel|>"], end: "<|message|>",
            content: ["<|channel|>final", "<|channel|>commentary", "final", "commentary"],
            reasoning: ["<|channel|>analysis", "analysis"], call: "to=functions.",
            callFront: "<|channel|>commentary",
            callFillings: ["<|channel|>commentary json", " <|constrain|>json"], others: .markup)
        $0.reasoning = Enclosure("<|channel|>analysis<|message|>", "<|end|>")
        $0.content = [Enclosure("<|channel|>final<|message|>", "<|end|>", "<|return|>")]
        $0.ignored = ["<|call|>"]
    }

    /// Functionary 3.2.
    static let functionary = make("functionary", .headed(CallHead(), .object)) { _ in }
        .with {
            $0.messageHead = MessageHead(starts: [">>>"], end: "\n", content: ["all"], call: "", matchesWhole: true)
        }

    /// Functionary 3.1 for Llama.
    static let functionaryTags = make("functionary-tags", .headed(CallHead(end: ">"), .object)) {
        $0.callOpening = "<function="
        $0.callClosing = "</function>"
    }

    static let hunyuanFenced = make("hunyuan-fenced", .headed(CallHead(end: "\n```json\n"), .object)) {
        $0.opening = "<tool_calls>\n"
        $0.callOpening = "<tool_call>"
        $0.callClosing = "\n```\n</tool_call>"
        $0.separator = "\n"
        $0.closing = "\n</tool_calls>"
    }

    // MARK: Arguments between tags

    /// GLM 4.5 and later, Ling 3, Laguna, Spark.
    static let glm = make(
        "glm",
        .headed(
            CallHead(),
            .tagged(
                TaggedArguments(
                    opening: "<arg_key>", middle: .text("</arg_key>\n<arg_value>"), closing: "</arg_value>",
                    separator: "\n")))
    ) {
        $0.callOpening = "<tool_call>"
        $0.callClosing = "\n</tool_call>"
        $0.separator = "\n"
    }

    static func hunyuan(suffix: String) -> OutputSyntax {
        make(
            "hunyuan",
            .headed(
                CallHead(end: "<tool_sep\(suffix)>\n"),
                .tagged(
                    TaggedArguments(
                        opening: "<arg_key\(suffix)>", middle: .text("</arg_key\(suffix)>\n<arg_value\(suffix)>"),
                        closing: "</arg_value\(suffix)>", separator: "\n")))
        ) {
            $0.opening = "<tool_calls\(suffix)>\n"
            $0.callOpening = "<tool_call\(suffix)>"
            $0.callClosing = "\n</tool_call\(suffix)>"
            $0.separator = "\n"
            $0.closing = "\n</tool_calls\(suffix)>"
        }.with { $0.reasoning = Enclosure("<think\(suffix)>", "</think\(suffix)>") }
    }

    /// Qwen3 Coder, StepFun 3.5, Nemotron 3.
    static let qwenCoder = make(
        "qwen-coder",
        .headed(
            CallHead(end: ">\n"),
            .tagged(
                TaggedArguments(
                    opening: "<parameter=", middle: .text(">\n"), closing: "\n</parameter>", separator: "\n",
                    writesPython: true)))
    ) {
        $0.opening = "<tool_call>\n"
        $0.sharesSection = false
        $0.callOpening = "<function="
        $0.callClosing = "\n</function>"
        $0.separator = "\n"
        $0.closing = "\n</tool_call>"
    }

    static let seed = make(
        "seed",
        .headed(
            CallHead(end: ">\n"),
            .tagged(
                TaggedArguments(
                    opening: "<parameter=", middle: .text(">"), closing: "</parameter>", separator: "\n",
                    writesPython: true)))
    ) {
        $0.opening = "<seed:tool_call>\n"
        $0.sharesSection = false
        $0.callOpening = "<function="
        $0.callClosing = "\n</function>"
        $0.separator = "\n"
        $0.closing = "\n</seed:tool_call>"
    }.with { $0.reasoning = Enclosure("<seed:think>", "</seed:think>") }

    private static func invocation(_ prefix: String, _ middle: TaggedArguments.Middle) -> CallSyntax.Form {
        .headed(
            CallHead(nameStops: ["\""], end: ">\n"),
            .tagged(
                TaggedArguments(
                    opening: "<\(prefix)parameter name=\"", middle: middle, closing: "</\(prefix)parameter>",
                    separator: "\n")))
    }

    private static func invocations(
        _ family: String, prefix: String, section: String, _ middle: TaggedArguments.Middle = .text("\">")
    ) -> OutputSyntax {
        make(family, invocation(prefix, middle)) {
            $0.opening = "<\(section)>\n"
            $0.callOpening = "<\(prefix)invoke name=\""
            $0.callClosing = "\n</\(prefix)invoke>"
            $0.separator = "\n"
            $0.closing = "\n</\(section)>"
        }
    }

    static let minimaxM2 = invocations("minimax-m2", prefix: "", section: "minimax:tool_call")
        .with { $0.reasoning = think }

    /// DeepSeek V3.2 and V4.
    static func deepSeekMarkup(section: String) -> OutputSyntax {
        invocations(
            section == "tool_calls" ? "deepseek-v4" : "deepseek-v3.2", prefix: "｜DSML｜", section: "｜DSML｜\(section)",
            .typed("\" string=\"", .isString, "\">")
        ).with { $0.reasoning = think }
    }

    /// Muse Glimmer.
    static let muse = invocations("muse", prefix: "atem:", section: "atem:function_calls")
        .with {
            $0.calls?.sharesSection = false
            $0.messageHead = MessageHead(
                starts: ["<|start|>assistant"], end: "<|message|>", content: [" to=user"], reasoning: [" to=self"],
                others: .markup)
            $0.reasoning = Enclosure("<|start|>assistant to=self<|message|>", "<|eom|>")
            $0.content = [Enclosure("<|start|>assistant to=user<|message|>", "<|eom|>", "<|eot|>")]
        }

    static let minimaxM3 = make(
        "minimax-m3",
        .headed(
            CallHead(nameStops: ["\""], end: ">"),
            .tagged(
                TaggedArguments(
                    opening: "]<]minimax[>[<", middle: .text(">"), closing: "]<]minimax[>[</",
                    nestedPrefix: "]<]minimax[>[")))
    ) {
        $0.opening = "]<]minimax[>[<tool_call>\n"
        $0.callOpening = "]<]minimax[>[<invoke name=\""
        $0.callClosing = "]<]minimax[>[</invoke>"
        $0.separator = "\n"
        $0.closing = "\n]<]minimax[>[</tool_call>"
    }.with { $0.reasoning = Enclosure("<mm:think>", "</mm:think>") }

    /// Kimi K3.
    static let kimiMarkup = make(
        "kimi-k3",
        .headed(
            CallHead(nameStops: ["\""], filling: .number("\" index=\"", from: 1, "\""), end: "<|sep|>"),
            .tagged(
                TaggedArguments(
                    opening: "<|open|>argument key=\"", middle: .typed("\" type=\"", .typeName, "\"<|sep|>"),
                    closing: "<|close|>argument<|sep|>")))
    ) {
        $0.opening = "<|open|>tools<|sep|>"
        $0.callOpening = "<|open|>call tool=\""
        $0.callClosing = "<|close|>call<|sep|>"
        $0.closing = "<|close|>tools<|sep|>"
    }.with {
        $0.reasoning = Enclosure("<|open|>think<|sep|>", "<|close|>think<|sep|>")
        $0.content = [Enclosure("<|open|>response<|sep|>", "<|close|>response<|sep|>")]
        $0.ignored = ["<|close|>message<|sep|>", "<|end_of_msg|>"]
    }

    static let miniCPM = make(
        "minicpm",
        .headed(
            CallHead(nameStops: ["\""], end: ">"),
            .tagged(
                TaggedArguments(
                    opening: "<param name=\"", middle: .text("\">"), closing: "</param>", allowsCDATA: true)))
    ) {
        $0.callOpening = "<function name=\""
        $0.callClosing = "</function>"
        $0.separator = "\n"
    }

    // MARK: Other literals

    static let lfm = list("lfm", "<|tool_call_start|>", "<|tool_call_end|>", .headed(CallHead(), .python))

    /// Llama 3.2 and 4 where they write calls as Python does.
    static let llamaPython = make("llama-python", .headed(CallHead(), .python)) {
        $0.startsBare = true
        $0.isList = true
        $0.separator = ", "
        $0.otherOpenings = ["<|python_start|>"]
    }

    /// Gemma 4.
    static let gemma = make("gemma", .headed(CallHead(), .gemma)) {
        $0.callOpening = "<|tool_call>call:"
        $0.callClosing = "<tool_call|>"
    }.with {
        $0.reasoning = Enclosure("<|channel>thought\n", "<channel|>")
        $0.ignored = ["<|tool_response>"]
    }

    /// Gemma 2 and 3, whose templates know no tools.
    static let gemmaFenced = list("gemma-fenced", "```tool_code\n", "\n```", .headed(CallHead(), .python))
}
