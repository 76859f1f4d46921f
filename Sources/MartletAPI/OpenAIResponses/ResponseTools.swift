import MartletConversation
import MartletJSON
import MartletSchema
import MartletStreams
import MartletText
import OrderedCollections

/// Reads `tools` and `tool_choice` of OpenAI's Responses, and maps the model's calls back to them.
///
/// The model knows functions only. A `custom` tool becomes a function with one text, `input`; the functions of a
/// `namespace` get its name in front. Tools that OpenAI's servers run are left out with a warning, because clients list
/// them by default.
enum ResponseTools {
    /// Types of tools that OpenAI's servers or particular clients run.
    private static let hosted: Set<String> = [
        "web_search", "web_search_preview", "file_search", "code_interpreter", "image_generation", "computer_use",
        "computer_use_preview", "mcp", "local_shell", "shell", "apply_patch", "tool_search",
    ]

    /// Whether OpenAI's servers or particular clients run the tools of a type.
    private static func isHosted(_ type: String) -> Bool {
        hosted.contains(type) || type.hasPrefix("web_search_preview_")
    }

    /// The form in which a client knows a tool.
    enum Form: Sendable, Equatable {
        case function
        /// A tool whose input is a text.
        case custom
        /// A function of a namespace, by its name there.
        case member(name: String, namespace: String)
    }

    /// The model's name of a tool.
    static func name(_ name: String, in namespace: String? = nil) -> String {
        guard let namespace else { return name }
        return namespace.hasSuffix("__") ? namespace + name : "\(namespace)__\(name)"
    }

    /// The forms of the tools of a request that was accepted, by the model's names. Plain functions are left out.
    static func forms(of body: JSONValue) -> [ExactString: Form] {
        var forms: [ExactString: Form] = [:]
        for tool in body["tools"]?.arrayValue ?? [] {
            let name = tool["name"]?.stringValue ?? ""
            switch tool["type"] {
            case "custom"?: forms[name] = .custom
            case "namespace"?:
                for member in tool["tools"]?.arrayValue ?? [] {
                    let own = member["name"]?.stringValue ?? ""
                    forms[Self.name(own, in: name)] = .member(name: own, namespace: name)
                }
            default: break
            }
        }
        return forms
    }

    /// - Parameter limits: of all schemas together.
    /// - Returns: the tools, and one sentence for each tool that was left out.
    static func read(
        _ fields: FieldReader, limits: SchemaLimits
    ) throws(APIError) -> (ConversationTools, warnings: [String]) {
        var collector = ToolCollector(limits: limits)
        var warnings: [String] = []
        let values = try fields.array("tools") ?? []
        try ToolCollector.check(count: values.count)
        for (index, value) in values.enumerated() {
            try append(value, at: "tools[\(index)]", to: &collector, &warnings)
        }
        try ToolCollector.check(count: collector.tools.count)
        var tools = ConversationTools()
        tools.tools = collector.tools
        tools.allowsSeveral = try fields.bool("parallel_tool_calls") ?? true
        if let choice = fields.value("tool_choice") { try read(choice, collector, into: &tools) }
        return (tools, warnings)
    }

    /// Reads one element of `tools`, which may have several functions, and adds them.
    ///
    /// - Parameter warnings: gets one sentence for a tool that was left out.
    private static func append(
        _ value: JSONValue, at location: String, to collector: inout ToolCollector, _ warnings: inout [String]
    ) throws(APIError) {
        guard case .object = value else {
            throw .field(location, "A tool must be an object, but is \(value.kindName)")
        }
        switch value["type"]?.stringValue {
        case "function"?:
            try collector.append(
                try function(value, in: nil, at: location), name: "\(location).name", schema: "\(location).parameters")
        case "custom"?:
            try collector.append(
                try custom(value, at: location), name: "\(location).name", schema: "\(location).format")
        case "namespace"?:
            let namespace = try ToolCollector.name(value["name"], at: "\(location).name")
            guard let members = value["tools"]?.arrayValue else {
                throw .field("\(location).tools", "A list of tools is required")
            }
            for (index, member) in members.enumerated() {
                let place = "\(location).tools[\(index)]"
                guard member["type"] == nil || member["type"] == "function" else {
                    throw .field(
                        "\(place).type",
                        "Value must be \"function\", but got \(FieldReader.short(member["type"] ?? .null))")
                }
                try collector.append(
                    try function(member, in: namespace, at: place), name: "\(place).name", schema: "\(place).parameters"
                )
            }
        case let type? where isHosted(type):
            warnings.append("\(location): a tool of type \"\(type)\" is not available here; it was left out")
        default:
            let got = value["type"].map(FieldReader.short) ?? "nothing"
            throw APIError(
                .notSupported, "Field '\(location).type': Value must be function, custom or namespace, but got \(got)",
                field: "\(location).type")
        }
    }

