import MartletGrammar
import MartletJSON
import MartletProtocol
import MartletTestSupport
import OrderedCollections
import Testing

@testable import MartletChat
@testable import MartletSchema

/// In every chat format, arguments that the grammar of calls allows are parsed as arguments that are valid against the
/// tool's schema.
@Suite struct ArgumentSchemaTests {
    private static let schema: JSONValue = [
        "type": "object",
        "properties": [
            "city": ["type": "string", "pattern": "^[A-Z][a-z ]{0,4}\n?$"],
            "zip": ["type": ["string", "integer"], "maxLength": 4, "minimum": 3, "maximum": 99],
            "mode": ["enum": ["fast", "5", 5, "true", true, .null]], "note": ["type": "string", "maxLength": 3],
            "words": ["type": "string"],
            "list": ["type": "array", "items": ["type": "integer", "minimum": 0, "maximum": 5], "maxItems": 2],
            "nested": [
                "type": "object",
                "properties": [
                    "a": ["type": "string", "pattern": "^x[<\"'{]{1,2}$"], "b": ["$ref": "#/$defs/b"],
                    "c": ["type": "array", "items": ["type": ["null", "boolean"]], "minItems": 1],
                ], "required": ["a"], "additionalProperties": false,
            ], "flag": ["const": true], "day": ["type": "string", "format": "date"],
            "number": ["type": "number", "multipleOf": 0.5, "minimum": 0, "maximum": 2],
            "pair": ["anyOf": [["type": "null"], ["type": "object", "maxProperties": 1]]],
        ], "required": ["zip", "city", "mode", "nested", "pair", "number"], "maxProperties": 8,
        "$defs": ["b": ["type": "integer", "maximum": 7]],
    ]
    private static let tools = [
        OfferedTools.Tool(name: "get_weather", parameters: schema),
        OfferedTools.Tool(name: "now", parameters: ["type": "object", "properties": [:]]),
    ]

    @Test(arguments: ChatFormat.all.indices) func generatedArgumentsAreValidAgainstTheSchema(chatFormat: Int) throws {
        let format = ChatFormat.all[chatFormat]
        let prepared = PreparedChatFormat(format)
        let prompt = RenderedPrompt(segments: [], reasoning: .closed, opening: SampledText.opening(of: format))
        let maker = OutputGrammar(prepared, prompt: prompt)
        let grammar = try #require(try maker.grammar(tools: Self.tools, requirement: .calls, allowsSeveral: false))
            .grammar
        let offered = OfferedTools(Self.tools)
        let nodes = try SchemaParser.read(Self.schema, limits: .standard)
        let evaluator = SchemaEvaluator(nodes: nodes, patterns: PatternTable())
        var random = SeededGenerator(seed: 11)
        var calls = 0
        for _ in 0..<60 where calls < 2 {
            guard let text = SampledText.sample(from: grammar, format, &random) else { continue }
            let message = ReadMessage(text, prepared, tools: offered, after: prompt.opening)
            let label = Comment(rawValue: "\(format.name): \(text.debugDescription)")
            let call = try #require(message.calls.first, label)
            #expect(message.calls.count == 1 && call.isComplete && message.warnings.isEmpty, label)
            let value = try #require(call.value, label)
            if call.name == "get_weather" {
                #expect(try evaluator.isValid(value, 0), label)
                calls += 1
            } else {
                #expect(value == [:], label)
            }
        }
        #expect(calls == 2, "\(format.name): only \(calls) calls were drawn")
    }

    /// `uniqueItems` is enforced in formats in which the grammar sees the items; in the others a warning names the
    /// keyword.
    @Test func distinctItemsAreEnforcedWhereTheyAreGenerated() throws {
        let schema: JSONValue = [
            "type": "object",
            "properties": [
                "list": [
                    "type": "array", "items": ["type": "integer", "minimum": 0, "maximum": 9], "minItems": 3,
                    "maxItems": 5, "uniqueItems": true,
                ]
            ], "required": ["list"],
        ]
        let evaluator = SchemaEvaluator(
            nodes: try SchemaParser.read(schema, limits: .standard), patterns: PatternTable())
        var named: Set<String> = []
        for format in ChatFormat.all {
            let prompt = RenderedPrompt(segments: [], reasoning: .closed, opening: SampledText.opening(of: format))
            func made(_ isStrict: Bool?) throws -> GrammarCache.Entry {
                let tool = OfferedTools.Tool(name: "f", parameters: schema, isStrict: isStrict)
                let maker = OutputGrammar(
                    PreparedChatFormat(format), prompt: prompt, compiler: SchemaCompiler(mode: .relaxed))
                return try #require(try maker.grammar(tools: [tool], requirement: .calls, allowsSeveral: false))
            }
            let entry = try made(nil)
            guard entry.warnings.isEmpty else {
                named.insert(format.name)
                #expect(entry.warnings.count == 1 && entry.warnings[0].contains("'uniqueItems' at #/properties/list"))
                #expect(throws: OutputGrammarError.self, "\(format.name)") { try made(true) }
                continue
            }
            let offered = OfferedTools([OfferedTools.Tool(name: "f", parameters: schema)])
            var random = SeededGenerator(seed: 5)
            var calls = 0
            for _ in 0..<80 where calls < 3 {
                guard let text = SampledText.sample(from: entry.grammar, format, &random) else { continue }
                let message = ReadMessage(text, PreparedChatFormat(format), tools: offered, after: prompt.opening)
                let label = Comment(rawValue: "\(format.name): \(text.debugDescription)")
                let call = try #require(message.calls.first, label)
                let value = try #require(call.value, label)
                #expect(try evaluator.isValid(value, 0), label)
                calls += 1
            }
            #expect(calls == 3, "\(format.name): only \(calls) calls were drawn")
        }
        #expect(named == ["gemma", "minimax-m3"])
    }

