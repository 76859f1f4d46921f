/// All known formats, and the builders that their files share.
extension ChatFormat {
    /// The known formats. If several fit a template, the first one is chosen, so a special format stands before a
    /// general one.
    package static let all: [ChatFormat] =
        [
            hermes, qwenCoder, seed, glm, hunyuan(suffix: ""), hunyuan(suffix: ":opensource"), hunyuanFenced,
            minimaxM2, minimaxM3, muse, harmony, functionary, functionaryTags, mistral, mistralWithIdentifiers,
            mistralList, gemma, deepSeekR1, deepSeekV3, deepSeekTags(section: "function_calls"),
            deepSeekTags(section: "tool_calls"), kimi, kimiTags, solar, command, commandFenced, apertus, apriel,
            nemotron, granite, phi, lfm, miniCPM, gigaChat, gigaChatMessages, firefunction, llama, llamaPython,
        ]

    /// The delimiters of reasoning that most models use.
    static let thinkTags = Delimiters("<think>", "</think>")

    /// A format with calls of this shape; `adjust` sets their delimiters.
    static func make(
        _ name: String, _ shape: ToolCallFormat.Shape, _ adjust: (inout ToolCallFormat) -> Void
    ) -> ChatFormat {
        var calls = ToolCallFormat(shape)
        adjust(&calls)
        return ChatFormat(name: name, calls: calls)
    }

    /// The format with further properties, such as reasoning and message heads.
    func with(_ adjust: (inout ChatFormat) -> Void) -> ChatFormat {
        var format = self
        adjust(&format)
        return format
    }

    /// A format whose calls are a list in brackets between two delimiters.
    static func list(
        _ name: String, _ opening: String, _ closing: String,
        _ shape: ToolCallFormat.Shape = .object(name: "name", arguments: "arguments")
    ) -> ChatFormat {
        make(name, shape) {
            $0.opening = opening
            $0.isList = true
            $0.separator = ", "
            $0.closing = closing
        }
    }

    /// The shape of a call as `<invoke name="…">` with `<parameter name="…">` in it.
    static func invocation(_ prefix: String, _ middle: TaggedArguments.Middle) -> ToolCallFormat.Shape {
        .headed(
            ToolCallHead(nameStops: ["\""], end: ">\n"),
            .tagged(
                TaggedArguments(
                    opening: "<\(prefix)parameter name=\"", middle: middle, closing: "</\(prefix)parameter>",
                    separator: "\n")))
    }

    /// A format with invocations in a section, as MiniMax, DeepSeek V3.2 and Muse write them.
    /// - Parameters:
    ///   - prefix: stands in front of each tag's name.
    ///   - section: the tag around all calls.
    static func invocations(
        _ name: String, prefix: String, section: String, _ middle: TaggedArguments.Middle = .text("\">")
    ) -> ChatFormat {
        make(name, invocation(prefix, middle)) {
            $0.opening = "<\(section)>\n"
            $0.callOpening = "<\(prefix)invoke name=\""
            $0.callClosing = "\n</\(prefix)invoke>"
            $0.separator = "\n"
            $0.closing = "\n</\(section)>"
        }
    }
}
