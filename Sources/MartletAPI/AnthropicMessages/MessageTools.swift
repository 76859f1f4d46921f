import MartletConversation
import MartletJSON
import MartletSchema
import MartletStreams
import MartletText
import OrderedCollections

/// Reads `tools` and `tool_choice` of Anthropic's Messages.
enum MessageTools {
    /// - Parameter limits: of all schemas together.
    static func read(
        _ fields: FieldReader, limits: SchemaLimits, marks: inout CacheMarks
    ) throws(APIError) -> ConversationTools {
        var collector = ToolCollector(limits: limits)
        let values = try fields.array("tools") ?? []
        try ToolCollector.check(count: values.count)
        for (index, value) in values.enumerated() {
            let location = "tools[\(index)]"
            // Templates put tools into the first message.
            if try CacheControl.isMarked(value, at: location) { marks.add(message: 0) }
            try collector.append(
                try tool(value, at: location), name: "\(location).name", schema: "\(location).input_schema")
        }
        var tools = ConversationTools()
        tools.tools = collector.tools
        if let choice = try fields.object("tool_choice") { try read(choice, collector, into: &tools) }
        return tools
    }

    /// Reads one tool: a name, a description and the schema of its input.
    ///
    /// - Parameter location: the path of the tool, for messages.
    private static func tool(_ value: JSONValue, at location: String) throws(APIError) -> ConversationTools.Tool {
        guard case .object = value else {
            throw .field(location, "A tool must be an object, but is \(value.kindName)")
        }
        // Anthropic's own tools, such as web search, have other types.
        if let type = value["type"], type != "custom" {
            throw APIError(
                .notSupported,
                "Field '\(location).type': Value must be \"custom\", but got \(FieldReader.short(type))",
                field: "\(location).type")
        }
        let name = try ToolCollector.name(value["name"], at: "\(location).name")
        guard let schema = value["input_schema"] else {
            throw .field("\(location).input_schema", "A JSON schema of an object is required, but got nothing")
        }
        return ConversationTools.Tool(
            name: name,
            description: try ToolCollector.text(value["description"], at: "\(location).description") ?? "",
            parameters: try ToolCollector.parameters(schema, at: "\(location).input_schema"),
            isStrict: try ToolCollector.flag(value["strict"], at: "\(location).strict"))
    }

    /// Reads `tool_choice`. `any` and `tool` require a call, and `disable_parallel_tool_use` allows only one.
    private static func read(
        _ choice: FieldReader, _ collector: ToolCollector, into tools: inout ConversationTools
    ) throws(APIError) {
        choice.know(["name"])
        tools.allowsSeveral = try choice.bool("disable_parallel_tool_use") != true
        switch try choice.string("type") {
        case "auto"?: tools.choice = .auto
        case "none"?: tools.choice = .none
        case "any"?: tools.choice = .required
        case "tool"?:
            tools.allowed = [.init(try collector.known(choice.value("name"), at: "tool_choice.name"))]
            tools.choice = .required
        default:
            let got = choice.value("type").map(FieldReader.short) ?? "nothing"
            throw .field("tool_choice.type", "Value must be one of auto, any, tool, none, but got \(got)")
        }
        // The grammar of a required call needs at least one tool.
        if tools.choice == .required, tools.tools.isEmpty {
            throw .field("tool_choice", "A call can be required only with tools, but the request has none")
        }
    }
}
