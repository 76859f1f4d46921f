import MartletJSON
import MartletJinja
import MartletProtocol
import OrderedCollections

/// Finds out how the model of a template writes its answers.
///
/// By what the template does, not by its words: a family is taken when the assistant's turn that the template renders
/// for a message with calls parses back to those calls. What no known family reads is taken apart by
/// `ChatFormatAnalysis`; a template that does not show past calls is recognised by phrases in what it renders of tools,
/// then in its source.
struct ChatFormatRecognition {
    let probe: TemplateProbe
    let capabilities: TemplateCapabilities
    /// What the template puts thinking between, as far as that is found without knowing the family.
    let delimiters: ReasoningDelimiters?

    /// The form, and how it was found.
    func format() -> (ChatFormat, TemplateAnalysisSource) {
        let (format, source) = calls()
        return (withReasoning(format), source)
    }

    private func calls() -> (ChatFormat, TemplateAnalysisSource) {
        let turns = [2, 1].compactMap { turn(calls: $0) }
        for format in ChatFormat.all {
            let needed = format.signature
            // Both, where the template takes several calls: a form for lists reads single calls too.
            let isRead =
                !turns.isEmpty
                && turns.allSatisfy { turn in
                    needed.allSatisfy { turn.turn.whole.contains($0) } && Self.reads(format, turn)
                }
            if isRead { return (format, .behaviour) }
        }
        if let format = ChatFormatAnalysis(
            single: turns.last, several: turns.count > 1 ? turns.first : nil, end: turnEnd
        )
        .format(), turns.allSatisfy({ Self.reads(format, $0) }) {
            return (format, .analysis)
        }
        let sources = [probe.template.source, probe.toolUseTemplate?.source ?? ""]
        for (texts, source) in [(toolTexts, TemplateAnalysisSource.rendering), (sources, .source)] {
            for (phrases, format) in Self.hints
            where phrases.contains(where: { phrase in texts.contains { $0.contains(phrase) } }) {
                return (format, source)
            }
        }
        return (ChatFormat(name: "plain"), .none)
    }

    /// Phrases that show a family where past calls are not rendered: around tools, and in the instructions for calls.
    private static let hints: [(phrases: [String], format: ChatFormat)] = [
        (["<|tool_call_start|>", "<|tool_list_start|>", "<|tool_response_start|>", "List of tools: ["], .lfm),
        (["<|tool_call|>"], .granite), (["<|/tool|>"], .phi), (["functools["], .firefunction),
        (["<tool_call>"], .hermes), (["[TOOL_CALLS]", "[AVAILABLE_TOOLS]", "[TOOL_RESULTS]"], .mistralList),
        (["<start_of_turn>"], .gemmaFenced), (["<|channel|>analysis"], .harmony),
    ]

    /// What the template makes of tools, and of what one has answered.
    private var toolTexts: [String] {
        let result: JSONValue = ["role": "tool", "tool_call_id": "call00001", "name": "probe_alpha", "content": "Done"]
        let conversations: [[JSONValue]] = [
            [Self.user], [["role": "system", "content": "Be brief."], Self.user], [Self.user, result],
        ]
        return conversations.compactMap { probe.render($0, tools: Self.tools, addsGenerationPrompt: true) }
    }

    // MARK: Turns

    /// An assistant's turn with calls, as the template renders it.
    struct CallTurn {
        var turn: Turn
        var calls: [(name: String, arguments: JSONValue)]
    }
    struct Turn {
        /// What of the turn stands in the prompt already.
        var opening: String
        var text: String
        var whole: String { opening + text }
    }

    static let names = ["probe_alpha", "probe_beta"]
    static let keys = ["argkey_one", "argkey_two"]
    static let texts = ["valueword", "otherword"]
    static let numbers: [Int64] = [7351, 9462]
    static let user: JSONValue = ["role": "user", "content": "Hello"]

    static let tools: [JSONValue] = names.map { name in
        [
            "type": "function",
            "function": [
                "name": .string(name), "description": "A probe",
                "parameters": [
                    "type": "object",
                    "properties": [
                        "argkey_one": ["type": "string", "description": "One"],
                        "argkey_two": ["type": "integer", "description": "Two"],
                    ], "required": ["argkey_one", "argkey_two"],
                ],
            ],
        ]
    }

    static let offered = OfferedTools(
        tools.map { tool in
            OfferedTools.Tool(
                name: tool["function"]?["name"]?.stringValue ?? "", parameters: tool["function"]?["parameters"] ?? .null
            )
        })