    /// Reads a function. Its model's name begins with the namespace, if it has one.
    private static func function(
        _ value: JSONValue, in namespace: String?, at location: String
    ) throws(APIError) -> ConversationTools.Tool {
        ConversationTools.Tool(
            name: name(try ToolCollector.name(value["name"], at: "\(location).name"), in: namespace),
            description: try ToolCollector.text(value["description"], at: "\(location).description") ?? "",
            parameters: try ToolCollector.parameters(value["parameters"], at: "\(location).parameters"),
            isStrict: try ToolCollector.flag(value["strict"], at: "\(location).strict"))
    }

    /// A function with the text `input`. A grammar of the text becomes part of its description.
    private static func custom(_ value: JSONValue, at location: String) throws(APIError) -> ConversationTools.Tool {
        let name = try ToolCollector.name(value["name"], at: "\(location).name")
        var description = try ToolCollector.text(value["description"], at: "\(location).description") ?? ""
        if let format = value["format"] {
            guard let type = format["type"]?.stringValue, ["text", "grammar"].contains(type) else {
                throw .field(
                    "\(location).format.type",
                    "Value must be one of text, grammar, but got \(format["type"].map(FieldReader.short) ?? "nothing")")
            }
            if let definition = format["definition"]?.stringValue {
                description += "\nThe input follows this grammar:\n" + definition
            }
        }
        return ConversationTools.Tool(
            name: name, description: description,
            parameters: [
                "type": "object", "properties": ["input": ["type": "string"]], "required": ["input"],
                "additionalProperties": false,
            ])
    }

    // MARK: Choice

    /// Reads `tool_choice`: a word or an object.
    private static func read(
        _ value: JSONValue, _ collector: ToolCollector, into tools: inout ConversationTools
    ) throws(APIError) {
        switch value {
        case .string(let word): tools.choice = try mode(word, at: "tool_choice", alsoNone: true)
        case .object: try readObject(value, collector, into: &tools)
        default: throw .field("tool_choice", "Value must be a string or an object, but is \(value.kindName)")
        }
        // The grammar of a required call needs at least one tool.
        if tools.choice == .required, tools.tools.isEmpty {
            throw .field("tool_choice", "A call can be required only with tools, but the request has none")
        }
    }

    /// Reads a `tool_choice` that names one tool, or some of them.
    private static func readObject(
        _ value: JSONValue, _ collector: ToolCollector, into tools: inout ConversationTools
    ) throws(APIError) {
        switch value["type"]?.stringValue {
        case "function"?, "custom"?:
            tools.allowed = [ExactString(try known(value, collector, at: "tool_choice.name"))]
            tools.choice = .required
            tools.allowsSeveral = false
        case "allowed_tools"?:
            tools.choice = try mode(value["mode"]?.stringValue ?? "auto", at: "tool_choice.mode", alsoNone: false)
            guard let entries = value["tools"]?.arrayValue, !entries.isEmpty else {
                throw .field("tool_choice.tools", "A list of at least one tool is required")
            }
            var allowed: Set<ExactString> = []
            for (index, entry) in entries.enumerated() where !isHosted(entry["type"]?.stringValue ?? "") {
                allowed.insert(try known(entry, collector, at: "tool_choice.tools[\(index)].name"))
            }
            guard tools.choice != .required || !allowed.isEmpty else {
                throw .field("tool_choice.tools", "A call can be required only if one of the tools is available here")
            }
            // Nothing but tools that were left out.
            if allowed.isEmpty { tools.choice = .none }
            tools.allowed = allowed
        default:
            let got = value["type"].map(FieldReader.short) ?? "nothing"
            throw .field("tool_choice.type", "Value must be one of function, custom, allowed_tools, but got \(got)")
        }
    }

    /// The model's name of a tool that `tool_choice` names.
    private static func known(
        _ value: JSONValue, _ collector: ToolCollector, at location: String
    ) throws(APIError) -> String {
        guard let namespace = value["namespace"]?.stringValue, let own = value["name"]?.stringValue else {
            return try collector.known(value["name"], at: location)
        }
        return try collector.known(.string(name(own, in: namespace)), at: location)
    }

    /// A choice by its word.
    private static func mode(
        _ word: String, at location: String, alsoNone: Bool
    ) throws(APIError) -> ConversationTools.Choice {
        switch word {
        case "auto": return .auto
        case "required": return .required
        case "none" where alsoNone: return .none
        default:
            let known = alsoNone ? "none, auto, required" : "auto, required"
            throw .field(location, "Value must be one of \(known), but got \(FieldReader.short(.string(word)))")
        }
    }
}
