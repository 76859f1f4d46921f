import Foundation
import MartletGrammar
import MartletJSON
import MartletTestSupport
import OrderedCollections
import Testing

@testable import MartletSchema

private let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "shared/json-schema").path
private let hasSuite = FileManager.default.fileExists(atPath: folder)

@Suite struct SoundnessTests {
    @Test(
        "No invalid instance of the draft's suite is accepted",
        .enabled(if: hasSuite, "../shared/json-schema is not there"))
    func draftSuite() throws {
        var (valid, accepted, refused, schemas) = (0, 0, 0, 0)
        for file in try FileManager.default.contentsOfDirectory(atPath: "\(folder)/draft2020-12")
        where file.hasSuffix(".json") {
            let groups = try JSONParser.parse(
                [UInt8](Data(contentsOf: URL(filePath: "\(folder)/draft2020-12/\(file)"))))
            for group in groups.arrayValue ?? [] {
                let schema = try #require(group.objectValue?["schema"])
                schemas += 1
                guard let probe = try? SchemaProbe(schema) else {
                    refused += 1
                    continue
                }
                for test in group["tests"]?.arrayValue ?? [] {
                    let isAccepted = probe.accepts(try #require(test.objectValue?["data"]).bytes)
                    if test["valid"]?.boolValue == true {
                        valid += 1
                        if isAccepted { accepted += 1 }
                    } else {
                        #expect(!isAccepted, "\(file): \(group["description"]?.text ?? "") \(test.text)")
                    }
                }
            }
        }
        #expect(schemas == 383)
        #expect(refused <= 48)
        #expect(accepted >= 676)
    }

    @Test("Real schemas are honoured", .enabled(if: hasSuite, "../shared/json-schema is not there"))
    func realSchemas() throws {
        let text = try Data(contentsOf: URL(filePath: "\(folder)/schemas.jsonl"))
        var (schemas, passed, costly) = (0, 0, 0)
        // A part of them, as a debug build is slow; `martlet schema check --suite` checks all of them.
        for (number, line) in text.split(separator: 0x0A).enumerated() where number % 11 == 0 {
            let entry = try JSONParser.parse(Array(line))
            schemas += 1
            let budget = CompileBudget()
            defer { if budget.usedSteps > SchemaLimits.standard.work / 2 { costly += 1 } }
            let schema = try #require(entry.objectValue?["schema"])
            guard let probe = try? SchemaProbe(schema, budget: budget) else { continue }
            var isRight = true
            for test in entry["tests"]?.arrayValue ?? [] {
                let isAccepted = probe.accepts(try #require(test.objectValue?["data"]).bytes)
                let isValid = test["valid"]?.boolValue == true
                if isAccepted != isValid { isRight = false }
                #expect(isValid || !isAccepted, "\(entry["name"]?.text ?? "") \(test.text)")
            }
            if isRight { passed += 1 }
        }
        #expect(schemas == 51)
        #expect(passed >= 49)
        // All others are far from the limits.
        #expect(costly <= 1)
    }

    /// Random texts of a grammar are values that fulfil the schema.
    @Test(
        arguments: [
            #"{"type": "object", "properties": {"a": {"type": "integer", "minimum": -3, "maximum": 12}, "b": {"type": "array", "items": {"enum": [1, "x", null]}, "maxItems": 3, "uniqueItems": true}}, "required": ["b"], "maxProperties": 3, "additionalProperties": {"type": "boolean"}, "propertyNames": {"maxLength": 3}}"#,
            #"{"oneOf": [{"type": "object", "properties": {"k": {"const": 1}}, "required": ["k"], "additionalProperties": false}, {"type": "object", "properties": {"k": {"enum": [1, 2]}, "l": {"type": "null"}}, "required": ["k"], "additionalProperties": false}]}"#,
            #"{"type": "array", "prefixItems": [{"type": "string", "format": "date"}], "items": {"type": "number", "multipleOf": 0.5, "minimum": 1, "maximum": 9}, "contains": {"const": 2}, "maxItems": 4, "minItems": 2}"#,
            #"{"type": "object", "properties": {"t": {"enum": ["a", "b"]}, "v": {"type": ["integer", "string"], "maxLength": 2, "maximum": 9, "minimum": 0}}, "required": ["t", "v"], "additionalProperties": false, "if": {"properties": {"t": {"const": "a"}}}, "then": {"properties": {"v": {"type": "integer"}}}, "else": {"not": {"properties": {"v": {"type": "integer"}}}}}"#,
            #"{"type": "string", "pattern": "^(?!ab)[a-c]{2,4}$", "not": {"pattern": "cc"}}"#,
            #"{"type": "object", "minProperties": 2, "maxProperties": 3, "properties": {"a": {"type": "null"}, "b": {"type": "null"}, "c": {"type": "null"}}, "patternProperties": {"^x": {"type": "boolean"}}, "additionalProperties": false, "dependentRequired": {"a": ["c"]}}"#,
        ])
    func sampledTextsFulfilTheSchema(schema: String) throws {
        let value = try JSONParser.parse(Array(schema.utf8))
        let grammar = try SchemaCompiler().grammar(of: value).grammar
        let nodes = try SchemaParser.read(value, limits: .standard)
        let evaluator = SchemaEvaluator(nodes: nodes, patterns: PatternTable())
        var random = SeededGenerator(seed: 7)
        var sampled = 0
        for _ in 0..<60 {
            guard let text = Self.sample(from: grammar, limit: 400, &random) else { continue }
            sampled += 1
            #expect(try evaluator.isValid(JSONParser.parse(text), 0), "\(String(decoding: text, as: UTF8.self))")
        }
        #expect(sampled >= 10)
    }

    /// Byte by byte; quotes and brackets are more likely than other bytes, so that texts end.
    private static func sample(from grammar: Grammar, limit: Int, _ random: inout SeededGenerator) -> [UInt8]? {
        var matcher = GrammarMatcher(grammar)
        var text: [UInt8] = []
        while text.count < limit {
            let allowed = matcher.allowedBytes
            if matcher.isComplete, allowed.isEmpty || Bool.random(using: &random) { return text }
            var bytes = (0...255).map { UInt8($0) }.filter { allowed.contains($0) }
            let closing = bytes.filter { "\"}],".utf8.contains($0) }
            if !closing.isEmpty, Int.random(in: 0..<3, using: &random) == 0 { bytes = closing }
            guard let byte = bytes.randomElement(using: &random), matcher.accept([byte]) else { return nil }
            text.append(byte)
        }
        return nil
    }
}
