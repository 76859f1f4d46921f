/// The families of models whose form is known. Where several fit a template, the first counts.
extension ChatFormat {
    package static let all: [ChatFormat] =
        [
            hermes, qwenCoder, seed, glm, hunyuan(suffix: ""), hunyuan(suffix: ":opensource"), hunyuanFenced,
            minimaxM2, minimaxM3, muse, harmony, functionary, functionaryTags, mistral, mistralWithIdentifiers,
            mistralList, gemma, deepSeekR1, deepSeekV3, deepSeekTags(section: "function_calls"),
            deepSeekTags(section: "tool_calls"), kimi, kimiTags, solar, command, commandFenced, apertus, apriel,
            nemotron, granite, phi, lfm, miniCPM, gigaChat, gigaChatMessages, firefunction, llama, llamaPython,
        ]

    static let thinkTags = Delimiters("<think>", "</think>")

    static func make(
        _ name: String, _ shape: ToolCallFormat.Shape, _ adjust: (inout ToolCallFormat) -> Void
    ) -> ChatFormat {
        var calls = ToolCallFormat(shape)
        adjust(&calls)
        return ChatFormat(name: name, calls: calls)
    }

    /// Adds what does not belong to calls.
    func with(_ adjust: (inout ChatFormat) -> Void) -> ChatFormat {
        var format = self
        adjust(&format)
        return format
    }

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

    static func invocation(_ prefix: String, _ middle: TaggedArguments.Middle) -> ToolCallFormat.Shape {
        .headed(
            ToolCallHead(nameStops: ["\""], end: ">\n"),
            .tagged(
                TaggedArguments(
                    opening: "<\(prefix)parameter name=\"", middle: middle, closing: "</\(prefix)parameter>",
                    separator: "\n")))
    }

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
