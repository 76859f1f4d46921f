import MartletJSON
import MartletTestSupport
import Testing

@testable import MartletGrammar
@testable import MartletSchema

/// Arrays in which no two items are equal, for items of any type.
@Suite struct UniqueItemsTests {
    private static let any = #"{"type": "array", "uniqueItems": true}"#
    private static let strings =
        #"{"type": "array", "items": {"type": "string", "maxLength": 4}, "uniqueItems": true, "maxItems": 4}"#

    @Test(
        arguments: [
            (
                strings, ["[]", #"["a", "b"]"#, #"["a","A","aa",""]"#],
                [#"["a","a"]"#, #"["a", "b",  "a"]"#, #"["",""]"#]
            ),
            // Strings by their characters, in any spelling.
            (
                strings, [#"["a","\u0062"]"#, #"["\n","\t"]"#],
                [
                    #"["a","\u0061"]"#, #"["\n","\u000a"]"#, #"["/","\/"]"#, #"["\"","\u0022"]"#,
                    #"["😀","\ud83d\ude00"]"#,
                ]
            ),
            // Numbers by their value.
            (
                any, ["[1,2,1.5,-1,10]", "[0.1,0.10000001]", "[9007199254740993,9007199254740992]"],
                ["[1,1]", "[1,1.0]", "[1,10e-1]", "[0,-0]", "[1.50,1.5]", "[100,1e2]", "[2,1,2]"]
            ),
            (
                any, [#"[1,"1",true,"true",null,"null",[],{},[[]],[{}]]"#],
                ["[true,true]", "[null,null]", "[[],[]]", "[{},{}]"]
            ),
            // Objects without the order of their members; arrays with the order of their items.
            (
                any, [#"[{"a":1},{"a":2},{"b":1}]"#, "[[1,2],[2,1]]", #"[{"a":{"b":1}},{"a":{"b":2}}]"#],
                [
                    #"[{"a":1,"b":2},{"b":2,"a":1}]"#, #"[{"a":1}, {"a":1.0}]"#, "[[1,2], [1, 2]]",
                    #"[[{"x":1,"y":[2]}],[{"y":[2.0],"x":1}]]"#, "[{\n  \"a\": 1},{\"a\":1}]",
                ]
            ),
            // Nested arrays.
            (
                #"{"type": "array", "uniqueItems": true, "items": {"type": "array", "uniqueItems": true, "items": {"type": "integer"}}}"#,
                ["[[1,2],[2,1],[1]]", "[[],[0]]"], ["[[1,1]]", "[[1,2],[1,2]]", "[[1],[2],[1]]"]
            ),
            (
                #"{"type": "array", "items": {"type": "array", "uniqueItems": true, "items": {"type": "integer"}}}"#,
                ["[[1,2],[1,2]]"], ["[[1,2],[1,1]]"]
            ),
            (
                #"{"type": "object", "properties": {"a": {"type": "array", "uniqueItems": true}, "b": {"type": "array", "uniqueItems": true}}, "additionalProperties": false}"#,
                [#"{"a":[1],"b":[1]}"#], [#"{"a":[1],"b":[1,1]}"#, #"{"a":["x","x"]}"#]
            ),
            // With other keywords for items.
            (
                #"{"type": "array", "prefixItems": [{"type": "integer"}], "items": {"type": ["integer", "null"]}, "uniqueItems": true, "minItems": 2}"#,
                ["[1,null]", "[1,2,3]"], ["[1]", "[1,1]", "[1,null,null]"]
            ),
            (
                #"{"type": "array", "contains": {"const": 5}, "items": {"type": "integer"}, "uniqueItems": true}"#,
                ["[5]", "[1,5,2]"], ["[1,2]", "[5,5]", "[1,5,1]"]
            ),
            // Where another alternative allows equal items, they are allowed.
            (
                #"{"anyOf": [{"type": "array", "items": {"type": "integer"}, "uniqueItems": true}, {"type": "array", "items": {"type": ["integer", "string"]}, "maxItems": 2}]}"#,
                ["[1,2,3]", "[1,1]", #"["a","a"]"#], ["[1,1,1]", "[1,2,1]", #"[1,2,"a"]"#]
            ),
        ] as [(String, [String], [String])])
    func equalItemsAreRefused(schema: String, yes: [String], no: [String]) throws {
        let probe = try SchemaProbe(schema)
        for text in yes { #expect(probe.accepts(text), "\(text)") }
        for text in no { #expect(!probe.accepts(text), "\(text)") }
    }

    private static let colours = (0..<20).map { JSONValue.string("c\($0)") }

    /// A beginning of an item that could only end as an earlier item is not allowed.
    @Test func noItemIsBegunThatCannotEnd() throws {
        let items: JSONValue = ["type": "array", "uniqueItems": true, "items": ["enum": .array(Self.colours)]]
        var matcher = GrammarMatcher(try SchemaCompiler().grammar(of: items).grammar)
        let began = matcher.accept(Array(#"["c1","c10","c11","c12","c13","c14","c15","c16","c17","c18","c19","c"#.utf8))
        #expect(began)
        #expect(matcher.allowedBytes == ByteSet("023456789".utf8))
        let wentOn = matcher.accept(Array("3".utf8))
        #expect(wentOn)
        let ended = matcher.accept(Array(#"","c2","c4","c5","c6","c7","c8","c9","c0""#.utf8))
        #expect(ended)
        // All twenty values are present.
        #expect(!matcher.allowedBytes.contains(UInt8(ascii: ",")))
        #expect(matcher.allowedBytes.contains(UInt8(ascii: "]")))
    }

    @Test func aMemberIsNotWrittenThatLeavesNoOtherItem() throws {
        let schema =
            #"{"type": "array", "uniqueItems": true, "items": {"type": "object", "properties": {"n": {"type": "string"}, "k": {"enum": ["a", "b"]}}, "required": ["n", "k"], "additionalProperties": false}}"#
        let value = try JSONParser.parse(Array(schema.utf8))
        var matcher = GrammarMatcher(try SchemaCompiler(spacing: .compact).grammar(of: value).grammar)
        let first = matcher.accept(Array(#"[{"n":"x","k":"a"},{"n":"x","k":""#.utf8))
        #expect(first)
        #expect(matcher.allowedBytes == ByteSet("b".utf8))
        let second = matcher.accept(Array(#"b"},{"n":"x"#.utf8))
        #expect(second)
        // Both members with that name exist, so that another name is needed.
        #expect(!matcher.allowedBytes.contains(UInt8(ascii: "\"")))
        let third = matcher.accept(Array(#"y","k":"a"}]"#.utf8))
        #expect(third)
        #expect(matcher.isComplete)
    }

    @Test func moreItemsThanValuesAreNoArray() {
        let schema: JSONValue = [
            "type": "array", "uniqueItems": true, "items": ["enum": .array(Self.colours)], "minItems": 21,
        ]
        let error = #expect(throws: SchemaError.self) { try SchemaCompiler().grammar(of: schema) }
        #expect(error?.kind == .unsatisfiable)
    }

    @Test func copiesAreIndependent() throws {
        var first = GrammarMatcher(try SchemaCompiler().grammar(of: JSONParser.parse(Array(Self.any.utf8))).grammar)
        let begun = first.accept(Array("[1,".utf8))
        #expect(begun)
        var second = first
        let (one, two) = (first.accept(Array("2,".utf8)), second.accept(Array("3,".utf8)))
        #expect(one && two)
        let (ownAgain, others) = (first.accept(Array("2]".utf8)), first.accept(Array("3]".utf8)))
        #expect(!ownAgain && others)
        let (ownToo, first2) = (second.accept(Array("3]".utf8)), second.accept(Array("2]".utf8)))
        #expect(!ownToo && first2)
    }

    /// Items beyond the memory limit are refused and not admitted unchecked.
    @Test func memoryForItemsIsBounded() throws {
        let grammar = try SchemaCompiler().grammar(of: JSONParser.parse(Array(Self.any.utf8))).grammar
        var matcher = GrammarMatcher(grammar, limits: GrammarLimits(itemBytes: 2_000))
        var count = 0
        while count < 1_000, matcher.accept(Array((count == 0 ? "[0" : ",\(count)").utf8)) { count += 1 }
        #expect(count > 10 && count < 100)
        #expect(matcher.isOverflown)
    }

    /// A bounded number of look-ahead steps keeps the mask of a number cheap.
    @Test(arguments: ["", #", "minimum": 0, "maximum": 1"#, #", "minimum": 0"#])
    func numbersWithoutBoundsCostAMaskLittle(bounds: String) throws {
        let schema = #"{"type": "array", "items": {"type": "number"\#(bounds)}, "uniqueItems": true, "minItems": 4}"#
        let texts = ["[", "]", ",", ".", "e", "-", "0.", "1,"] + (0..<200).map { "\($0)" }
        let vocabulary = TokenVocabulary(count: texts.count + 1, endOfGeneration: [0]) {
            $0 == 0 ? nil : Array(texts[Int($0) - 1].utf8)[...]
        }
        let grammar = try SchemaCompiler(spacing: .compact).grammar(of: JSONParser.parse(Array(schema.utf8))).grammar
        let machine = TokenMachine(try grammar.program { _ in nil }, vocabulary: vocabulary)
        var random = SeededGenerator(seed: 5)
        let matcher = TokenMatcher(machine)
        for _ in 0..<80 where !matcher.isFinished {
            let words = Array(matcher.mask())
            #expect(machine.machine.lookahead <= 20 * vocabulary.count)
            let allowed = (0..<vocabulary.count).filter { words[$0 >> 6] >> UInt64($0 & 63) & 1 != 0 }
            let token = try #require(allowed.randomElement(using: &random))
            let isAccepted = matcher.accept(Int32(token))
            #expect(isAccepted)
        }
    }

    private static let pieces = [
        "[", "]", ",", "\"", "a", "b", "c", "ab", "\",\"", "\"a\"", "\"a\",", ",\"a\"", "a\",\"a", "a\"]", "1", "12",
        "1,",
        "1,1", ",1", "1]", " ", ", ", "\\u0061", "\\", "u0061", "[1,2", "[1,1", "[\"a\",\"b\"", "{", "}", ":", "x",
        "\"x\":",
        "{\"x\":1}", "},{", "1}", "\n", "0", "-", ".", ".0", "true", "null", "é",
    ]

    /// A mask equals the separate decision for each token, also with several texts in progress.
    @Test(arguments: [
        strings, any,
        #"{"type": "array", "uniqueItems": true, "items": {"enum": ["a", "b", "c", "ab", "abc", "aa", "ba", "bb", "cc"]}}"#,
        #"{"type": "array", "uniqueItems": true, "items": {"type": "integer", "minimum": 0, "maximum": 12}}"#,
        #"{"type": "array", "uniqueItems": true, "items": {"type": "object", "properties": {"x": {"enum": [1, 2]}}, "required": ["x"], "additionalProperties": false}}"#,
    ])
    func masksKnowWhatWasWritten(schema: String) throws {
        let texts = (0...255).map { [UInt8($0)] } + Self.pieces.filter { $0.utf8.count > 1 }.map { Array($0.utf8) }
        let vocabulary = TokenVocabulary(count: texts.count + 1, endOfGeneration: [0]) {
            $0 == 0 ? nil : texts[Int($0) - 1][...]
        }
        let value = try JSONParser.parse(Array(schema.utf8))
        let grammar = try SchemaCompiler(spacing: .compact).grammar(of: value).grammar
        let evaluator = SchemaEvaluator(
            nodes: try SchemaParser.read(value, limits: .standard), patterns: PatternTable())
        var random = SeededGenerator(seed: 11)
        for limits in [GrammarLimits.standard, GrammarLimits(cacheBytes: 30_000)] {
            let machine = TokenMachine(try grammar.program(limits: limits) { _ in nil }, vocabulary: vocabulary)
            for _ in 0..<6 {
                var writers = (0..<2).map { _ in (matcher: TokenMatcher(machine), text: [UInt8]()) }
                for _ in 0..<25 {
                    for index in writers.indices where !writers[index].matcher.isFinished {
                        let matcher = writers[index].matcher
                        let label = Comment(rawValue: String(decoding: writers[index].text, as: UTF8.self))
                        let words = Array(matcher.mask())
                        var allowed: [Int32] = []
                        for token in 0..<Int32(vocabulary.count) {
                            let isSet = words[Int(token) >> 6] >> UInt64(token & 63) & 1 != 0
                            #expect(isSet == matcher.allows(token), "\(token) \(label)")
                            if isSet, token > 0 { allowed.append(token) }
                        }
                        #expect(!allowed.isEmpty, label)
                        guard let token = allowed.randomElement(using: &random) else { continue }
                        let isAccepted = matcher.accept(token)
                        #expect(isAccepted)
                        writers[index].text += texts[Int(token) - 1]
                        // The text so far is also accepted by a new matcher.
                        var replayed = GrammarMatcher(grammar)
                        let isReplayed = replayed.accept(writers[index].text)
                        #expect(isReplayed)
                    }
                }
                for writer in writers where writer.matcher.isFinished {
                    let isValid = try evaluator.isValid(JSONParser.parse(writer.text), 0)
                    #expect(isValid, "\(String(decoding: writer.text, as: UTF8.self))")
                }
            }
        }
    }
}
