import MartletConversation
import MartletJSON
import MartletSchema
import MartletStreams
import MartletText

/// Collects the tools of one request with the rules that all dialects share.
///
/// A dialect passes the path of each field, so that an error has the dialect's names.
struct ToolCollector {
    /// The most tools of one request.
    private static let countLimit = 1_024
    /// Bytes of a name.
    private static let nameLimit = 256

    /// The tools so far. Their names differ.
    private(set) var tools: [ConversationTools.Tool] = []
    /// The names of the tools.
    private(set) var names: Set<ExactString> = []
    /// The schemas share one budget, and the grammar of all calls is made of them.
    private var size = SchemaSize()
    private let limits: SchemaLimits

    /// - Parameter limits: of all schemas together, so that many small schemas are no way around the limit of one.
    init(limits: SchemaLimits) { self.limits = limits }

    /// - Throws: if the request has too many tools.
    static func check(count: Int) throws(APIError) {
        guard count <= countLimit else {
            throw .field("tools", "At most \(countLimit) tools are allowed, but got \(count)")
        }
    }

    /// Adds a tool.
    /// - Throws: if the schemas together are too large, or if the name occurs twice: it identifies a tool in the output.
    mutating func append(_ tool: ConversationTools.Tool, name: String, schema: String) throws(APIError) {
        do throws(SchemaError) {
            try size.add(tool.parameters, limits: limits)
        } catch {
            throw APIError(error, field: schema, of: "All tools up to \"\(tool.name)\"")
        }
        guard names.insert(tool.name) else {
            throw .field(name, "Names must differ, but \"\(tool.name)\" occurs twice")
        }
        tools.append(tool)
    }

    /// A name of letters, digits and `_ - . / :`, at most 256 bytes.
    static func name(_ value: JSONValue?, at location: String) throws(APIError) -> String {
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
    static func parameters(_ value: JSONValue?, at location: String) throws(APIError) -> JSONObject {
        guard let value else { return ["type": "object", "properties": [:]] }
        guard case .object(var members) = value else {
            throw .field(location, "A JSON schema of an object is required, but got \(value.kindName)")
        }
        // A schema without a type describes the arguments, which are an object. The compiler treats another type as any
        // keyword that it does not support.
        if members["type"] == nil { members["type"] = "object" }
        return members
    }

    /// A text of a tool, such as its description; nil if it is absent.
    static func text(_ value: JSONValue?, at location: String) throws(APIError) -> String? {
        guard let value else { return nil }
        guard let text = value.stringValue else {
            throw .field(location, "Value must be a string, but is \(value.kindName)")
        }
        return text
    }

    /// A switch of a tool; nil if it is absent.
    /// - Parameter location: the path of the member, for messages.
    static func flag(_ value: JSONValue?, at location: String) throws(APIError) -> Bool? {
        guard let value else { return nil }
        guard let flag = value.boolValue else {
            throw .field(location, "Value must be a boolean, but is \(value.kindName)")
        }
        return flag
    }

    /// The name of a tool of the request, as `tool_choice` has it.
    /// - Throws: `invalidRequest` if no tool of the request has the name.
    func known(_ value: JSONValue?, at location: String) throws(APIError) -> String {
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