    /// - Returns: `nil` when the template does not show that many calls.
    func turn(calls count: Int) -> CallTurn? {
        let calls = (0..<count).map { index -> (name: String, arguments: JSONValue) in
            (
                Self.names[index],
                [
                    "argkey_one": .string(Self.texts[index]), "argkey_two": .integer(Self.numbers[index]),
                ]
            )
        }
        for isText in [capabilities.argumentEncoding == .texts, capabilities.argumentEncoding != .texts] {
            let message: JSONValue = [
                "role": "assistant", "content": "",
                "tool_calls": .array(
                    calls.enumerated().map { index, call in
                        [
                            "id": .string("call0000\(index + 1)"), "type": "function",
                            "function": [
                                "name": .string(call.name),
                                "arguments": isText ? .string(call.arguments.text) : call.arguments,
                            ],
                        ]
                    }),
            ]
            if let turn = turn(of: message), calls.allSatisfy({ turn.whole.contains($0.name) }) {
                return CallTurn(turn: turn, calls: calls)
            }
        }
        return nil
    }

    /// What the template renders for an assistant's message behind a user's.
    func turn(of message: JSONValue, tools: [JSONValue]? = ChatFormatRecognition.tools) -> Turn? {
        guard let plain = probe.render([Self.user], tools: tools, endToken: ""),
            let withPrompt = probe.render([Self.user], tools: tools, addsGenerationPrompt: true),
            let full = probe.render([Self.user, message], tools: tools)
        else { return nil }
        let known = ProvenanceText.commonPrefix(of: withPrompt, full)
        let begin = min(ProvenanceText.commonPrefix(of: plain, full), known)
        return Turn(
            opening: String(decoding: full.utf8.dropFirst(begin).prefix(known - begin), as: UTF8.self),
            text: String(decoding: full.utf8.dropFirst(known), as: UTF8.self))
    }

    /// What ends an assistant's turn.
    private var turnEnd: String {
        let word = "Contentword"
        guard let turn = turn(of: ["role": "assistant", "content": .string(word)]),
            let offset = ProvenanceText(turn.text, isTrusted: true).occurrences(
                of: ProvenanceText(word, isTrusted: true), limit: 1
            ).first
        else { return "" }
        return String(decoding: turn.text.utf8.dropFirst(offset + word.utf8.count), as: UTF8.self)
    }

    /// Whether a turn parses back to its calls.
    static func reads(_ format: ChatFormat, _ turn: CallTurn) -> Bool {
        // What other versions of a model write does not show this one.
        var format = format
        format.calls?.otherForms = []
        var parser = OutputParser(PreparedChatFormat(format), tools: offered, after: turn.turn.opening)
        var calls: [(name: String, arguments: [UInt8])] = []
        var isSound = true
        func record(_ piece: OutputPiece) {
            switch piece {
            case .call(_, let name): calls.append((name, []))
            case .arguments(let number, let bytes): calls[number].arguments += bytes
            case .warning: isSound = false
            case .text, .callEnd: break
            }
        }
        parser.append(Array(turn.turn.text.utf8)[...], emit: record)
        parser.finish(emit: record)
        guard isSound, calls.count == turn.calls.count else { return false }
        return zip(calls, turn.calls).allSatisfy { read, meant in
            read.name == meant.name
                && (try? JSONParser.parse(read.arguments)).map(canonical) == canonical(meant.arguments)
        }
    }

    /// The same value with the members of objects in order of their keys.
    static func canonical(_ value: JSONValue) -> JSONValue {
        switch value {
        case .array(let items): .array(items.map(canonical))
        case .object(let members):
            .object(
                JSONObject(
                    members.map { ($0, canonical($1)) }.sorted { $0.0 < $1.0 }, uniquingKeysWith: { $1 }))
        default: value
        }
    }

    // MARK: Thinking

    private func withReasoning(_ format: ChatFormat) -> ChatFormat {
        var format = format
        if let own = format.reasoning, !shows(own.ends[0]) { format.reasoning = nil }
        if format.reasoning == nil, let delimiters {
            format.reasoning = ChatFormat.Delimiters(delimiters.start, delimiters.end)
        }
        return format
    }

    /// Whether a delimiter stands in the template or in what it makes of thinking.
    private func shows(_ delimiter: String) -> Bool {
        let delimiter = String(decoding: ChatFormatPlan.trimmed(delimiter), as: UTF8.self)
        if [probe.template.source, probe.toolUseTemplate?.source ?? ""].contains(where: { $0.contains(delimiter) }) {
            return true
        }
        return probe.reasoningTexts().contains { $0.contains(delimiter) }
    }
}

/// How a template's form of answers was found.
package enum TemplateAnalysisSource: String, Sendable {
    /// Calls that the template rendered parse back.
    case behaviour
    /// As `behaviour`, with a form that was taken from differences between renderings.
    case analysis
    /// By phrases in what it renders of tools and their answers, as it does not render past calls.
    case rendering
    /// By such phrases in its source alone.
    case source
    /// No form of calls is known.
    case none
}

extension ChatFormat {
    /// What a turn with calls contains if it is of this family.
    var signature: [String] {
        guard let calls else { return [] }
        return [calls.opening, calls.callOpening].filter { !$0.isEmpty }
            .map { String(decoding: ChatFormatPlan.core($0), as: UTF8.self) }
    }
}
