import MartletJSON
import OrderedCollections
import Testing

@testable import MartletChat

/// The state of a parser does not grow with the output, so no token costs more than the previous one.
@Suite(.enabled(if: TemplateFolder.isThere, "../shared/chat-templates is not there"))
struct ParserMemoryTests {
    /// Bytes in the arrays and strings of a value, without the plans that all parsers share.
    private static func bytesRetained(by value: Any) -> Int {
        switch value {
        case let bytes as [UInt8]: return bytes.count
        case let text as String: return text.utf8.count
        case is ChatFormatPlan, is ToolCallPlan, is OfferedTools: return 0
        default: return Mirror(reflecting: value).children.reduce(0) { $0 + bytesRetained(by: $1.value) }
        }
    }

    /// Most bytes of state between two tokens.
    private static func maximumRetained(_ turn: ChatFormatRecognition.Turn, _ format: PreparedChatFormat) -> Int {
        var parser = OutputParser(format, tools: SampleTurns.offered, after: turn.opening)
        let bytes = Array(turn.text.utf8)
        var most = 0
        for (number, start) in stride(from: 0, to: bytes.count, by: 5).enumerated() {
            parser.append(bytes[start..<min(start + 5, bytes.count)]) { _ in }
            if number.isMultiple(of: 97) { most = max(most, bytesRetained(by: parser)) }
        }
        return most
    }

    @Test func parserStateDoesNotGrow() throws {
        var checked: Set<String> = []
        for name in try TemplateFolder.names() {
            let template = try ChatTemplate(
                source: TemplateFolder.source(name), beginningToken: "<BOS>", endToken: "<EOS>")
            for kind in ["content", "reasoning_content", "call"] {
                func most(_ count: Int) -> Int? {
                    let long = String(repeating: "Some more words to say < 2\n and then on. ", count: count)
                    var message: JSONObject = ["role": "assistant", "content": ""]
                    if kind != "call" {
                        message[kind] = .string(long)
                    } else {
                        message["tool_calls"] = [
                            [
                                "id": "call00001", "type": "function",
                                "function": ["name": "get_weather", "arguments": ["city": .string(long), "days": 3]],
                            ]
                        ]
                    }
                    guard let turn = SampleTurns.turn(of: .object(message), template, name),
                        turn.text.utf8.count > long.utf8.count
                    else { return nil }
                    return Self.maximumRetained(turn, template.format)
                }
                // Two formats buffer arguments: nested tags, and text that may be character data, are known at their
                // end.
                if kind == "call", ["MiniMax-M3", "openbmb-MiniCPM5-1B"].contains(name) { continue }
                guard let few = most(30), let many = most(300) else { continue }
                // Between two arguments the parser compares with more texts than within one.
                #expect(many <= few + 256, "\(name), \(kind): \(few), then \(many)")
                checked.insert(name)
            }
        }
        #expect(checked.count >= 45)
    }
}