    @Test func undeclaredArgumentsAreNotGenerated() throws {
        func accepts(_ parameters: JSONValue, _ arguments: String) throws -> Bool {
            let maker = OutputGrammar(
                PreparedChatFormat(.mistral), prompt: RenderedPrompt(segments: [], reasoning: .closed))
            let tool = OfferedTools.Tool(name: "f", parameters: parameters)
            let grammar = try #require(try maker.grammar(tools: [tool], requirement: .calls, allowsSeveral: true))
                .grammar
            return grammar.matches("[TOOL_CALLS]f[ARGS]\(arguments)".utf8)
        }
        let named: JSONObject = ["type": "object", "properties": ["a": ["type": "integer"]]]
        #expect(try accepts(.object(named), #"{"a": 1}"#) && accepts(.object(named), "{}"))
        #expect(try !accepts(.object(named), #"{"b": 1}"#) && !accepts(.object(named), #"{"a": "1"}"#))
        let open = JSONValue.object(named.merging(["additionalProperties": true]) { $1 })
        #expect(try accepts(open, #"{"a": 1, "b": 1}"#))
        #expect(try accepts(["type": "object"], #"{"b": 1}"#))
        #expect(try !accepts(["type": "object", "properties": [:]], #"{"b": 1}"#))
    }

    /// For formats whose calls begin as text may.
    @Test(arguments: [
        (
            "llama", "",
            [
                "Hi {", "{\"a\": 1}", "{ \"name", "", "{\"name\": \"now\", \"parameters\": {}}",
                "Well.<|python_tag|>{\"name\": \"now\", \"parameters\": {}}",
            ],
            [
                "{\"name\": \"rm\"", "{\"name\": 5}", " { \"name\" : \"now\", \"parameters\": {\"a\": 1}}",
                "a<|python_tag|>{\"x\"",
            ]
        ),
        ("llama-python", "", ["[1, 2]", "Hi", "[now()]", "[now"], ["[now(1)]", "[now(a=1"]),
        (
            "functionary", ">>>", ["all\nText >>> more\n", "now\n{}", "all\nA\n>>>now\n{}"],
            ["now\n[]", "rm\n{}", "all\nA>>>now\n{\"a\""]
        ),
    ])
    func textIsFreeAndToolCallsFollowTheSchema(
        chatFormat: String, opening: String, allowed: [String], refused: [String]
    ) throws {
        let format = try #require(ChatFormat.all.first { $0.name == chatFormat })
        let prompt = RenderedPrompt(segments: [], reasoning: .closed, opening: opening)
        let maker = OutputGrammar(PreparedChatFormat(format), prompt: prompt)
        let made = try maker.grammar(tools: Self.tools, requirement: .anything, allowsSeveral: true)
        let grammar = try #require(made).grammar
        for text in allowed { #expect(grammar.matches(text.utf8), "\(chatFormat): \(text)") }
        for text in refused {
            var matcher = GrammarMatcher(grammar)
            #expect(matcher.acceptPrefix(of: text.utf8) < text.utf8.count, "\(chatFormat): \(text)")
        }
    }

    /// A response schema together with tools: the output is a call or a value, behind optional reasoning.
    @Test func outputIsAToolCallOrTheObject() throws {
        let (object, _) = try SchemaCompiler().grammar(of: ["type": "object", "properties": ["x": ["type": "integer"]]])
        var format = ChatFormat.hermes
        format.reasoning = ChatFormat.thinkTags
        let maker = OutputGrammar(
            PreparedChatFormat(format), prompt: RenderedPrompt(segments: [], reasoning: .undecided))
        let made = try maker.grammar(tools: Self.tools, requirement: .value(object), allowsSeveral: true)
        let both = try #require(made).grammar
        let alone = try maker.grammar(around: object)
        let call = "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>"
        for withReasoning in ["", "<think>\nHm. {\n</think>\n\n"] {
            #expect(
                both.matches((withReasoning + "{\"x\": 1}").utf8) && alone.matches((withReasoning + "{\"x\": 1}").utf8))
            #expect(both.matches((withReasoning + call).utf8) && !alone.matches((withReasoning + call).utf8))
            for other in ["Text", "{\"x\": \"1\"}", "{\"x\": 1}" + call] {
                #expect(!both.matches((withReasoning + other).utf8) && !alone.matches((withReasoning + other).utf8))
            }
        }
    }

