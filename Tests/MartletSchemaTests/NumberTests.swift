import MartletGrammar
import MartletJSON
import Testing

@testable import MartletSchema

@Suite struct NumberTests {
    private static let texts = {
        var texts: [String] = []
        for whole in Array(0...8) + [12, 13, 14, 98, 99, 100, 116, 117, 118, 999, 1000, 1001, 12_345] {
            for fraction in ["", ".0", ".5", ".25", ".05", ".500"] {
                texts.append("\(whole)\(fraction)")
                texts.append("-\(whole)\(fraction)")
            }
        }
        return texts
    }()

    @Test(
        arguments: [
            #"{"type": "integer"}"#, #"{"minimum": 3, "maximum": 117}"#, #"{"exclusiveMinimum": -5, "maximum": 0}"#,
            #"{"minimum": -12.25, "exclusiveMaximum": 99.5}"#, #"{"minimum": 0}"#, #"{"exclusiveMinimum": 0}"#,
            #"{"multipleOf": 7}"#, #"{"multipleOf": 0.25, "minimum": -3}"#, #"{"multipleOf": 2.5}"#,
            #"{"type": "integer", "minimum": 1000}"#, #"{"not": {"type": "integer"}}"#,
            #"{"type": "number", "not": {"multipleOf": 5}}"#, #"{"type": "integer", "not": {"enum": [5, -100]}}"#,
            #"{"minimum": 5, "exclusiveMinimum": true}"#, #"{"maximum": 1e2}"#, #"{"minimum": 0.05, "maximum": 0.25}"#,
        ])
    func numbersAreComparedExactly(schema: String) throws {
        let probe = try SchemaProbe(schema)
        let nodes = try SchemaParser.read(JSONParser.parse(Array(schema.utf8)), limits: .standard)
        let evaluator = SchemaEvaluator(nodes: nodes, patterns: PatternTable())
        for text in Self.texts {
            let value = try JSONParser.parse(Array(text.utf8))
            let isValid = try evaluator.isValid(value, 0)
            // Integers are generated without a fraction.
            if probe.accepts(text) { #expect(isValid, "\(text)") }
            if isValid, !text.contains(".") { #expect(probe.accepts(text), "\(text)") }
        }
    }

    @Test func exponentsNeverLeaveTheDoubles() throws {
        let probe = try SchemaProbe(#"{"type": "number"}"#)
        for text in ["1e5", "-0.5E-10", "1e+299", "0"] { #expect(probe.accepts(text)) }
        for text in ["1e300", "1e3000", "01", "1.", ".5", "+1", "1e", "NaN", "-"] { #expect(!probe.accepts(text)) }
    }

    @Test func decimalsAreReadExactly() throws {
        let one = try #require(DecimalNumber(text: "0.1e1"))
        #expect(one == DecimalNumber(text: "1.0"))
        #expect(DecimalNumber.compare(try #require(DecimalNumber(text: "-2")), one) < 0)
        #expect(
            try #require(DecimalNumber(text: "0.3")).isMultiple(of: try #require(DecimalNumber(text: "0.1"))) == true)
        #expect(
            try #require(DecimalNumber(text: "0.35")).isMultiple(of: try #require(DecimalNumber(text: "0.1"))) == false)
        #expect(DecimalNumber(text: "1e9999") == nil)
    }
}
