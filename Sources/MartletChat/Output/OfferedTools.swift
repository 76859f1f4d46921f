package import MartletJSON
import MartletSchema
internal import MartletText

/// The tools that a model may call, as a reader of its answer needs to know them.
package struct OfferedTools: Sendable, Equatable {
    package struct Tool: Sendable, Equatable {
        package var name: String
        /// A JSON schema of an object; `null` = no arguments are described.
        package var parameters: JSONValue
        /// Whether arguments follow the schema in every point, or what cannot be honoured is left out; `nil` = as it is
        /// for other schemas.
        package var isStrict: Bool?

        package init(name: String, parameters: JSONValue, isStrict: Bool? = nil) {
            self.name = name
            self.parameters = parameters
            self.isStrict = isStrict
        }
    }
    package let tools: [Tool]
    private let numbers: [ExactString: Int]

    package init(_ tools: [Tool]) {
        self.tools = tools
        numbers = Dictionary(
            tools.enumerated().map { (ExactString($1.name), $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The tool of that name.
    func number(of name: String) -> Int? { numbers[name] }

    /// Whether a tool's schema names the argument `key`.
    func names(_ key: String, inTool number: Int) -> Bool {
        tools[number].parameters["properties"]?.objectValue?[key] != nil
    }

    /// What is known of the argument `key` of a tool.
    func location(of key: String, inTool number: Int) -> SchemaLocation {
        SchemaLocation(root: tools[number].parameters).member(key)
    }

    /// What is known of those of a tool's arguments that its schema does not name.
    func locationOfOthers(inTool number: Int) -> SchemaLocation {
        SchemaLocation(root: tools[number].parameters).otherMember
    }
}

/// The text of an argument's value, as tags hold it.
enum ArgumentText {
    /// The JSON of it: what it says as JSON or as Python's literal, if the argument may be of that kind, else a string.
    static func json(_ text: [UInt8], as types: JSONTypes) -> [UInt8] {
        if types != .string {
            for dialect in [ArgumentTranscriber.Dialect.json, .python] {
                guard let bytes = transcribed(text, dialect), let value = try? JSONParser.parse(bytes) else { continue }
                let type = JSONTypes(of: value)
                // Strings stand there as they are, without quotes.
                if type == .string { break }
                if !type.isDisjoint(with: types) || !types.contains(.string) { return bytes }
            }
        }
        var bytes: [UInt8] = []
        JSONText.appendString(text, to: &bytes)
        return bytes
    }

    /// - Returns: `nil` when the text is more or less than one value.
    private static func transcribed(_ text: [UInt8], _ dialect: ArgumentTranscriber.Dialect) -> [UInt8]? {
        var transcriber = ArgumentTranscriber(dialect)
        var output: [UInt8] = []
        var isDone = false
        for byte in text {
            if isDone {
                guard ArgumentTranscriber.isSpace(byte) else { return nil }
                continue
            }
            switch transcriber.consume(byte, into: &output) {
            case .more: break
            case .done(let isConsumed):
                isDone = true
                if !isConsumed, !ArgumentTranscriber.isSpace(byte) { return nil }
            case .failed: return nil
            }
        }
        return isDone || transcriber.finish(into: &output) ? output : nil
    }
}
