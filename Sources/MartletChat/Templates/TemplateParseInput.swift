package import MartletJSON
import MartletJinja
import MartletProtocol
import OrderedCollections

/// What `martlet template parse` is given: an answer, and what the model was asked.
package struct TemplateParseInput: Sendable {
    package typealias InputError = TemplateRenderInput.InputError

    /// Most bytes of an answer.
    private static let maximumOutput = 1 << 20
    /// Most bytes that are read in order to compare cuts.
    private static let maximumCutBytes = 1 << 24

    private let output: [UInt8]
    /// Where the answer is cut as `pieces` say.
    private let cuts: [Int]
    private let messages: [JSONValue]
    private let tools: [JSONValue]?
    private let offered: OfferedTools?
    private let arguments: JSONObject
    private let showsReasoning: Bool

    /// Reads `output` or `pieces` (the same in parts), and what a chat request has: `messages` (a greeting), `tools`,
    /// `kwargs`, `reasoning_format` (`auto`). `null` counts as absent; other fields are an error.
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

    /// What the answer is read as.
    package struct Result: Sendable {
        package var message: ParsedMessage
        package var explanation: OutputExplanation
        /// The family, how it was found, and the end of the prompt that the answer follows.
        package var format: String
    }

    /// The message depends on how the answer is cut: a fault of the reader.
    package struct CutError: Error, Sendable, CustomStringConvertible {
        package var description: String
    }

    /// Reads the answer as the server would for a model with the template `source`, delivered whole. The same answer,
    /// delivered byte by byte, as `pieces` say, and cut in two at every place, must be the same message. Where there
    /// are too many places, as many as fit a budget are tried, at equal distances.
    /// - Throws: `TemplateError`, or `CutError`.
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
                description: "the message depends on where the answer is cut: whole it is \(whole.json.text), "
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
