import MartletGenerations
import MartletJSON

extension RouteDescription {
    /// The descriptions of all routes, those of servers with several models included.
    package static let all: [RouteDescription] =
        dialects + stored + texts + generations + models + server + history + ollama

    private static let limit = Parameter(name: "limit", schema: OpenAPISchemas.integer(1...100))
    private static let order = Parameter(name: "order", schema: ["enum": ["asc", "desc"]])
    private static let after = Parameter(name: "after", schema: ["type": "string"])
    private static let page = [limit, order, after]

    /// Makes the description of a route. The errors are those of all routes.
    private static func route(
        _ method: String, _ paths: String..., tag: String, _ summary: String,
        change: (inout RouteDescription) -> Void = { _ in }
    ) -> RouteDescription {
        var description = RouteDescription(method: method, paths: paths, summary: summary, tag: tag)
        change(&description)
        return description
    }

    /// The routes of the table of dialects: the one that generates, and the one that counts tokens.
    private static let dialects: [RouteDescription] = Dialect.all.filter { $0.kind.schema != nil }.flatMap { dialect in
        var routes: [RouteDescription] = []
        var generating = RouteDescription(
            method: "post", paths: dialect.paths, summary: "Generates a completion or streams it.",
            tag: dialect.kind.tag)
        generating.body = dialect.kind.schema
        generating.success = [(200, [.json, .events]), (202, [.json])]
        generating.errors = [409]
        generating.dialect = dialect.kind
        routes.append(generating)
        guard let counting = dialect.counting else { return routes }
        var count = RouteDescription(
            method: "post", paths: counting.paths, summary: "Counts the tokens of a request.", tag: dialect.kind.tag)
        count.body = dialect.kind.schema
        count.errors = [409]
        count.dialect = dialect.kind
        return routes + [count]
    }

    private static let stored: [RouteDescription] = [
        route("get", "/v1/responses", "/responses", tag: "Responses", "Opens a WebSocket for Responses.") {
            $0.success = [(101, [.none])]
            $0.errors = [426]
        },
        route("post", "/v1/responses/compact", "/responses/compact", tag: "Responses", "Summarizes a conversation.") {
            $0.body = "Compaction"
            $0.errors = [409]
        },
        route("get", "/v1/responses/{id}", tag: "Responses", "Returns a stored response, or streams its events.") {
            $0.parameters = [
                Parameter(name: "stream", schema: ["enum": ["true", "false"]]),
                Parameter(name: "starting_after", schema: OpenAPISchemas.integer(0...1_000)),
            ]
            $0.success = [(200, [.json, .events])]
        },
        route("post", "/v1/responses/{id}/cancel", tag: "Responses", "Stops a running response."),
        route("delete", "/v1/responses/{id}", tag: "Responses", "Deletes a stored response."),
        route("get", "/v1/responses/{id}/input_items", tag: "Responses", "Lists the input items of a response.") {
            $0.parameters = page
        },
        route("get", "/v1/chat/completions", tag: "Chat", "Lists stored completions.") {
            $0.parameters = page + [Parameter(name: "model", schema: ["type": "string"])]
        },
        route("get", "/v1/chat/completions/{id}", tag: "Chat", "Returns a stored completion."),
        route("post", "/v1/chat/completions/{id}", tag: "Chat", "Replaces the metadata of a stored completion.") {
            $0.body = "Metadata"
        },
        route("delete", "/v1/chat/completions/{id}", tag: "Chat", "Deletes a stored completion."),
        route("get", "/v1/chat/completions/{id}/messages", tag: "Chat", "Lists the messages of a stored completion.") {
            $0.parameters = page
        },
        route("post", "/v1/conversations", tag: "Conversations", "Makes a conversation.") {
            $0.body = "Conversation"
            $0.isBodyOptional = true
        },
        route("get", "/v1/conversations/{id}", tag: "Conversations", "Returns a conversation."),
        route("post", "/v1/conversations/{id}", tag: "Conversations", "Replaces the metadata of a conversation.") {
            $0.body = "Metadata"
        },
        route("delete", "/v1/conversations/{id}", tag: "Conversations", "Deletes a conversation."),
        route("get", "/v1/conversations/{id}/items", tag: "Conversations", "Lists items.") { $0.parameters = page },
        route("post", "/v1/conversations/{id}/items", tag: "Conversations", "Adds items.") { $0.body = "Items" },
        route("get", "/v1/conversations/{id}/items/{item}", tag: "Conversations", "Returns an item."),
        route("delete", "/v1/conversations/{id}/items/{item}", tag: "Conversations", "Removes an item."),
    ]

