import MartletConversation
package import MartletGenerations
package import MartletJSON
import MartletProtocol
import MartletSchema
import MartletStreams
import OrderedCollections

/// A request for Anthropic's Messages, read into a chat.
///
/// Fields of Anthropic are read here. The other fields belong to every completion, such as `min_p` and `seed`.
package enum MessagesRequest {
    /// Fields that have a meaning of their own here, or none.
    private static let ownFields = [
        "messages", "system", "tools", "tool_choice", "thinking", "stop_sequences", "metadata", "output_config",
        "output_format", "cache_control", "service_tier", "context_management", "mcp_servers", "container",
        "chat_template_kwargs", "inference_geo", "compaction",
    ]
    /// Fields of other routes, which are not read here: one name has one meaning.
    private static let foreignFields = ForeignFields(names: [
        ("n", nil), ("n_cmpl", nil), ("stop", "stop_sequences"), ("response_format", "output_config.format"),
        ("json_schema", "output_config.format"), ("stream_options", nil), ("max_completion_tokens", "max_tokens"),
        ("n_predict", "max_tokens"),
    ])
    /// Fields that would change the output and that this version does not honour.
    private static let refusedFields = ["mcp_servers", "container", "compaction"]
    /// The paths of shared fields in this dialect.
    private static let names: [(shared: String, own: String)] = [
        ("response_format.json_schema.schema", "output_config.format.schema"),
        ("response_format", "output_config.format"), ("stop", "stop_sequences"),
    ]

    /// Reads the body of a request.
    ///
    /// - Parameters:
    ///   - requiresLimit: whether `max_tokens` must be present. A count of tokens needs none.
    ///   - randomSeed: the seed of a request without one.
    /// - Throws: `invalidRequest` that names the field, the rule and the value.
    package static func read(
        _ json: JSONValue, defaults: CompletionDefaults, randomSeed: UInt64, requiresLimit: Bool = true
    ) throws(APIError) -> ChatCompletionRequest {
        let fields = try FieldReader(json)
        for name in refusedFields {
            guard let value = fields.value(name), value != [] else { continue }
            throw APIError(
                .notSupported, "Field '\(name)': not supported by this version; leave the field out", field: name)
        }
        // 0 computes the prompt only, so that the next request finds it in the KV cache.
        let limit = try fields.integer("max_tokens", in: 0...Int(Int32.max))
        guard limit != nil || !requiresLimit else {
            throw .field("max_tokens", "A number of tokens is required, but the field is missing")
        }
        var reader = MessageReader()
        try reader.read(fields)
        let tools = try MessageTools.read(fields, limits: defaults.schemaCompiler.limits, marks: &reader.marks)
        let options = try options(fields, defaults: defaults, randomSeed: randomSeed)
        var request = ChatCompletionRequest(messages: reader.messages, options: options)
        request.tools = tools
        try reader.marks.check()
        try request.pin(reader.marks.messages(count: reader.messages.count))
        // The assistant's last message is the beginning of the reply.
        if let last = request.messages.last, last.role == .assistant, last.toolCalls.isEmpty {
            request.continuation = .any
        }
        try readThinking(fields, limit: limit, into: &request, defaults: defaults)
        request.options.warnings += reader.warnings
        if fields.value("context_management") != nil {
            request.options.warnings.append("context_management: the conversation is used as it was sent")
        }
        if tools.isActive, let name = request.options.textField {
            throw .field(name, "A grammar excludes tools; omit one of them, or set tool_choice to {\"type\": \"none\"}")
        }
        // Members of nested objects; the shared fields were reported with the options.
        try request.options.reportUnused(fields, defaults)
        return request
    }

    /// The options of the completion: the shared fields, with Anthropic's names for two of them.
    private static func options(
        _ fields: FieldReader, defaults: CompletionDefaults, randomSeed: UInt64
    ) throws(APIError) -> CompletionOptions {
        var members = fields.members
        for name in ownFields + foreignFields.names.map(\.foreign) { members[name] = nil }
        if let stops = try stops(fields) { members["stop"] = .array(stops) }
        if let format = try format(fields) { members["response_format"] = format }
        // All members of `metadata` are remarks.
        let metadata = try fields.object("metadata")
        _ = try metadata?.string("user_id")
        _ = metadata?.members
        _ = try fields.string("service_tier")
        var options = try CompletionOptions.shared(
            members, of: fields, foreignFields, names, defaults: defaults, randomSeed: randomSeed)
        if try fields.string("inference_geo") != nil {
            options.warnings.append("\"inference_geo\": no effect: this server computes in one place")
        }
        return options
    }

    /// `stop_sequences` as shared fields spell it; nil if there are none.
    ///
    /// The strings end the output and are no part of it.
    private static func stops(_ fields: FieldReader) throws(APIError) -> [JSONValue]? {
        guard let values = try fields.array("stop_sequences"), !values.isEmpty else { return nil }
        for (index, value) in values.enumerated() where value.stringValue?.isEmpty != false {
            throw .field(
                "stop_sequences[\(index)]",
                "Value must be a string of at least one byte, but got \(FieldReader.short(value))")
        }
        return values
    }

    /// `output_config.format`, or the older `output_format`, as shared fields spell it.
    ///
    /// Both names are read, because clients of both generations exist.
    private static func format(_ fields: FieldReader) throws(APIError) -> JSONValue? {
        let configuration = try fields.object("output_config")
        _ = try configuration?.string("effort")
        let nested = try configuration?.object("format")
        let older = try fields.object("output_format")
        // The newer field replaces the older one.
        older?.know(["type", "schema"])
        guard let format = nested ?? older else { return nil }
        guard try format.string("type") == "json_schema" else {
            let got = format.value("type").map(FieldReader.short) ?? "nothing"
            throw .field(format.path("type"), "Value must be \"json_schema\", but got \(got)")
        }
        guard let schema = try format.object("schema") else {
            throw .field(format.path("schema"), "A JSON Schema is required, but the field is missing")
        }
        return ["type": "json_schema", "json_schema": ["name": "output", "schema": .object(schema.members)]]
    }

    /// Reads `thinking` and the effort. A request without `thinking` asks for none, as at Anthropic.
    private static func readThinking(
        _ fields: FieldReader, limit: Int?, into request: inout ChatCompletionRequest, defaults: CompletionDefaults
    ) throws(APIError) {
        request.templateArguments = try fields.object("chat_template_kwargs")?.members ?? [:]
        request.reasoningBudget = defaults.reasoningBudget
        request.reasoningTurnBudget = defaults.reasoningTurnBudget
        request.reasoningMessage = defaults.reasoningMessage
        var isEnabled = false
        if let thinking = try fields.object("thinking") {
            // The budget of another type of thinking.
            thinking.know(["budget_tokens"])
            if let display = try thinking.string("display"), display != "summarized" {
                request.options.warnings.append("\"thinking.display\": no effect: thinking is always in the response")
            }
            switch try thinking.string("type") {
            case "enabled"?:
                isEnabled = true
                guard let budget = try thinking.integer("budget_tokens", in: 1...Int(Int32.max)) else {
                    throw .field(
                        "thinking.budget_tokens", "A number of tokens is required, but the field is missing")
                }
                if let limit, budget >= limit {
                    throw .field(
                        "thinking.budget_tokens", "Value must be less than max_tokens (\(limit)), but got \(budget)")
                }
                request.reasoningBudget = budget
            case "adaptive"?, "between_tools"?: isEnabled = true
            case "disabled"?: break
            default:
                let got = thinking.value("type").map(FieldReader.short) ?? "nothing"
                throw .field(
                    "thinking.type", "Value must be one of enabled, adaptive, between_tools, disabled, but got \(got)")
            }
        }
        if request.templateArguments["enable_thinking"] == nil {
            request.templateArguments["enable_thinking"] = .bool(isEnabled)
        }
        if isEnabled, let effort = try fields.object("output_config")?.string("effort") {
            // Templates know three efforts.
            request.templateArguments["reasoning_effort"] = .string(
                ["max", "xhigh"].contains(effort) ? "high" : effort)
        }
    }
}
