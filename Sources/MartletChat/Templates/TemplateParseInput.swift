package import MartletJSON
import MartletJinja
import MartletProtocol
import OrderedCollections

/// The input of `martlet template parse`: an output, and the request that it answers.
///
///     {"output": "<think>Hm.</think>Yes.", "tools": […], "reasoning_format": "auto"}
package struct TemplateParseInput: Sendable {
    /// The same error as for rendering: field, rule, value.
    package typealias InputError = TemplateRenderInput.InputError

    /// Most bytes of the output.
    private static let maximumOutput = 1 << 20
    /// Most bytes that are parsed in order to compare cuts; about a second.
    private static let maximumCutBytes = 1 << 24

    private let output: [UInt8]
    /// The offsets at which `pieces` cut the output.
    private let cuts: [Int]
    private let messages: [JSONValue]
    private let tools: [JSONValue]?
    private let offered: OfferedTools?
    private let arguments: JSONObject
    private let showsReasoning: Bool

    /// Decodes the input.
    ///
    /// Fields: `output` or `pieces` (the same in parts), and as in a chat request `messages` (default: a greeting),
    /// `tools`, `kwargs`, `reasoning_format` (default: `auto`). `null` counts as absent. Another field is an error.
    package init(_ json: JSONValue) throws(InputError) {
        let fields = try InputFields(
            json, known: ["output", "tools", "messages", "kwargs", "reasoning_format", "pieces"])
        let pieces = try fields.value("pieces", "an array of strings") { value in
            value.arrayValue.flatMap { items in
                let texts = items.compactMap(\.stringValue)
                return texts.count == items.count ? texts : nil
            }
        }
        let whole = try fields.value("output", "a string", \.stringValue)
        guard let text = whole ?? pieces?.joined() else { throw InputError(message: "'output' is missing") }
        if let pieces, pieces.joined() != text {
            throw InputError(message: "'pieces' must join to 'output', but they join to another text")
        }
        output = Array(text.utf8)
        guard output.count <= Self.maximumOutput else {
            throw InputError(
                message: "'output' must have at most \(Self.maximumOutput) bytes, not \(output.count)")
        }
        var cuts: [Int] = []
        for piece in pieces ?? [] { cuts.append((cuts.last ?? 0) + piece.utf8.count) }
        self.cuts = cuts.dropLast()
        messages =
            try fields.value("messages", "an array", \.arrayValue) ?? [["role": "user", "content": "Hello"]]
        tools = try fields.value("tools", "an array", \.arrayValue).flatMap { $0.isEmpty ? nil : $0 }
        offered = try tools.map { tools throws(InputError) in OfferedTools(try Self.offered(tools)) }
        arguments = try fields.value("kwargs", "an object", \.objectValue) ?? [:]
        let format = try fields.value("reasoning_format", "a string", \.stringValue) ?? "auto"
        let known = ["none", "auto", "deepseek"]
        guard known.contains(format) else {
            throw InputError(
                message: "'reasoning_format' must be one of \(known.joined(separator: ", ")), not \"\(format)\"")
        }
        showsReasoning = format == "none"
    }

    /// The tools by name and parameters, without the checks of a chat request.
    private static func offered(_ tools: [JSONValue]) throws(InputError) -> [OfferedTools.Tool] {
        var offered: [OfferedTools.Tool] = []
        for (index, tool) in tools.enumerated() {
            guard let name = tool["function"]?["name"]?.stringValue, !name.isEmpty else {
                throw InputError(message: "'tools[\(index)].function.name' must be a string that is not empty")
            }
            offered.append(OfferedTools.Tool(name: name, parameters: tool["function"]?["parameters"] ?? .null))
        }
        return offered
    }

    /// The result of parsing the output.
    package struct Result: Sendable {
        /// The message in which the output results.
        package var message: ParsedMessage
        /// The parts of the output, for `--explain`.
        package var explanation: OutputExplanation
        /// The format, how it was found, and the end of the prompt in front of the output.
        package var format: String
    }

    /// The message depends on how the output is cut. This is a fault of the output parser.
    package struct CutError: Error, Sendable, CustomStringConvertible {
        package var description: String
    }

    /// Parses the output as the server would for a model with the template `source`.
    ///
    /// The output is parsed whole, byte by byte, as cut by `pieces`, and cut in two at every offset. All results must
    /// be equal. If there are too many offsets, as many as fit `maximumCutBytes` are tested, at equal distances.
    /// - Throws: `TemplateError` for the template or the messages; `CutError` if results differ.
    package func parse(source: String) throws -> Result {
        let template = try ChatTemplate(source: source, beginningToken: "", endToken: "")
        let prompt = try template.render(messages: messages, tools: tools, arguments: arguments)
        let parser = OutputParser(
            template.format, tools: offered, after: prompt.opening, continuing: prompt.continuation,
            showsReasoning: showsReasoning)
        let whole = message(by: parser, cuts: [])
        func check(_ cuts: [Int], _ label: String) throws {
            let cut = message(by: parser, cuts: cuts)
            guard cut != whole else { return }
            throw CutError(
                description: "the message depends on where the output is cut: whole it is \(whole.json.text), "
                    + "\(label) it is \(cut.json.text)")
        }
        try check(Array(output.indices.dropFirst()), "byte by byte")
        if !cuts.isEmpty { try check(cuts, "in the given pieces") }
        let step = max(1, output.count * output.count / Self.maximumCutBytes)
        for position in stride(from: 1, to: output.count, by: step) {
            try check([position], "cut behind byte \(position)")
        }
        return Result(
            message: whole, explanation: OutputExplanation(of: output, by: parser),
            format: "\(template.format.format.name), found by \(template.formatSource.rawValue), behind "
                + prompt.opening.debugDescription)
    }

    /// The message that results if the output is appended in pieces that end at `cuts`.
    private func message(by parser: OutputParser, cuts: [Int]) -> ParsedMessage {
        var parser = parser
        var message = ParsedMessage()
        var start = 0
        for end in cuts + [output.count] {
            parser.append(output[start..<end]) { message.append($0) }
            start = end
        }
        parser.finish { message.append($0) }
        return message
    }
}
