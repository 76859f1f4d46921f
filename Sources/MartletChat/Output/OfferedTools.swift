package import MartletJSON
import MartletSchema
internal import MartletText

/// The tools that a model may call, as the output parser and the grammar need them.
///
/// Names are compared by bytes. Of tools with equal names the first counts.
package struct OfferedTools: Sendable, Equatable {
    /// One offered tool.
    package struct Tool: Sendable, Equatable {
        package var name: String
        /// A JSON Schema of an object; `null` = any arguments.
        package var parameters: JSONValue
        /// Whether the schema is enforced in full (`strict: true`), or unsupported keywords are ignored (`false`). nil
        /// = the default of schemas.
        package var isStrict: Bool?

        package init(name: String, parameters: JSONValue, isStrict: Bool? = nil) {
            self.name = name
            self.parameters = parameters
            self.isStrict = isStrict
        }
    }
    package let tools: [Tool]
    private let numbers: [ExactString: Int]

    /// The tools in the order of the request; their index is their number.
    package init(_ tools: [Tool]) {
        self.tools = tools
        numbers = Dictionary(
            tools.enumerated().map { (ExactString($1.name), $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The number of the tool with this name; nil if it was not offered.
    func number(of name: String) -> Int? { numbers[name] }

    /// Whether the tool's schema names the argument `key`.
    func names(_ key: String, inTool number: Int) -> Bool {
        tools[number].parameters["properties"]?.objectValue?[key] != nil
    }

    /// The location of the argument `key` in the tool's schema.
    func location(of key: String, inTool number: Int) -> SchemaLocation {
        SchemaLocation(root: tools[number].parameters).member(key)
    }

    /// The location of arguments that the tool's schema does not name (`additionalProperties`).
    func locationOfOthers(inTool number: Int) -> SchemaLocation {
        SchemaLocation(root: tools[number].parameters).otherMember
    }
}

/// The text of an argument between tags.
enum ArgumentText {
    /// The JSON of a text: a JSON or Python literal if the schema allows its type, else a string.
    ///
    /// `5` is a number unless the schema says string; `True` is `true`; `five` is `"five"`. Without a schema a literal
    /// wins.
    static func json(_ text: [UInt8], as types: JSONTypes) -> [UInt8] {
        if types != .string {
            for dialect in [ArgumentTranscriber.Dialect.json, .python] {
                guard let bytes = transcribed(text, dialect), let value = try? JSONParser.parse(bytes) else { continue }
                let type = JSONTypes(of: value)
                // A text in quotes is a string that contains quotes: strings stand between tags as they are.
                if type == .string { break }
                if !type.isDisjoint(with: types) || !types.contains(.string) { return bytes }
            }
        }
        var bytes: [UInt8] = []
        JSONText.appendString(text, to: &bytes)
        return bytes
    }

    /// The text as JSON in this notation. nil = it is not exactly one value.
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