    private static let texts: [RouteDescription] = [
        route("post", "/infill", "/v1/infill", tag: "llama-server", "Completes the gap between two texts.") {
            $0.body = "Infill"
            $0.success = [(200, [.json, .events]), (202, [.json])]
        },
        route("post", "/apply-template", tag: "llama-server", "Renders a chat's prompt.") {
            $0.body = "ChatCompletion"
        },
        route("post", "/tokenize", tag: "llama-server", "Tokenizes a text.") { $0.body = "Tokenize" },
        route("post", "/detokenize", tag: "llama-server", "Returns the text of tokens.") { $0.body = "Detokenize" },
        route("post", "/v1/embeddings", tag: "Embeddings", "Computes embeddings.") { $0.body = "Embedding" },
        route("post", "/embeddings", "/embedding", tag: "llama-server", "Computes embeddings.") {
            $0.body = "Embedding"
        },
        route(
            "post", "/v1/rerank", "/rerank", "/v1/reranking", "/reranking", "/v2/rerank", tag: "Rerank",
            "Scores documents for a query."
        ) { $0.body = "Rerank" },
    ]

    private static let generations: [RouteDescription] = [
        route("get", "/v1/generations", tag: "Generations", "Lists generations.") {
            $0.parameters = [Parameter(name: "label", schema: ["type": "string"])]
        },
        route("get", "/v1/generations/{id}", tag: "Generations", "Returns the state of a generation."),
        route("delete", "/v1/generations/{id}", tag: "Generations", "Stops or removes a generation."),
        route("get", "/v1/generations/{id}/events", tag: "Generations", "Streams numbered events.") {
            $0.parameters = [
                Parameter(name: "starting_after", schema: ["type": "string"]),
                Parameter(name: "from_event", schema: OpenAPISchemas.integer(0...1_000)),
            ]
            $0.success = [(200, [.events]), (204, [.none])]
        },
        route("get", "/v1/generations/{id}/timing", tag: "Generations", "Returns the times of a generation."),
        route("get", "/v1/generations/{id}/result", tag: "Generations", "Returns the whole response.") {
            $0.parameters = [Parameter(name: "wait", schema: OpenAPISchemas.integer(0...1))]
            $0.success = [(200, [.json]), (202, [.json])]
        },
        route("post", "/v1/generations/{id}/control", tag: "Generations", "Sends a control command.") {
            $0.body = "Control"
            $0.errors = [409]
        },
        route(
            "post", "/v1/chat/completions/control", "/chat/completions/control", tag: "Generations",
            "Sends a control command to the generation that the body names."
        ) {
            $0.body = "Control"
            $0.errors = [409]
        },
        route("get", "/v1/realtime", tag: "Generations", "Opens a WebSocket for generations and commands.") {
            $0.success = [(101, [.none])]
            $0.errors = [426]
        },
        route("get", "/v1/stream", "/v1/stream/**", tag: "Generations", "Streams the newest generation of a label.") {
            $0.parameters = [
                Parameter(name: "conv_id", schema: ["type": "string"]),
                Parameter(name: "from", schema: OpenAPISchemas.integer(0...100_000)),
            ]
            $0.success = [(200, [.events])]
            $0.errors = [416]
        },
        route("delete", "/v1/stream", "/v1/stream/**", tag: "Generations", "Stops the generations of a label.") {
            $0.parameters = [Parameter(name: "conv_id", schema: ["type": "string"])]
            $0.success = [(204, [.none])]
        },
        route("post", "/v1/streams/lookup", tag: "Generations", "Returns the states of labels.") { $0.body = "Lookup" },
        route("get", "/v1/prefixes", tag: "Prefixes", "Lists pinned prefixes."),
        route("get", "/v1/prefixes/{name}", tag: "Prefixes", "Returns a pinned prefix."),
        route("put", "/v1/prefixes/{name}", tag: "Prefixes", "Pins a prefix.") {
            $0.body = "Prefix"
            $0.success = [(200, [.json]), (201, [.json])]
            $0.errors = [409]
        },
        route("delete", "/v1/prefixes/{name}", tag: "Prefixes", "Removes a pinned prefix."),
    ]

    private static let models: [RouteDescription] = [
        route("get", "/v1/models", "/models", tag: "Models", "Lists models."),
        route("get", "/v1/models/**", "/models/**", tag: "Models", "Returns a model."),
        route("post", "/v1/models", "/models", tag: "Models", "Downloads a model.") {
            $0.body = "ModelName"
            $0.errors = [409]
        },
        route("delete", "/v1/models", "/models", tag: "Models", "Removes a model's file.") {
            $0.parameters = [Parameter(name: "model", schema: ["type": "string"])]
            $0.errors = [409]
        },
        route("get", "/models/sse", "/v1/models/sse", tag: "Models", "Streams changes of models.") {
            $0.success = [(200, [.events])]
        },
        route("post", "/models/load", "/v1/models/load", tag: "Models", "Loads a model.") {
            $0.body = "ModelName"
            $0.errors = [409]
        },
        route("post", "/models/unload", "/v1/models/unload", tag: "Models", "Unloads a model.") {
            $0.body = "ModelName"
            $0.errors = [409]
        },
        route("post", "/models/plan", "/v1/models/plan", tag: "Models", "Plans the memory of a model.") {
            $0.body = "ModelName"
        },
        route("get", "/lora-adapters", tag: "Models", "Lists adapters."),
        route("post", "/lora-adapters", tag: "Models", "Sets the scales of adapters.") { $0.body = "Adapters" },
    ]

