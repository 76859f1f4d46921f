import MartletConversation
import MartletJSON
import MartletSchema
import MartletStreams
import MartletText

// The JSON form of tools. OpenAI's and Anthropic's spellings of the choice are accepted, because clients send either to
// the same route.
extension ConversationTools {
    /// The most tools of one request.
    private static var countLimit: Int { 1_024 }
    /// Bytes of a name.
    private static var nameLimit: Int { 256 }

    /// - Parameter limits: of all schemas together, so that many small schemas are no way around the limit of one.
    init(_ fields: FieldReader, limits: SchemaLimits) throws(APIError) {
        self.init()
        var names: Set<ExactString> = []
        let values = try fields.array("tools") ?? []
        guard values.count <= Self.countLimit else {
            throw .field("tools", "At most \(Self.countLimit) tools are allowed, but got \(values.count)")
        }
        // The schemas share one budget, and the grammar of all calls is made of them.
        var size = SchemaSize()
        for (index, value) in values.enumerated() {
            let tool = try Self.tool(value, at: "tools[\(index)]")
            do throws(SchemaError) {
                try size.add(tool.parameters, limits: limits)
            } catch {
                throw APIError(
                    error, field: "tools[\(index)].function.parameters", of: "All tools up to \"\(tool.name)\"")
            }
            // A name identifies a tool in the output, so it must be unique.
            guard names.insert(tool.name) else {
                throw .field(
                    "tools[\(index)].function.name", "Names must differ, but \"\(tool.name)\" occurs twice")
            }
            tools.append(tool)
        }
        allowsSeveral = try fields.bool("parallel_tool_calls") ?? true
        if let value = fields.value("tool_choice") { try readChoice(value, names) }
    }

    // MARK: Tools

    /// Validates one element of `tools`.
    private static func tool(_ value: JSONValue, at location: String) throws(APIError) -> Tool {
        guard case .object(var members) = value else {
            throw .field(location, "A tool must be an object, but is \(value.kindName)")
        }
        // OpenAI's built-in tools, such as web search, have other types.
        if let type = value["type"], type != "function" {
            throw APIError(
                .notSupported,
                "Field '\(location).type': Value must be \"function\", but got \(FieldReader.short(type))",
                field: "\(location).type")
        }
        guard let function = value["function"], case .object(var functionMembers) = function else {
            throw .field("\(location).function", "An object is required, but got \(kind(value["function"]))")
        }
        let path = "\(location).function"
        let name = try name(function["name"], at: "\(path).name")
        if let description = function["description"], description.stringValue == nil {
            throw .field("\(path).description", "Value must be a string, but is \(description.kindName)")
        }
        if let strict = function["strict"], strict.boolValue == nil {
            throw .field("\(path).strict", "Value must be a boolean, but is \(strict.kindName)")
        }
        let parameters = try parameters(function["parameters"], at: "\(path).parameters")
        // Templates read these members without a check.
        members["type"] = "function"
        var templateSchema = parameters.objectValue ?? [:]
        if templateSchema["properties"]?.objectValue == nil { templateSchema["properties"] = [:] }
        if templateSchema["type"] != "object" { templateSchema["type"] = "object" }
        functionMembers["parameters"] = .object(templateSchema)
        if function["description"] == nil { functionMembers["description"] = "" }
        members["function"] = .object(functionMembers)
        return Tool(
            name: name, parameters: parameters, isStrict: function["strict"]?.boolValue,
            templateForm: .object(members))
    }

    private static func kind(_ value: JSONValue?) -> String { value.map(\.kindName) ?? "nothing" }

    /// A name of letters, digits and `_ - . / :`, at most 256 bytes.
    private static func name(_ value: JSONValue?, at location: String) throws(APIError) -> String {
        guard let name = value?.stringValue, !name.isEmpty else {
            throw .field(location, "A name is required, but got \(value.map(FieldReader.short) ?? "nothing")")
        }
        guard name.utf8.count <= nameLimit else {
            throw .field(location, "At most \(nameLimit) bytes are allowed, but got \(name.utf8.count)")
        }
        // The first character that is not allowed decides.
        for scalar in name.unicodeScalars where !isAllowed(scalar) {
            throw .field(
                location, "Value must be letters, digits and _ - . / :, but got \(FieldReader.short(.string(name)))")
        }
        return name
    }

    /// Whether a character is allowed in a name: no chat format gives it a meaning.
    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_", "-", ".", "/", ":": true
        default: scalar.properties.isAlphabetic && !scalar.isASCII
        }
    }

    /// The schema of the arguments; without one, any object.
    private static func parameters(_ value: JSONValue?, at location: String) throws(APIError) -> JSONValue {
        guard let value else { return ["type": "object", "properties": [:]] }
        guard case .object(var members) = value else {
            throw .field(location, "A JSON schema of an object is required, but got \(value.kindName)")
        }
        // A schema without a type describes the arguments, which are an object. The compiler treats another type as any
        // keyword that it does not support.
        if members["type"] == nil { members["type"] = "object" }
        return .object(members)
    }

    // MARK: Choice

    /// Reads `tool_choice`.
    private mutating func readChoice(_ value: JSONValue, _ names: Set<ExactString>) throws(APIError) {
        switch value {
        case .string(let word): choice = try Self.mode(word, at: "tool_choice", alsoNone: true)
        case .object: try readObject(value, names)
        default: throw .field("tool_choice", "Value must be a string or an object, but is \(value.kindName)")
        }
        // The grammar of a required call needs at least one tool.
        if choice == .required, tools.isEmpty {
            throw .field("tool_choice", "A call can be required only with tools, but the request has none")
        }
    }

    /// Reads an object of OpenAI or Anthropic.
    private mutating func readObject(_ value: JSONValue, _ names: Set<ExactString>) throws(APIError) {
        // Anthropic's field for `parallel_tool_calls: false`.
        if value["disable_parallel_tool_use"]?.boolValue == true { allowsSeveral = false }
        let type = value["type"]?.stringValue ?? (value["function"] == nil ? nil : "function")
        switch type {
        case "function"?, "tool"?:
            let name = value["function"]?["name"] ?? value["name"]
            allowed = [ExactString(try Self.known(name, names, at: "tool_choice.function.name"))]
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
                result.insert(try Self.known(name, names, at: "\(location).tools[\(index)].function.name"))
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

    /// The name of a tool of the request.
    private static func known(_ value: JSONValue?, _ names: Set<ExactString>, at location: String) throws(APIError)
        -> String
    {
        guard let name = value?.stringValue else {
            throw .field(location, "The name of a tool is required, but got \(value.map(\.kindName) ?? "nothing")")
        }
        guard names.contains(name) else {
            throw .field(
                location, "Value must be the name of a tool in \"tools\", but got \(FieldReader.short(.string(name)))")
        }
        return name
    }
}
