import CLlama
import Foundation
import MartletChat
import MartletJSON
import MartletJinja
import Testing

/// A template with a name renders the same text as libllama does for that name.
@Suite struct BuiltInTemplateTests {
    private typealias Message = (role: String, content: String)

    /// Templates for which libllama always appends the generation prompt.
    private static let alwaysAsking: Set<String> = ["rwkv-world"]

    private static let conversations: [[Message]] = [
        [("user", "Hello")],
        [("system", "Be brief."), ("user", "Hello")],
        [("user", " Hello\n"), ("assistant", " Hi, you. "), ("user", "How are you?")],
        [
            ("system", " You are {{ kind }}.\n"), ("user", "One\n\ntwo"), ("assistant", "Three"),
            ("user", "<|im_end|>"),
            ("assistant", "\nFour"), ("user", "Fünf 🦊"),
        ],
        [("user", "Hello"), ("assistant", "Hi")],
        [("assistant", "Welcome."), ("user", "Thanks")],
    ]

    private static let names: [String] = {
        var names = [UnsafePointer<CChar>?](repeating: nil, count: 256)
        let count = llama_chat_builtin_templates(&names, names.count)
        return names.prefix(Int(count)).compactMap { $0.map { String(cString: $0) } }
    }()

    @Test func everyNameOfLibllamaHasATemplate() {
        #expect(!Self.names.isEmpty)
        #expect(Self.names.sorted() == BuiltInTemplate.names.sorted())
    }

    @Test(arguments: names) func aNamedTemplateRendersWhatLibllamaRenders(name: String) throws {
        let source = try #require(BuiltInTemplate.source(named: name))
        let template = try ChatTemplate.parse(source)
        for conversation in Self.conversations {
            for addsGenerationPrompt in [true, false] {
                if !addsGenerationPrompt, Self.alwaysAsking.contains(name), conversation.last?.role == "user" {
                    continue
                }
                let input = JinjaTemplate.Input(
                    messages: conversation.map { ["role": .string($0.role), "content": .string($0.content)] },
                    addsGenerationPrompt: addsGenerationPrompt, now: .now)
                #expect(
                    try template.render(input).text
                        == Self.reference(name, conversation, addsGenerationPrompt: addsGenerationPrompt),
                    "\(conversation), asks: \(addsGenerationPrompt)")
            }
        }
    }

    /// A system message and the generation prompt reach the model in the format, also through the adaptation of
    /// messages to a template.
    @Test(arguments: names) func aNamedTemplateServesAChat(name: String) throws {
        let source = try #require(BuiltInTemplate.source(named: name))
        let template = try ChatTemplate(source: source, beginningToken: "<s>", endToken: "</s>")
        let messages: [JSONValue] = [
            ["role": "system", "content": "Systemword"], ["role": "user", "content": "Userword"],
        ]
        let text = try template.render(messages: messages).segments.map(\.text).joined()
        #expect(text.contains("Systemword") && text.contains("Userword"))
        let parts: [JSONValue] = [["role": "user", "content": [["type": "text", "text": "Partword"]]]]
        #expect(try template.render(messages: parts).segments.map(\.text).joined().contains("Partword"))
    }

    private static func reference(_ name: String, _ conversation: [Message], addsGenerationPrompt: Bool) throws
        -> String
    {
        var texts: [UnsafeMutablePointer<CChar>] = []
        defer { for text in texts { free(text) } }
        let messages = try conversation.map { message in
            let (role, content) = (try #require(strdup(message.role)), try #require(strdup(message.content)))
            texts += [role, content]
            return llama_chat_message(role: role, content: content)
        }
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = llama_chat_apply_template(
            name, messages, messages.count, addsGenerationPrompt, &buffer, Int32(buffer.count))
        try #require((0...Int32(buffer.count)).contains(count))
        return String(decoding: buffer.prefix(Int(count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
