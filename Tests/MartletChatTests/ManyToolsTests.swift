import MartletGrammar
import MartletJSON
import MartletSchema
import OrderedCollections
import Testing

@testable import MartletChat

/// As many tools as an agent with several servers has.
@Suite struct ManyToolsTests {
    /// Tools with arguments as such servers describe them.
    static let tools: [OfferedTools.Tool] = (0..<100).map { number -> OfferedTools.Tool in
        let own = "number_\(number)"
        let words: [JSONValue] = (0..<8).map { .string("choice\(number % 7)_\($0)") }
        let parameters: JSONValue = [
            "$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "additionalProperties": false,
            "properties": [
                "owner": ["type": "string", "description": "Whose it is."],
                "repository": ["type": "string", "description": "Where it is."],
                own: ["type": "integer", "description": "Its number.", "minimum": 1],
                "state": ["type": "string", "enum": .array(words), "default": words[0]],
                "labels": ["type": "array", "items": ["type": "string"], "description": "What it is called."],
                "page": ["type": "integer", "minimum": 1],
                "perPage": ["type": "integer", "minimum": 1, "maximum": 100],
                "dryRun": ["type": "boolean"],
                "options": [
                    "type": "object",
                    "properties": [
                        "since": ["type": "string", "format": "date-time"], "deep": ["type": ["boolean", "null"]],
                        "edits": [
                            "type": "array",
                            "items": [
                                "type": "object",
                                "properties": ["oldText": ["type": "string"], "newText": ["type": "string"]],
                                "required": ["oldText", "newText"], "additionalProperties": false,
                            ],
                        ],
                    ],
                ], "cursor": ["anyOf": [["type": "string"], ["type": "null"]]],
            ], "required": ["owner", "repository", .string(own)],
        ]
        return OfferedTools.Tool(name: "server_\(number % 9).do_\(number)", parameters: parameters)
    }

    private static func maker(
        _ format: PreparedChatFormat, opening: String = "", work: Int = SchemaLimits.standard.work
    ) -> OutputGrammar {
        OutputGrammar(
            format, prompt: RenderedPrompt(segments: [], reasoning: .closed, opening: opening),
            compiler: SchemaCompiler(limits: SchemaLimits(work: work)))
    }

    @Test(arguments: [ChatFormat.hermes, .qwenCoder, .mistral, .gemma, .lfm, .minimaxM3])
    func aHundredToolsAreEnforced(format: ChatFormat) throws {
        let maker = Self.maker(PreparedChatFormat(format))
        let made = try maker.grammar(tools: Self.tools, requirement: .calls, allowsSeveral: true)
        #expect(made?.warnings == [])
    }

    @Test func callsOfOfferedToolsAreAllowedAndOthersAreNot() throws {
        let made = try Self.maker(PreparedChatFormat(.mistral)).grammar(
            tools: Self.tools, requirement: .calls, allowsSeveral: true)
        let grammar = try #require(made).grammar
        let arguments = #"{"owner": "o", "repository": "r", "number_42": 3, "options": {"deep": null}}"#
        #expect(grammar.matches("[TOOL_CALLS]server_6.do_42[ARGS]\(arguments)".utf8))
        #expect(!grammar.matches("[TOOL_CALLS]server_6.do_43[ARGS]\(arguments)".utf8))
        #expect(!grammar.matches("[TOOL_CALLS]server_6.do_42[ARGS]{}".utf8))
    }

    /// An agent sends the same tools in each round.
    @Test func sameToolsAreCompiledOnce() throws {
        let format = PreparedChatFormat(.hermes)
        func made(
            _ tools: [OfferedTools.Tool] = ManyToolsTests.tools, _ requirement: OutputGrammar.Requirement = .anything,
            opening: String = "",
            several: Bool = true
        ) throws -> Int {
            let before = format.grammars.madeCount
            #expect(
                try Self.maker(format, opening: opening).grammar(
                    tools: tools, requirement: requirement, allowsSeveral: several)
                    != nil)
            return format.grammars.madeCount - before
        }
        let few = Array(Self.tools[..<3])
        #expect(try [made(few), made(few), made(few)] == [1, 0, 0])
        // A change of any other input makes another grammar.
        #expect(try [made(few, .calls), made(few, opening: "<think>"), made(few, several: false)] == [1, 1, 1])
        #expect(try [made(few, .calls), made(few, opening: "<think>"), made(few, several: false)] == [0, 0, 0])
        var strict = few
        strict[2].isStrict = true
        #expect(try [made(strict), made(Array(few.reversed())), made(Array(few[..<2]))] == [1, 1, 1])
        let value = try SchemaCompiler().grammar(of: ["type": "object"]).grammar
        let other = try SchemaCompiler().grammar(of: ["type": "array"]).grammar
        #expect(try [made(few, .value(value)), made(few, .value(other)), made(few, .value(value))] == [1, 1, 0])
    }

    /// One budget for all tools, so that many small tools cost no more than a large one.
    @Test func allToolsShareOneBudget() throws {
        let error = #expect(throws: OutputGrammarError.self) {
            try Self.maker(PreparedChatFormat(.hermes), work: 500).grammar(
                tools: Self.tools, requirement: .anything, allowsSeveral: true)
        }
        guard case .tool(let name, let reason)? = error else { return }
        #expect(name != Self.tools[0].name && reason.kind == SchemaError.Kind.limit)
        #expect(reason.reason.contains("all schemas together"))
    }
}
