package import MartletGenerations
package import MartletJSON
package import MartletProtocol
package import MartletStreams

/// An HTTP API for completions: how its requests are read, and how its responses and errors are written.
///
/// `Dialect.all` is the one table of dialects. The routes, the recovery and the error middleware use the table, so a
/// new dialect is a folder with one value of this type.
package struct Dialect: Sendable {
    /// The dialect's name in journals.
    package let kind: CompletionKind
    /// The prefix of a response's id, such as `chatcmpl-`.
    package let idPrefix: String
    /// The paths of the route that generates.
    package let paths: [String]
    /// The route that counts the tokens of a request; nil if the dialect has none.
    package var counting: Counting?
    /// The form of errors.
    package var errors = ErrorForm.common
    /// Returns the server's form of a model's name in a request.
    package var modelName: @Sendable (String) -> String = { $0 }
    /// Returns the id of the stored response that a request continues; nil if it continues none.
    package var previousID: @Sendable (JSONValue) throws(APIError) -> String? = { _ in nil }
    /// Returns the id of the stored conversation that a request belongs to; nil if it belongs to none.
    package var conversationID: @Sendable (JSONValue) throws(APIError) -> String? = { _ in nil }
    /// Returns the positions in a request at which it only names a stored item, and these names.
    package var references: @Sendable (JSONValue) -> [(index: Int, id: String)] = { _ in [] }
    /// Whether the response to a request is stored, so that later requests may continue it.
    package var stores: @Sendable (JSONValue) -> Bool = { _ in false }
    /// Returns the items of a stored response, which precede those of a request that continues it.
    package var items: @Sendable (StoredResponse) -> [JSONValue] = { _ in [] }
    /// Reads the body of a request.
    package let read: @Sendable (JSONValue, Input) throws(APIError) -> Reading
    /// Makes the view of a response.
    package let makeView: @Sendable (Response) -> any ResponseView

    /// Makes the entry of a dialect that only its folder knows.
    init(
        kind: CompletionKind, idPrefix: String, paths: [String],
        read: @escaping @Sendable (JSONValue, Input) throws(APIError) -> Reading,
        makeView: @escaping @Sendable (Response) -> any ResponseView
    ) {
        self.kind = kind
        self.idPrefix = idPrefix
        self.paths = paths
        self.read = read
        self.makeView = makeView
    }

    /// The values besides the body that the reading of a request depends on.
    package struct Input: Sendable {
        /// The values of fields that the request omits.
        package var defaults: CompletionDefaults
        /// The seed of a request without one.
        package var randomSeed: UInt64
        /// Whether only the tokens of the prompt are counted, so that no limit of the output is needed.
        package var isForCount = false
        /// The items of the stored responses that the request continues, in the dialect's form.
        package var history: [JSONValue] = []

        /// Makes the input of a request that generates.
        package init(defaults: CompletionDefaults, randomSeed: UInt64) {
            self.defaults = defaults
            self.randomSeed = randomSeed
        }
    }

    /// A request, read and validated.
    package enum Reading: Sendable {
        /// A conversation, which the chat template renders.
        case chat(ChatCompletionRequest)
        /// Prompts that the output continues as they are. `needsTexts`: whether the response contains them.
        case prompts([Prompt], CompletionOptions, echoes: Bool, needsTexts: Bool)
    }

    /// The fixed parts of a response.
    package struct Response: Sendable {
        package var head: ResponseHead
        package var options: ResolvedOptions
        /// The texts of the prompts that the response contains; empty or one for a chat.
        package var prompts: PromptTexts
        /// The body of the request, for responses that repeat its fields.
        package var body: JSONValue

        /// Makes the parts from what admission resolved or a journal stored.
        package init(head: ResponseHead, options: ResolvedOptions, prompts: PromptTexts, body: JSONValue) {
            self.head = head
            self.options = options
            self.prompts = prompts
            self.body = body
        }
    }

    /// The route that counts the tokens of a request.
    package struct Counting: Sendable {
        package let paths: [String]
        /// Makes the body of the response.
        package let body: @Sendable (Int) -> JSONValue
    }

    /// The form of a dialect's errors.
    package struct ErrorForm: Sendable {
        /// The HTTP status.
        package let status: @Sendable (APIError) -> Int
        /// The body.
        package let body: @Sendable (APIError) -> [UInt8]

        /// llama-server's form with OpenAI's members.
        package static let common = ErrorForm(status: { $0.status }, body: { $0.body() })
    }
}

extension Dialect {
    /// All dialects.
    package static let all: [Dialect] = [.chat, .text, .native, .messages, .responses, .ollamaChat, .ollamaGenerate]

    /// The dialect with a name.
    package static func named(_ kind: CompletionKind) -> Dialect {
        all.first { $0.kind == kind } ?? .chat
    }

    /// The form of the errors of a path.
    /// - Parameter path: the path of a request, with one slash before each part.
    package static func errors(at path: String) -> ErrorForm {
        if path.hasPrefix(ollamaPrefix) { return ollamaErrors }
        return all.first { ($0.paths + ($0.counting?.paths ?? [])).contains(path) }?.errors ?? .common
    }

    /// OpenAI's chat completions.
    ///
    /// The chat template makes the prompt. `functions` of a request decide the form of its calls.
    private static let chat: Dialect = {
        var dialect = Dialect(
            kind: .chat, idPrefix: "chatcmpl-", paths: ["/v1/chat/completions", "/chat/completions"]
        ) { json, input throws(APIError) in
            .chat(try ChatCompletionRequest(json, defaults: input.defaults, randomSeed: input.randomSeed))
        } makeView: { response in
            ChatCompletionView(
                head: response.head, options: response.options.options, prompt: response.prompts.values.first ?? "",
                usesFunctions: response.body["functions"]?.arrayValue?.isEmpty == false,
                namesServiceTier: response.body["service_tier"]?.stringValue != nil)
        }
        dialect.stores = { $0["store"] == true }
        dialect.counting = .openAI(["/v1/chat/completions/input_tokens", "/chat/completions/input_tokens"])
        return dialect
    }()

    /// OpenAI's text completions.
    ///
    /// The texts of the prompts are needed for `echo` and for `__verbose`.
    private static let text = Dialect(kind: .text, idPrefix: "cmpl-", paths: ["/v1/completions"]) {
        json, input throws(APIError) in
        let request = try TextCompletionRequest(json, defaults: input.defaults, randomSeed: input.randomSeed)
        return .prompts(
            request.prompts, request.options, echoes: request.echoes,
            needsTexts: request.echoes || request.options.responseFields.isVerbose)
    } makeView: { response in
        TextCompletionView(
            head: response.head, options: response.options.options, prompts: response.prompts.values,
            echoes: response.options.echoes, body: response.body)
    }

    /// llama-server's completions.
    ///
    /// The response contains the prompt.
    private static let native = Dialect(kind: .native, idPrefix: "", paths: ["/completion", "/completions"]) {
        json, input throws(APIError) in
        let request = try LlamaServerCompletionRequest(json, defaults: input.defaults, randomSeed: input.randomSeed)
        return .prompts(request.prompts, request.options, echoes: false, needsTexts: true)
    } makeView: { response in
        LlamaServerCompletionView(head: response.head, prompts: response.prompts, options: response.options.options)
    }
}

extension Dialect.Counting {
    /// OpenAI's form of a count.
    static func openAI(_ paths: [String]) -> Dialect.Counting {
        Dialect.Counting(paths: paths) {
            ["object": "response.input_tokens", "input_tokens": .integer(Int64($0))]
        }
    }
}
