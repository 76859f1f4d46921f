import MartletGrammar
import MartletJSON
import MartletSchema
import MartletTestSupport
import OrderedCollections
import Testing

@testable import MartletChat
@testable import MartletSchema

/// Arguments that a tool's schema allows without naming them. Every chat format can write and parse them.
///
/// For formats with JSON arguments they are members as in any object.
@Suite struct FreeArgumentTests {
    static let schemas: [JSONValue] = [
        ["type": "object"],
        ["type": "object", "properties": ["a": ["type": "integer"]], "additionalProperties": true],
        [
            "type": "object", "properties": ["a": ["type": "integer"]], "required": ["a"],
            "additionalProperties": ["type": "string", "maxLength": 4],
        ],
        ["type": "object", "additionalProperties": ["type": "integer", "minimum": 3]],
        ["type": "object", "additionalProperties": ["type": ["boolean", "null"]], "minProperties": 1],
        ["type": "object", "patternProperties": ["^x": ["type": "string"]], "additionalProperties": false],
        ["type": "object", "required": ["b"], "additionalProperties": ["enum": ["12", 12, "true", "z"]]],
    ]

    /// Formats whose arguments are not JSON.
    static let chatFormats = ChatFormat.all.indices.filter { index in
        guard case .headed(_, let form)? = ChatFormat.all[index].calls?.shape else { return false }
        return form != .object
    }

    @Test(arguments: chatFormats) func generatedArgumentsAreValidAgainstTheSchema(chatFormat: Int) throws {
        let format = ChatFormat.all[chatFormat]
        let prepared = PreparedChatFormat(format)
        let prompt = RenderedPrompt(segments: [], reasoning: .closed, opening: SampledText.opening(of: format))
        var all = 0
        for schema in Self.schemas {
            var free = 0
            let tool = OfferedTools.Tool(name: "note", parameters: schema)
            let maker = OutputGrammar(prepared, prompt: prompt)
            let made = try maker.grammar(tools: [tool], requirement: .calls, allowsSeveral: false)
            let grammar = try #require(made).grammar
            let nodes = try SchemaParser.read(schema, limits: .standard)
            let evaluator = SchemaEvaluator(nodes: nodes, patterns: PatternTable())
            var random = SeededGenerator(seed: 7)
            for _ in 0..<20 where free < 2 {
                guard let text = SampledText.sample(from: grammar, format, literalOdds: 3, &random) else { continue }
                let message = ReadMessage(text, prepared, tools: OfferedTools([tool]), after: prompt.opening)
                let label = Comment(rawValue: "\(format.name), \(schema.text): \(text.debugDescription)")
                let call = try #require(message.calls.first, label)
                #expect(message.calls.count == 1 && call.isComplete && message.warnings.isEmpty, label)
                let value = try #require(call.value, label)
                #expect(try evaluator.isValid(value, 0), label)
                if value.objectValue?.keys.contains(where: { $0 != "a" }) == true { free += 1 }
            }
            all += free
        }
        #expect(all >= 4, "\(format.name): only \(all) calls with free names were drawn")
    }
}
