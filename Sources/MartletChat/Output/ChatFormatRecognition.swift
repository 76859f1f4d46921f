import MartletJSON
import MartletJinja
import MartletProtocol
import OrderedCollections

/// Finds the chat format of a template by what the template does, not by its words.
///
/// The template renders an assistant's turn with known tool calls. The first format of `ChatFormat.all` whose parser
/// returns exactly these calls is the template's format. Three fallbacks follow:
///
///     behaviour   the rendered turn parses back with a known format
///     analysis    … with a format that `ChatFormatAnalysis` derived from the turn
///     rendering   the template does not render past calls; a phrase about tools in its output names the format
///     source      such a phrase in its source
///
/// Runs once per template at start, within `TemplateBudget`. Complexity: one rendering and at most 40 parses per turn.
struct ChatFormatRecognition {
    let probe: TemplateProbe
    let capabilities: TemplateCapabilities
    /// The delimiters that the template puts around reasoning, if they are found without knowing the format.
    let delimiters: ReasoningDelimiters?

    /// The format, and the way in which it was found.
    func format() -> (ChatFormat, TemplateAnalysisSource) {
        let (format, source) = calls()
        return (withReasoning(format), source)
    }

    /// The format of calls, before reasoning is considered.
    private func calls() -> (ChatFormat, TemplateAnalysisSource) {
        let turns = [2, 1].compactMap { turn(calls: $0) }
        for format in ChatFormat.all {
            let needed = format.signature
            // Both turns must parse, if the template renders several calls: a format for lists also parses single
            // calls.
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

    /// Phrases that name a format if the template does not render past calls. They stand around tools and in
    /// instructions.
    private static let hints: [(phrases: [String], format: ChatFormat)] = [
        (["<|tool_call_start|>", "<|tool_list_start|>", "<|tool_response_start|>", "List of tools: ["], .lfm),
        (["<|tool_call|>"], .granite), (["<|/tool|>"], .phi), (["functools["], .firefunction),
        (["<tool_call>"], .hermes), (["[TOOL_CALLS]", "[AVAILABLE_TOOLS]", "[TOOL_RESULTS]"], .mistralList),
        (["<start_of_turn>"], .gemmaFenced), (["<|channel|>analysis"], .harmony),
    ]

    /// The prompts that the template renders for tools and for a tool's result.
    private var toolTexts: [String] {
        let result: JSONValue = ["role": "tool", "tool_call_id": "call00001", "name": "probe_alpha", "content": "Done"]
        let conversations: [[JSONValue]] = [
            [Self.user], [["role": "system", "content": "Be brief."], Self.user], [Self.user, result],
        ]
        return conversations.compactMap { probe.render($0, tools: Self.tools, addsGenerationPrompt: true) }
    }

    // MARK: Turns

    /// A rendered assistant's turn with the calls that it must parse back to.
    struct CallTurn {
        var turn: Turn
        var calls: [(name: String, arguments: JSONValue)]
    }
    /// A rendered assistant's turn, divided where the generation prompt ends.
    struct Turn {
        /// The part of the turn that the generation prompt contains already, such as `<think>\n`.
        var opening: String
        var text: String
        var whole: String { opening + text }
    }

    /// The names, keys, texts and numbers of the synthetic calls. They are unlikely in a template, and each occurs
    /// once.
    static let names = ["probe_alpha", "probe_beta"]
    static let keys = ["argkey_one", "argkey_two"]
    static let texts = ["valueword", "otherword"]
    static let numbers: [Int64] = [7351, 9462]
    static let user: JSONValue = ["role": "user", "content": "Hello"]

    /// The synthetic tools, in the form of a chat request.
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

    /// The same tools for the output parser.
    static let offered = OfferedTools(
        tools.map { tool in
            OfferedTools.Tool(
                name: tool["function"]?["name"]?.stringValue ?? "", parameters: tool["function"]?["parameters"] ?? .null
            )
        })

    /// The turn with this number of synthetic calls. Arguments are tried in the encoding that the template accepts
    /// first.
    /// - Returns: nil if the template refuses the calls or does not show their names.
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

    /// The text that the template renders for an assistant's message behind a user's message.
    ///
    /// It is the difference to the prompt without that message. nil if the template refuses one of the conversations.
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

    /// The text that ends an assistant's turn: the text behind a known content.
    private var turnEnd: String {
        let word = "Contentword"
        guard let turn = turn(of: ["role": "assistant", "content": .string(word)]),
            let offset = ProvenanceText(turn.text, isTrusted: true).occurrences(
                of: ProvenanceText(word, isTrusted: true), limit: 1
            ).first
        else { return "" }
        return String(decoding: turn.text.utf8.dropFirst(offset + word.utf8.count), as: UTF8.self)
    }

    /// Whether a turn parses back to its calls: the same names, and equal arguments up to the order of members.
    static func reads(_ format: ChatFormat, _ turn: CallTurn) -> Bool {
        // Formats of other versions must not decide the format of this model.
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

    /// The value with the members of its objects sorted by key, for comparison.
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

    // MARK: Reasoning

    /// The format with reasoning delimiters: its own if the template shows them, else those found in the template.
    private func withReasoning(_ format: ChatFormat) -> ChatFormat {
        var format = format
        if let own = format.reasoning, !shows(own.ends[0]) { format.reasoning = nil }
        if format.reasoning == nil, let delimiters {
            format.reasoning = ChatFormat.Delimiters(delimiters.start, delimiters.end)
        }
        return format
    }

    /// Whether a delimiter occurs in the template or in its renderings of reasoning.
    private func shows(_ delimiter: String) -> Bool {
        let delimiter = String(decoding: ChatFormatPlan.trimmed(delimiter), as: UTF8.self)
        if [probe.template.source, probe.toolUseTemplate?.source ?? ""].contains(where: { $0.contains(delimiter) }) {
            return true
        }
        return probe.reasoningTexts().contains { $0.contains(delimiter) }
    }
}

/// The way in which a template's format was found. The raw values are part of docs/templates.md.
package enum TemplateAnalysisSource: String, Sendable {
    /// The calls that the template rendered parse back with a known format.
    case behaviour
    /// Like `behaviour`, with a format derived from the renderings.
    case analysis
    /// A phrase in the rendered tools or tool results; the template does not render past calls.
    case rendering
    /// A phrase in the template's source only.
    case source
    /// No format of calls was found; calls are text.
    case none
}

extension ChatFormat {
    /// Texts that a turn with calls must contain to be of this format. A cheap test before the parser runs.
    var signature: [String] {
        guard let calls else { return [] }
        return [calls.opening, calls.callOpening].filter { !$0.isEmpty }
            .map { String(decoding: ChatFormatPlan.core($0), as: UTF8.self) }
    }
}
