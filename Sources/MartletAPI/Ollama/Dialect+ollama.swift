import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams

extension Dialect {
    /// The beginning of the paths of Ollama's routes.
    static let ollamaPrefix = "/api/"

    /// `{"error":"…"}`, which Ollama's clients show.
    static let ollamaErrors = ErrorForm(
        status: { $0.status }, body: { OllamaBodies.error($0.error.message) })

    /// Ollama's chats. `OllamaRoutes` has the path, because a chat without messages is no completion.
    static let ollamaChat: Dialect = {
        var dialect = Dialect(kind: .ollamaChat, idPrefix: "ollama-", paths: []) { json, input throws(APIError) in
            let request = try OllamaChatRequest(json, defaults: input.defaults, randomSeed: input.randomSeed)
            guard let chat = request.chat else {
                throw .field("messages", "At least one message is required, but the list is empty")
            }
            return .chat(chat)
        } makeView: { response in
            OllamaView(head: response.head, options: response.options.options, form: .chat)
        }
        dialect.errors = ollamaErrors
        dialect.modelName = OllamaFields.modelName
        return dialect
    }()

    /// Ollama's completions of one prompt.
    static let ollamaGenerate: Dialect = {
        var dialect = Dialect(kind: .ollamaGenerate, idPrefix: "ollama-", paths: []) { json, input throws(APIError) in
            let request = try OllamaGenerateRequest(json, defaults: input.defaults, randomSeed: input.randomSeed)
            switch request.input {
            case .chat(let chat): return .chat(chat)
            case .text(let prompt): return .prompts([prompt], request.options, echoes: false, needsTexts: false)
            case .nothing: throw .field("prompt", "A text is required, but the field is missing or empty")
            case .gap: throw .field("suffix", "The prompt must be tokens before the request is admitted")
            }
        } makeView: { response in
            OllamaView(head: response.head, options: response.options.options, form: .generate)
        }
        dialect.errors = ollamaErrors
        dialect.modelName = OllamaFields.modelName
        return dialect
    }()
}
