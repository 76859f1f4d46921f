import MartletAPI
import MartletGenerations
import MartletJSON
import MartletTestSupport

/// A valid request of each dialect.
enum DialectSample {
    /// The path that generates.
    static func path(_ kind: CompletionKind) -> String {
        // Ollama's routes are not in the table of dialects.
        Dialect.named(kind).paths.first ?? (kind == .ollamaChat ? "/api/chat" : "/api/generate")
    }

    /// The body with more members, each with a comma in front.
    static func body(_ kind: CompletionKind, _ more: String = "") -> String {
        let messages = #""messages":[{"role":"user","content":"Hi"}]"#
        let input =
            switch kind {
            case .chat, .ollamaChat: messages
            case .messages: messages + #","max_tokens":50"#
            case .responses: #""input":"Hi""#
            case .text, .native, .ollamaGenerate: #""prompt":"Hi""#
            }
        return "{\(input)\(more)}"
    }
}

extension TestServer {
    /// The status and the JSON of a response to the client with a key.
    func reply(
        _ method: String, _ path: String, _ body: String? = nil, key: String
    ) async throws -> (status: Int, body: JSONValue) {
        let (head, text) = try await send(method, path, headers: [("Authorization", "Bearer \(key)")], body: body)
        return (head.status, try json(text))
    }
}
