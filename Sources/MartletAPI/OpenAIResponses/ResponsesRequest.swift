import MartletConversation
package import MartletGenerations
package import MartletJSON
import MartletProtocol
import MartletSchema
import MartletStreams
import OrderedCollections

/// A request for OpenAI's Responses, read into a chat.
///
/// Fields of Responses are read here. The other fields belong to every completion, such as `min_p` and `seed`.
package enum ResponsesRequest {
    /// Fields that have a meaning of their own here, or none.
    private static let ownFields = [
        "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "text", "reasoning",
        "max_output_tokens", "max_tool_calls", "truncation", "include", "metadata", "store", "previous_response_id",
        "service_tier", "safety_identifier", "user", "top_logprobs", "stream_options", "chat_template_kwargs",
        "reasoning_budget_message", "reasoning_turn_budget_tokens", "prompt", "conversation", "generate",
        "context_management",
    ]
    /// Fields of other routes, which are not read here: one name has one meaning.
    private static let foreignFields = ForeignFields(names: [
        ("messages", "input"), ("max_tokens", "max_output_tokens"), ("max_completion_tokens", "max_output_tokens"),
        ("n_predict", "max_output_tokens"), ("n", nil), ("n_cmpl", nil), ("response_format", "text.format"),
        ("json_schema", "text.format"), ("stop", nil), ("logprobs", "top_logprobs"), ("n_probs", "top_logprobs"),
    ])
    /// Fields that would change the output and that this version does not honour.
    private static let refusedFields = ["prompt"]
    /// The paths of shared fields in this dialect.
    private static let names: [(shared: String, own: String)] = [
        ("response_format.json_schema", "text.format"), ("response_format", "text.format"),
        ("max_tokens", "max_output_tokens"), ("n_probs", "top_logprobs"),
    ]
    /// The most logprobs of a token.
    private static let logprobLimit = 20

    /// The id of the response that a request continues; nil if it continues none.
    /// - Throws: if the field is no string.
    package static func previousID(_ json: JSONValue) throws(APIError) -> String? {
        try FieldReader(json).string("previous_response_id")
    }

    /// Whether a request only computes its prompt, so that a later request finds it in the KV cache.
    static func isWarmUp(_ body: JSONValue) -> Bool { body["generate"] == false }

    /// Whether the response of a request is stored. The default is OpenAI's.
    package static func stores(_ body: JSONValue) -> Bool { body["store"]?.boolValue ?? true }

    /// Reads the body of a request.
    ///
    /// - Parameters:
    ///   - history: the items before `input`, of the responses that the request continues.
    ///   - randomSeed: the seed of a request without one.
    /// - Throws: `invalidRequest` that names the field, the rule and the value.
    package static func read(
        _ json: JSONValue, history: [JSONValue], defaults: CompletionDefaults, randomSeed: UInt64
    ) throws(APIError) -> ChatCompletionRequest {
        let json = Compaction.plain(json)
        let fields = try FieldReader(json)
        for name in refusedFields {
            guard fields.value(name) != nil else { continue }
            throw APIError(
                .notSupported, "Field '\(name)': not supported by this version; leave the field out", field: name)
        }
        let (tools, toolWarnings) = try ResponseTools.read(fields, limits: defaults.schemaCompiler.limits)
        var reader = ResponseItemReader()
        if let instructions = try fields.string("instructions"), !instructions.isEmpty {
            reader.append(ConversationMessage(.system, instructions))
        }
        let conversation = try ConversationBodies.id(in: json)
        let previous = try previousID(json)
        guard conversation == nil || previous == nil else {
            throw .field("conversation", "Value must be absent if \"previous_response_id\" is present")
        }
        fields.know(["conversation"])
        let source = conversation == nil ? "previous_response_id" : "conversation"
        for (index, item) in Compaction.window(history).enumerated() {
            try reader.read(item, at: "\(source)[\(index)]")
        }
        try reader.readInput(fields.value("input"))
        guard reader.messages.contains(where: { $0.role != .system }) else {
            throw .field("input", "A text or a list of at least one item is required, but got nothing")
        }
        let options = try options(fields, defaults: defaults, randomSeed: randomSeed)
        var request = ChatCompletionRequest(messages: reader.messages, options: options)
        if try fields.bool("generate") == false { request.options.parameters.maximumTokens = 0 }
        request.tools = tools
        request.tools.isAlwaysShown = Compaction.isRequested(json)
        try readReasoning(fields, into: &request, defaults: defaults)
        request.options.warnings += toolWarnings + reader.warnings
        if fields.value("context_management") != nil {
            request.options.warnings.append("context_management: no effect: a request for a summary is possible")
        }
        if tools.isActive, let name = request.options.textField {
            throw .field(name, "A grammar excludes tools; omit one of them, or set tool_choice to \"none\"")
        }
        try checkRemarks(fields, isBackground: options.isBackground)
        // Members of nested objects; the shared fields were reported with the options.
        try request.options.reportUnused(fields, defaults)
        return request
    }

    /// The options of the completion: the shared fields, with the names of Responses for some of them.
    ///
    /// Fields of other APIs with the same purpose, such as `max_tokens`, are not read, and `warnings` names them.
    private static func options(
        _ fields: FieldReader, defaults: CompletionDefaults, randomSeed: UInt64
    ) throws(APIError) -> CompletionOptions {
        var members = fields.members
        for name in ownFields + foreignFields.names.map(\.foreign) { members[name] = nil }
        if let limit = try fields.integer("max_output_tokens", in: 1...Int(Int32.max)) {
            members["max_tokens"] = .integer(Int64(limit))
        }
        if let format = try format(fields) { members["response_format"] = format }
        let count = try fields.integer("top_logprobs", in: 0...logprobLimit) ?? 0
        if try includes(fields).contains("message.output_text.logprobs") || count > 0 {
            members["n_probs"] = .integer(Int64(max(1, count)))
        }
        // Random bytes that hide the length of tokens, which no stream has, and usage, which every stream has.
        try fields.object("stream_options")?.accept("include_obfuscation", "include_usage")
        return try CompletionOptions.shared(
            members, of: fields, foreignFields, names, defaults: defaults, randomSeed: randomSeed)
    }

    /// The texts of `include`.
    static func includes(_ fields: FieldReader) throws(APIError) -> [String] {
        var texts: [String] = []
        for (index, value) in (try fields.array("include") ?? []).enumerated() {
            guard let text = value.stringValue else {
                throw .field("include[\(index)]", "Value must be a string, but is \(value.kindName)")
            }
            texts.append(text)
        }
        return texts
    }

    /// `text.format` as shared fields spell it; nil for plain text.
    private static func format(_ fields: FieldReader) throws(APIError) -> JSONValue? {
        guard let text = try fields.object("text") else { return nil }
        _ = try text.string("verbosity")
        guard let format = try text.object("format") else { return nil }
        // Remarks, and members of the other types.
        format.accept("name", "description")
        format.know(["schema", "strict"])
        switch try format.string("type") {
        case "text"?: return nil
        case "json_object"?: return ["type": "json_object"]
        case "json_schema"?:
            _ = try format.string("name")
            guard let schema = try format.object("schema") else {
                throw .field("text.format.schema", "A JSON Schema is required, but the field is missing")
            }
            var described: JSONObject = ["schema": .object(schema.members)]
            if let isStrict = try format.bool("strict") { described["strict"] = .bool(isStrict) }
            return ["type": "json_schema", "json_schema": .object(described)]
        default:
            let got = format.value("type").map(FieldReader.short) ?? "nothing"
            throw .field(
                "text.format.type", "Value must be one of text, json_object, json_schema, but got \(got)")
        }
    }

    /// Reads `reasoning`, and the fields about reasoning that chats have.
    private static func readReasoning(
        _ fields: FieldReader, into request: inout ChatCompletionRequest, defaults: CompletionDefaults
    ) throws(APIError) {
        request.templateArguments = try fields.object("chat_template_kwargs")?.members ?? [:]
        let budget = try ReasoningBudgetFields.budget(fields) ?? defaults.reasoningBudget
        request.reasoningBudget = budget == -1 ? nil : budget
        let turnBudget = try ReasoningBudgetFields.turnBudget(fields) ?? defaults.reasoningTurnBudget
        request.reasoningTurnBudget = turnBudget == -1 ? nil : turnBudget
        request.reasoningMessage = try ReasoningBudgetFields.message(fields) ?? defaults.reasoningMessage
        guard let reasoning = try fields.object("reasoning") else { return }
        _ = try reasoning.string("summary")
        _ = try reasoning.string("generate_summary")
        switch try reasoning.string("effort") {
        case nil: break
        // The template need not know these words.
        case "none"?: request.templateArguments["enable_thinking"] = false
        case "xhigh"?, "max"?: request.templateArguments["reasoning_effort"] = "high"
        case let effort?: request.templateArguments["reasoning_effort"] = .string(effort)
        }
    }

    /// Checks fields that the response repeats, and fields that have no effect.
    ///
    /// `truncation` has no effect: a prompt that is too long is refused.
    private static func checkRemarks(_ fields: FieldReader, isBackground: Bool) throws(APIError) {
        if let word = try fields.string("truncation"), word != "auto", word != "disabled" {
            throw .field(
                "truncation", "Value must be one of auto, disabled, but got \(FieldReader.short(.string(word)))")
        }
        for name in ["service_tier", "safety_identifier", "user"] { _ = try fields.string(name) }
        _ = try fields.integer("max_tool_calls", in: 1...Int(Int32.max))
        _ = try includes(fields)
        let stores = try fields.bool("store") ?? true
        guard stores || !isBackground else {
            throw .field("store", "Value must be true if \"background\" is true, because the response is read later")
        }
        _ = try MetadataField.read(fields)
    }
}
