import MartletChat
import MartletGenerations
import MartletGrammar
import MartletJSON
import MartletProtocol
import MartletStreams

/// The form of an output: plain text, a chat format with reasoning and a tool call, or text of a grammar. The begin of
/// the prompt names it, so that workers, clients and checks agree without a further field.
enum SimulatedForm: String, Sendable {
    case text
    case chat
    case grammar
    /// Words in a chat format, each of which ends as the head of a tool call begins. No call follows, so at each moment
    /// the parser withholds text.
    case heads

    /// Makes the form that a prompt asks for.
    init(of prompt: String) {
        self = [Self.chat, .grammar, .heads].first { prompt.hasPrefix($0.rawValue) } ?? .text
    }

    // MARK: Chat

    /// The real format of Hermes and Qwen, with the reasoning delimiters of Qwen 3.
    private static let format = ChatFormat.all.first { $0.name == "hermes" }.map { format in
        var format = format
        format.reasoning = ChatFormat.Delimiters("<think>", "</think>")
        return format
    }
    private static let preparedFormat = format.map { PreparedChatFormat($0) }

    /// The description of the real output parser; nil for output that is content only.
    var chatOutput: ParserDescription.ChatOutput? {
        guard self == .chat || self == .heads, let format = Self.format else { return nil }
        return ParserDescription.ChatOutput(
            format: format, tools: [OfferedTools.Tool(name: "find", parameters: ["type": "object"])], opening: "",
            continuation: "", showsReasoning: false, warnings: [])
    }

    /// The prompt as `ServedModel` would prepare it for this form.
    func prepare(_ prompt: Prompt) -> PreparedPrompt {
        var prepared = PreparedPrompt(prompt: prompt)
        prepared.constraint = constraint
        guard let chatOutput, let format = Self.preparedFormat else { return prepared }
        prepared.parserDescription.chat = chatOutput
        prepared.parser = prepared.parserDescription.parser { _ in format }
        return prepared
    }

    // MARK: Grammar

    private static let words = try? GBNFParser.grammar("root ::= [^\\n]*".utf8)

    /// The constraint of the output; nil without a grammar.
    var constraint: GenerationConstraint? {
        self == .grammar ? Self.words.map { GenerationConstraint($0) } : nil
    }
}

/// The course of an output in a chat format: reasoning, content, and for half of the prompts one tool call at the end.
struct SimulatedScript: Sendable {
    /// The tokens whose texts are delimiters.
    static let (thinkStart, thinkEnd, callStart, callEnd): (Int32, Int32, Int32, Int32) = (
        60_001, 60_002, 60_003, 60_004
    )
    private let reasoningEnd: Int
    private let call: Range<Int>?

    /// - Parameter hash: a function of the prompt.
    init(hash: UInt64) {
        reasoningEnd = 2 + Int(hash >> 8 & 7)
        let content = reasoningEnd + 2 + Int(hash >> 16 & 7)
        call = hash >> 24 & 1 == 0 ? nil : content..<(content + 2 + Int(hash >> 32 & 7))
    }

    /// The number of tokens of the output; nil = it ends as plain text does.
    var length: Int? { call.map { $0.upperBound + 1 } }

    /// The delimiter that the model writes as the token with an index; nil = it writes a word.
    func delimiter(at index: Int) -> Int32? {
        if index == 0 { return Self.thinkStart }
        if index == reasoningEnd { return Self.thinkEnd }
        guard let call else { return nil }
        if index == call.lowerBound { return Self.callStart }
        return index == call.upperBound ? Self.callEnd : nil
    }

    /// The text of a delimiter; nil for other tokens.
    static func text(of token: Int32) -> String? {
        switch token {
        case thinkStart: "<think>"
        case thinkEnd: "</think>"
        case callStart: "<tool_call>\n{\"name\": \"find\", \"arguments\": {\"word\": \""
        case callEnd: "\"}}\n</tool_call>"
        default: nil
        }
    }
}