    private static let server: [RouteDescription] = [
        route("get", "/health", "/v1/health", tag: "Server", "Returns whether the server is ready."),
        route("get", "/openapi.json", tag: "Server", "Returns this document."),
        route("get", "/props", tag: "Server", "Returns properties of the server and its model."),
        route("post", "/props", tag: "Server", "Accepts properties.") { $0.body = "Any" },
        route("get", "/slots", tag: "Server", "Returns the states of slots."),
        route("post", "/slots/{id}", tag: "Server", "Saves, restores or erases a slot.") {
            $0.parameters = [Parameter(name: "action", schema: ["enum": ["save", "restore", "erase"]])]
            $0.body = "Any"
            $0.isBodyOptional = true
            $0.errors = [409]
        },
        route("get", "/metrics", tag: "Server", "Returns metrics in Prometheus' text form.") {
            $0.success = [(200, [.text])]
        },
        route("get", "/v1/metrics/history", tag: "Server", "Returns the figures of the last hour."),
        route("get", "/", tag: "Server", "Returns the chat page.") { $0.success = [(200, [.page]), (304, [.none])] },
        route("get", "/page/{name}", tag: "Server", "Returns a file of the chat page.") {
            $0.success = [(200, [.page]), (304, [.none])]
        },
    ]

    private static let history: [RouteDescription] = [
        route("get", "/v1/history", tag: "History", "Lists the saved chats of the key.") {
            $0.success = [(200, [.json]), (304, [.none])]
        },
        route("get", "/v1/history/{id}", tag: "History", "Returns a saved chat.") {
            $0.success = [(200, [.json]), (304, [.none])]
        },
        route("put", "/v1/history/{id}", tag: "History", "Saves a chat, if it has the version of If-Match.") {
            $0.body = "Any"
            $0.errors = [412, 507]
        },
        route("delete", "/v1/history/{id}", tag: "History", "Removes a saved chat.") { $0.errors = [412] },
        route("get", "/v1/history/{id}/files/{file}", tag: "History", "Returns a file of a saved chat.") {
            $0.success = [(200, [.bytes])]
        },
        route("put", "/v1/history/{id}/files/{file}", tag: "History", "Saves a file of a chat.") {
            $0.body = "Bytes"
            $0.bodyContent = .bytes
            $0.errors = [507]
        },
        route("delete", "/v1/history/{id}/files/{file}", tag: "History", "Removes a file of a saved chat."),
    ]

    private static let ollama: [RouteDescription] = [
        route("get", "/api/version", tag: "Ollama", "Returns the version of the API."),
        route("get", "/api/tags", tag: "Ollama", "Lists models."),
        route("get", "/api/ps", tag: "Ollama", "Lists loaded models."),
        route("post", "/api/show", tag: "Ollama", "Returns a model's facts.") { $0.body = "ModelName" },
        route("post", "/api/chat", tag: "Ollama", "Generates a message, as lines of JSON.") {
            $0.body = "OllamaChat"
            $0.success = [(200, [.json, .lines]), (202, [.json])]
        },
        route("post", "/api/generate", tag: "Ollama", "Generates a text, as lines of JSON.") {
            $0.body = "OllamaGenerate"
            $0.success = [(200, [.json, .lines]), (202, [.json])]
        },
        route("post", "/api/embed", "/api/embeddings", tag: "Ollama", "Computes embeddings.") {
            $0.body = "OllamaEmbed"
        },
        route("post", "/api/create", "/api/copy", "/api/push", tag: "Ollama", "Refused: the error names another way.") {
            $0.body = "Any"
            $0.isBodyOptional = true
            $0.success = []
        },
        route("delete", "/api/delete", tag: "Ollama", "Refused: the error names another way.") { $0.success = [] },
        route("post", "/api/blobs/{digest}", tag: "Ollama", "Refused: the error names another way.") {
            $0.success = []
        },
        route("post", "/api/pull", tag: "Ollama", "Downloads a model, or reports that it is present.") {
            $0.body = "ModelName"
            $0.success = [(200, [.json, .lines])]
        },
    ]
}

extension CompletionKind {
    /// The name of the group in `/openapi.json`.
    fileprivate var tag: String {
        switch self {
        case .chat: "Chat"
        case .text: "Completions"
        case .native: "llama-server"
        case .messages: "Messages"
        case .responses: "Responses"
        case .ollamaChat, .ollamaGenerate: "Ollama"
        }
    }

    /// The name of the schema of a body; nil for dialects whose routes have descriptions of their own.
    fileprivate var schema: String? {
        switch self {
        case .chat: "ChatCompletion"
        case .text: "Completion"
        case .native: "NativeCompletion"
        case .messages: "Message"
        case .responses: "Response"
        case .ollamaChat, .ollamaGenerate: nil
        }
    }
}
