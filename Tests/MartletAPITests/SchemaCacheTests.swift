import MartletConversation
import MartletGenerations
import MartletGrammar
import MartletJSON
import MartletSchema
import MartletStreams
import OrderedCollections
import Testing

@testable import MartletAPI

@Suite struct SchemaCacheTests {
    @Test func sameSchemaIsCompiledOnce() throws {
        let made = GrammarCache()
        func read(_ schema: JSONValue, _ compiler: SchemaCompiler = SchemaCompiler()) throws -> Int {
            let before = made.madeCount
            let requested = SchemaField.Requested(schema: schema, name: "json_schema")
            _ = try SchemaField(requested, compiler, limits: .standard, cache: made)
            return made.madeCount - before
        }
        let first: JSONValue = ["type": "object", "properties": ["a": ["type": "integer"]]]
        #expect(try [read(first), read(first), read(["type": "null"])] == [1, 0, 1])
        // The settings of the compiler are part of the key.
        let compact = SchemaCompiler(spacing: .compact)
        #expect(try [read(first, compact), read(first, SchemaCompiler(mode: .relaxed)), read(first)] == [1, 1, 0])
    }

    @Test func toolsAreMeasuredTogether() throws {
        func request(_ count: Int) throws -> ChatCompletionRequest {
            let tools = (0..<count).map { number -> JSONValue in
                let keys = (0..<100).map { ("k\($0)", ["type": "string"] as JSONValue) }
                let parameters: JSONValue = [
                    "type": "object", "properties": .object(JSONObject(uniqueKeysWithValues: keys)),
                ]
                return ["type": "function", "function": ["name": .string("f\(number)"), "parameters": parameters]]
            }
            return try ChatCompletionRequest(
                ["messages": [["role": "user", "content": "Hi"]], "tools": .array(tools)],
                defaults: CompletionDefaults(), randomSeed: 1)
        }
        #expect(try request(90).tools.tools.count == 90)
        let error = #expect(throws: APIError.self) { try request(120) }
        #expect(error?.code == "invalid_schema" && error?.field == "tools[99].function.parameters")
        #expect(error?.message.contains("20000 members and elements") == true)
    }
}
