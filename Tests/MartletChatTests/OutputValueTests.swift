import MartletJSON
import Testing

@testable import MartletChat

/// Values of a response schema whose strings contain delimiters of the chat format.
struct OutputValueTests {
    private static let tools = OfferedTools([OfferedTools.Tool(name: "now", parameters: .null)])

    /// The format with reasoning, and the texts that begin or end reasoning or calls in its content.
    private static func delimiters(of format: inout ChatFormat) -> [String] {
        if format.reasoning == nil { format.reasoning = ChatFormat.thinkTags }
        let plan = ChatFormatPlan(format, readsCalls: true)
        var texts = [format.reasoning?.start ?? "", format.reasoning?.ends.first ?? ""]
        if let calls = format.calls { texts += [calls.opening, calls.callOpening, calls.callClosing, calls.closing] }
        texts += format.messageHead?.starts ?? []
        // Text behind the value, such as the end of the message, keeps its meaning.
        let kept = zip(plan.value.roles, format.content.flatMap(\.ends) + format.ignored).map(\.1)
        return texts.filter { text in !text.isEmpty && !kept.contains { text.contains($0) } }
    }

    @Test(arguments: ChatFormat.all) func delimitersWithinAValueAreContent(format: ChatFormat) {
        var format = format
        let delimiters = Self.delimiters(of: &format)
        let prepared = PreparedChatFormat(format)
        #expect(!delimiters.isEmpty)
        for delimiter in delimiters {
            for value in [
                "{\"a\": \"\(delimiter)\"}", "{\"a\": \"x \(delimiter)\\n y\"}", "[\"\(delimiter)\(delimiter)\", 1]",
                "\"`\(delimiter) \"",
            ] {
                for tools in [nil, Self.tools] {
                    for size in [nil, 1, 2, 5] {
                        let message = ReadMessage(value, prepared, tools: tools, every: size, holdsValue: true)
                        #expect(message.content == value, "\(format.name), \(size ?? 0) bytes at a time")
                        #expect(message.reasoning.isEmpty && message.calls.isEmpty)
                    }
                }
            }
        }
    }

    @Test(arguments: [nil, 1, 3]) func reasoningInFrontOfAValueIsReasoning(size: Int?) {
        var format = ChatFormat.hermes
        format.reasoning = ChatFormat.thinkTags
        let text = "<think>\nA tag.\n</think>\n\n{\"tag\": \"<think>\", \"end\": \"</think>\"}"
        let message = ReadMessage(text, PreparedChatFormat(format), tools: nil, every: size, holdsValue: true)
        #expect(message.reasoning == "A tag.")
        #expect(message.content == "{\"tag\": \"<think>\", \"end\": \"</think>\"}")
    }

    @Test(arguments: ["", "<think>\n"], [nil, 1, 3]) func textOfThePromptBeginsNoValue(opening: String, size: Int?) {
        var format = ChatFormat.hermes
        format.reasoning = ChatFormat.thinkTags
        let text = (opening.isEmpty ? "<think>\n" : "") + "Hm.\n</think>\n\n{\"a\": 1}"
        let message = ReadMessage(
            text, PreparedChatFormat(format), tools: nil, after: "assistant\n" + opening, every: size, holdsValue: true)
        #expect(message.reasoning == "Hm." && message.content == "{\"a\": 1}")
    }

    @Test(arguments: [nil, 1, 3]) func callInsteadOfAValueIsACall(size: Int?) {
        let text = "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>"
        let message = ReadMessage(
            text, PreparedChatFormat(.hermes), tools: Self.tools, every: size, holdsValue: true)
        #expect(message.calls.map(\.name) == ["now"])
        #expect(message.content.isEmpty)
    }

    @Test func endOfTheMessageBehindAValueIsADelimiter() {
        let text = "<|START_RESPONSE|>{\"a\": 1}<|END_RESPONSE|>"
        let message = ReadMessage(text, PreparedChatFormat(.command), tools: nil, every: 1, holdsValue: true)
        #expect(message.content == "{\"a\": 1}")
    }
}
