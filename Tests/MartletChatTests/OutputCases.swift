import MartletJSON
import OrderedCollections
import Testing

@testable import MartletChat

/// Cases of raw output and their messages: one file per chat format in `Outputs`.
struct OutputCases: Sendable, CustomTestStringConvertible {
    struct Case: Sendable {
        var name: String
        var output: String
        /// The end of the prompt that belongs to the output.
        var opening: String
        var showsReasoning: Bool
        /// The message without its warnings.
        var expected: JSONValue
        var warnings: [String]
        /// Whether the grammar allows the output; nil = the file does not say.
        var isAllowed: Bool?
        /// Whether the output is exactly as the format prescribes.
        var isWellFormed: Bool
    }
    let file: String
    let format: PreparedChatFormat
    let cases: [Case]

    var testDescription: String { file }

    static let tools = OfferedTools([
        OfferedTools.Tool(
            name: "get_weather",
            parameters: [
                "type": "object", "properties": ["city": ["type": "string"], "days": ["type": "integer"]],
                "required": ["city"],
            ]),
        OfferedTools.Tool(name: "now", parameters: ["type": "object", "properties": [:]]),
        OfferedTools.Tool(name: "note", parameters: ["type": "object"]),
    ])

    private static let folder =
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/") + "/Outputs"

    static let all: [OutputCases] = {
        let files = Set(ChatFormat.all.map(\.name)).union(["hunyuan-opensource"]).sorted()
        return files.compactMap { try? OutputCases(file: $0) }
    }()

    init(file: String) throws {
        self.file = file
        let json = try JSONParser.parse(TemplateFolder.read("\(Self.folder)/\(file).json") ?? [])
        let chatFormat = json["family"]?.stringValue
        let variants = ChatFormat.all.filter { $0.name == chatFormat }
        let variant = Int(json["variant"]?.integerValue ?? 0)
        var format = try #require(variant < variants.count ? variants[variant] : nil)
        if let delimiters = json["thinking"]?.arrayValue?.compactMap(\.stringValue) {
            format.reasoning = ChatFormat.Delimiters(delimiters[0], delimiters[1])
        }
        self.format = PreparedChatFormat(format)
        let opening = json["opening"]?.stringValue ?? ""
        cases = try #require(json["cases"]?.arrayValue).map { test in
            Case(
                name: try #require(test["name"]?.stringValue), output: try #require(test["output"]?.stringValue),
                opening: test["opening"]?.stringValue ?? opening,
                showsReasoning: test["reasoning_format"]?.stringValue == "none",
                expected: try #require(test["expected"]),
                warnings: test["warnings"]?.arrayValue?.compactMap(\.stringValue) ?? [],
                isAllowed: test["isAllowed"]?.boolValue, isWellFormed: test["isWellFormed"]?.boolValue ?? false)
        }
    }

    /// Whether the arguments are JSON objects.
    var writesJSON: Bool {
        switch format.format.calls?.shape {
        case .object, .nameAsKey, .headed(_, .object): true
        case .headed, nil: false
        }
    }

    func parser(_ test: Case) -> OutputParser {
        OutputParser(format, tools: Self.tools, after: test.opening, showsReasoning: test.showsReasoning)
    }

    func message(_ output: String, _ test: Case, cuts: [Int] = []) -> ParsedMessage {
        let bytes = Array(output.utf8)
        var parser = parser(test)
        var message = ParsedMessage()
        var start = 0
        for end in cuts + [bytes.count] {
            parser.append(bytes[start..<end]) { message.append($0) }
            start = end
        }
        parser.finish { message.append($0) }
        return message
    }
}