    /// No white space stands in front of a value or behind it, except line ends behind reasoning.
    @Test(arguments: ["\"42\"", "{\"x\": 1}"]) func noWhiteSpaceStandsAroundAValue(value: String) throws {
        let object: JSONValue = [
            "anyOf": [["const": "42"], ["type": "object", "properties": ["x": ["type": "integer"]]]]
        ]
        let (grammar, _) = try SchemaCompiler().grammar(of: object)
        for chatFormat in ChatFormat.all where chatFormat.messageHead == nil && chatFormat.content.isEmpty {
            for reasoning in [RenderedPrompt.Reasoning.closed, .undecided] {
                let maker = OutputGrammar(
                    PreparedChatFormat(chatFormat), prompt: RenderedPrompt(segments: [], reasoning: reasoning))
                var grammars = [try maker.grammar(around: grammar)]
                if let both = try maker.grammar(tools: Self.tools, requirement: .value(grammar), allowsSeveral: true) {
                    grammars.append(both.grammar)
                }
                for made in grammars {
                    #expect(made.matches(value.utf8), "\(chatFormat.name)")
                    for space in [" ", "\n", "\t", "\r\n", String(repeating: " ", count: 16)] {
                        #expect(!made.matches((space + value).utf8), "\(chatFormat.name)")
                        #expect(!made.matches((value + space).utf8), "\(chatFormat.name)")
                        var matcher = GrammarMatcher(made)
                        let isAccepted = matcher.accept(value.utf8)
                        #expect(isAccepted)
                        #expect(!matcher.allowedBytes.contains(space.utf8.first ?? 0), "\(chatFormat.name)")
                    }
                }
            }
        }
        var format = ChatFormat.hermes
        format.reasoning = ChatFormat.thinkTags
        let maker = OutputGrammar(
            PreparedChatFormat(format), prompt: RenderedPrompt(segments: [], reasoning: .undecided))
        let withReasoning = try maker.grammar(around: grammar)
        for lines in ["", "\n", "\n\n"] { #expect(withReasoning.matches("<think>Hm</think>\(lines)\(value)".utf8)) }
        for space in [" ", "\n\n\n"] { #expect(!withReasoning.matches("<think>Hm</think>\(space)\(value)".utf8)) }
    }

    @Test func schemaThatCannotBeEnforcedNamesItsTool() throws {
        let behind: JSONValue = [
            "type": "object", "properties": ["text": ["type": "string", "pattern": "(?<=a)b"]],
        ]
        func grammar(_ parameters: JSONValue, isStrict: Bool? = nil, mode: SchemaMode = .strict) throws -> [String] {
            let maker = OutputGrammar(
                PreparedChatFormat(.qwenCoder), prompt: RenderedPrompt(segments: [], reasoning: .closed),
                compiler: SchemaCompiler(mode: mode))
            let tool = OfferedTools.Tool(name: "f", parameters: parameters, isStrict: isStrict)
            return try #require(
                try maker.grammar(tools: [Self.tools[1], tool], requirement: .anything, allowsSeveral: true)
            ).warnings
        }
        for isStrict in [nil, true] {
            let error = #expect(throws: OutputGrammarError.self) { try grammar(behind, isStrict: isStrict) }
            guard case .tool("f", let reason)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(reason.pointer == "#/properties/text" && reason.keyword == "pattern")
        }
        #expect(try grammar(behind, isStrict: false).count == 1)
        #expect(try grammar(behind, mode: .relaxed).first?.hasPrefix("Tool \"f\": ") == true)
        #expect(throws: OutputGrammarError.self) { try grammar(behind, isStrict: true, mode: .relaxed) }
        // The schema has no finite value. Only a look at the whole grammar shows it.
        let endless: JSONValue = [
            "type": "object", "properties": ["next": ["$ref": "#"]], "required": ["next"],
        ]
        guard
            case .tool("f", let reason)? = #expect(
                throws: OutputGrammarError.self, performing: { try grammar(endless) })
        else { return }
        #expect(reason.kind == .unsatisfiable)
    }
}
