import MartletConversation
import MartletJSON
import MartletSchema
import MartletStreams
import MartletText

// The JSON form of tools. OpenAI's and Anthropic's spellings of the choice are accepted, because clients send either to
// the same route.
extension ConversationTools {
    /// - Parameter limits: of all schemas together.
    init(_ fields: FieldReader, limits: SchemaLimits) throws(APIError) {
        self.init()
        var collector = ToolCollector(limits: limits)
        let values = try fields.array("tools") ?? []
        try ToolCollector.check(count: values.count)
        for (index, value) in values.enumerated() {
            let location = "tools[\(index)]"
            try collector.append(
                try Self.tool(value, at: location), name: "\(location).function.name",
                schema: "\(location).function.parameters")
        }
        let functions = try fields.array("functions") ?? []
        guard functions.isEmpty || values.isEmpty else {
            throw .field("functions", "Only one of 'tools' and 'functions' is allowed, but got both")
        }
        try ToolCollector.check(count: functions.count)
        for (index, value) in functions.enumerated() {
            let location = "functions[\(index)]"
            try collector.append(
                try Self.function(value, [:], at: location), name: "\(location).name",
                schema: "\(location).parameters")
        }
        tools = collector.tools
        // OpenAI's older form has one call.
        allowsSeveral = try fields.bool("parallel_tool_calls") ?? functions.isEmpty
        if let value = fields.value("tool_choice") { try readChoice(value, collector) }
        if let value = fields.value("function_call") { try readFunctionCall(value, collector) }
    }

    // MARK: Tools

    /// Validates one element of `tools`. The template sees all of its members.
    private static func tool(_ value: JSONValue, at location: String) throws(APIError) -> Tool {
        guard case .object(let members) = value else {
            throw .field(location, "A tool must be an object, but is \(value.kindName)")
        }
        // OpenAI's built-in tools, such as web search, have other types.
        if let type = value["type"], type != "function" {
            throw APIError(
                .notSupported,
                "Field '\(location).type': Value must be \"function\", but got \(FieldReader.short(type))",
                field: "\(location).type")
        }
        guard let function = value["function"], case .object = function else {
            let got = value["function"].map(\.kindName) ?? "nothing"
            throw .field("\(location).function", "An object is required, but got \(got)")
        }
        return try Self.function(function, members, at: "\(location).function")
    }

    /// Validates a function.
    /// - Parameter others: members of the tool beside the function, for the template.
    private static func function(
        _ function: JSONValue, _ others: JSONObject, at path: String
    ) throws(APIError) -> Tool {
        guard case .object(var functionMembers) = function else {
            throw .field(path, "A function must be an object, but is \(function.kindName)")
        }
        let name = try ToolCollector.name(function["name"], at: "\(path).name")
        let description = try ToolCollector.text(function["description"], at: "\(path).description")
        let strict = try ToolCollector.flag(function["strict"], at: "\(path).strict")
        let parameters = try ToolCollector.parameters(function["parameters"], at: "\(path).parameters")
        var tool = Tool(name: name, description: description ?? "", parameters: parameters, isStrict: strict)
        var members = others
        members["type"] = "function"
        functionMembers["parameters"] = tool.templateForm["function"]?["parameters"]
        if description == nil { functionMembers["description"] = "" }
        members["function"] = .object(functionMembers)
        tool.templateForm = .object(members)
        return tool
    }

    // MARK: Choice

    /// Reads `function_call`, the older form of `tool_choice`.
    private mutating func readFunctionCall(_ value: JSONValue, _ collector: ToolCollector) throws(APIError) {
        switch value {
        case "auto": choice = .auto
        case "none": choice = .none
        case .object:
            allowed = [ExactString(try collector.known(value["name"], at: "function_call.name"))]
            choice = .required
        default:
            throw .field(
                "function_call",
                "Value must be \"auto\", \"none\" or an object with a name, but got \(FieldReader.short(value))")
        }
    }

    /// Reads `tool_choice`.
    private mutating func readChoice(_ value: JSONValue, _ collector: ToolCollector) throws(APIError) {
        switch value {
        case .string(let word): choice = try Self.mode(word, at: "tool_choice", alsoNone: true)
        case .object: try readObject(value, collector)
        default: throw .field("tool_choice", "Value must be a string or an object, but is \(value.kindName)")
        }
        // The grammar of a required call needs at least one tool.
        if choice == .required, tools.isEmpty {
            throw .field("tool_choice", "A call can be required only with tools, but the request has none")
        }
    }

    /// Reads an object of OpenAI or Anthropic.
    private mutating func readObject(_ value: JSONValue, _ collector: ToolCollector) throws(APIError) {
        // Anthropic's field for `parallel_tool_calls: false`.
        if value["disable_parallel_tool_use"]?.boolValue == true { allowsSeveral = false }
        let type = value["type"]?.stringValue ?? (value["function"] == nil ? nil : "function")
        switch type {
        case "function"?, "tool"?:
            let name = value["function"]?["name"] ?? value["name"]
            allowed = [ExactString(try collector.known(name, at: "tool_choice.function.name"))]
            choice = .required
            allowsSeveral = false
        case let word? where Self.words[word] != nil:
            choice = try Self.mode(word, at: "tool_choice.type", alsoNone: true)
        case "allowed_tools"?:
            let location = "tool_choice.allowed_tools"
            // Some clients omit the nested object.
            let list = value["allowed_tools"] ?? value
            choice = try Self.mode(list["mode"]?.stringValue ?? "auto", at: "\(location).mode", alsoNone: false)
            guard let entries = list["tools"]?.arrayValue, !entries.isEmpty else {
                throw .field("\(location).tools", "A list of at least one tool is required")
            }
            var result: Set<ExactString> = []
            for (index, entry) in entries.enumerated() {
                let name = entry["function"]?["name"] ?? entry["name"]
                result.insert(try collector.known(name, at: "\(location).tools[\(index)].function.name"))
            }
            allowed = result
        default:
            let got = value["type"].map(FieldReader.short) ?? "nothing"
            throw .field(
                "tool_choice.type",
                "Value must be one of function, allowed_tools, none, auto, required, but got \(got)")
        }
    }

    /// OpenAI's words, and Anthropic's "any" for "required".
    private static var words: [String: Choice] {
        ["none": .none, "auto": .auto, "required": .required, "any": .required]
    }

    /// A choice by its word.
    private static func mode(_ word: String, at location: String, alsoNone: Bool) throws(APIError) -> Choice {
        guard let choice = words[word], alsoNone || choice != .none else {
            let known = alsoNone ? "none, auto, required" : "auto, required"
            throw .field(location, "Value must be one of \(known), but got \(FieldReader.short(.string(word)))")
        }
        return choice
    }
}
