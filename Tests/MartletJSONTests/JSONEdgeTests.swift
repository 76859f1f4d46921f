import Foundation
import MartletJSON
import Testing

/// Numbers, encodings and limits at their edges.
@Suite struct JSONEdgeTests {
    private func parse(_ text: String, _ limits: JSONParser.Limits = .default) throws(JSONError) -> JSONValue {
        try JSONParser.parse(Array(text.utf8), limits: limits)
    }

    @Test(
        arguments: [
            ("0", 0), ("-0", 0), ("9223372036854775806", .max - 1), ("9223372036854775807", .max),
            ("-9223372036854775807", .min + 1), ("-9223372036854775808", .min),
            ("9007199254740993", 9_007_199_254_740_993),
        ] as [(String, Int64)])
    func integersOf64BitsAreExact(text: String, value: Int64) throws {
        let parsed = try parse(text)
        #expect(parsed == .integer(value) && parsed.integerValue == value && parsed.integerDigits == String(value))
        #expect(parsed.unsignedValue == UInt64(exactly: value) && parsed.doubleValue == Double(value))
        #expect(parsed.kindName == "an integer")
    }

    /// The nearest double, as the C library reads the same text.
    @Test(arguments: [
        "-0.0", "0.1", "1e0", "1E+2", "1e-2", "5e-324", "2.4703282292062328e-324", "2.2250738585072011e-308",
        "1.7976931348623157e308", "1.7976931348623158e308", "9007199254740993.0", "0.30000000000000004", "1e22", "1e23",
        "123456789012345678901234567890.5", "1e-400", "0.000000000000000000000000000000000000000000001",
    ])
    func fractionsAreTheNearestDouble(text: String) throws {
        let value = try parse(text)
        let expected = strtod(text, nil)
        #expect(value == .number(expected) && value.doubleValue?.sign == expected.sign)
        #expect(try parse(value.text).doubleValue == expected)
        #expect(value.integerValue == Int64(exactly: expected) && value.unsignedValue == UInt64(exactly: expected))
        #expect(value.kindName == "a number")
    }

    @Test(arguments: [
        "1e309", "-1e309", "1.8e308", "1e99999999999999999999", "1" + String(repeating: "0", count: 309), "0x1", "+1",
        ".5",
        "1.", "1.e5", "1e", "1e+", "--1", "-", "00", "-01", "1_000", "Infinity", "-Infinity", "NaN",
    ])
    func otherSpellingsOfNumbersAreRefused(text: String) {
        #expect(throws: JSONError.self) { try parse(text) }
        #expect(throws: JSONError.self) { try parse("[\(text)]") }
    }

    /// Values that JSON lacks are written as `null`.
    @Test func numbersThatAreNotFiniteAreWrittenAsNull() {
        for value in [Double.nan, .infinity, -.infinity, .signalingNaN] {
            var bytes: [UInt8] = []
            JSONText.appendNumber(value, to: &bytes)
            #expect(bytes == Array("null".utf8))
        }
        for value in [Int.min, -10, -1, 0, 9, 10, 99, 100, .max] {
            var bytes: [UInt8] = []
            JSONText.appendInteger(value, to: &bytes)
            #expect(String(decoding: bytes, as: UTF8.self) == String(value))
        }
        var bytes: [UInt8] = []
        JSONText.appendInteger(UInt64.max, to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == "18446744073709551615")
    }

    /// Every ill-formed sequence of Unicode's table 3-7, inside of a string.
    @Test(
        arguments: [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xDF, 0xC0], [0xE0, 0x80, 0x80],
            [0xE0, 0x9F, 0xBF], [0xE1, 0x80], [0xE1, 0x80, 0x41], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xEF, 0xBF],
            [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF1, 0x80, 0x80], [0xF4, 0x90, 0x80, 0x80],
            [0xF5, 0x80, 0x80, 0x80], [0xFE], [0xFF], [0xFB, 0x80, 0x80, 0x80, 0x80],
        ] as [[UInt8]])
    func illFormedUTF8IsRefused(bytes: [UInt8]) {
        for (front, back) in [("\"", "\""), ("\"a", "b\""), (#""\n"#, "\""), (#"{""#, #"":1}"#)] {
            let text = Array(front.utf8) + bytes + Array(back.utf8)
            let error = #expect(throws: JSONError.self) { try JSONParser.parse(text) }
            #expect(error?.message == "a string is not UTF-8")
        }
        #expect(throws: JSONError.self) { try JSONParser.parse(bytes) }
    }

    /// Pairs are one character, and an unpaired half is U+FFFD.
    @Test(
        arguments: [
            (#"\ud83d\ude00"#, "\u{1F600}"), (#"\uD83D\uDE00"#, "\u{1F600}"), (#"\ud800\udc00"#, "\u{10000}"),
            (#"\udbff\udfff"#, "\u{10FFFF}"), (#"\ud83d"#, "\u{FFFD}"), (#"\ude00"#, "\u{FFFD}"),
            (#"\ude00\ud83d"#, "\u{FFFD}\u{FFFD}"), (#"\ud83d\ud83d\ude00"#, "\u{FFFD}\u{1F600}"),
            (#"\ud83dx"#, "\u{FFFD}x"), (#"\ud83d\n"#, "\u{FFFD}\n"), (#"\ud83d\u0041"#, "\u{FFFD}A"),
            (#"\u0000"#, "\u{0}"), (#"\uFFFF"#, "\u{FFFF}"), (#"\ufeff"#, "\u{FEFF}"), (#"\/"#, "/"),
        ])
    func escapesOfSurrogatesBecomeCharacters(escape: String, text: String) throws {
        #expect(try parse("\"\(escape)\"") == .string(text))
        #expect(try parse("{\"\(escape)\":1}").objectValue?[text] == 1)
    }

    /// A text at a limit is accepted, and with one level or value more it is refused at the right position.
    @Test(
        arguments: [
            ("[]", 1, 1), ("[[[]]]", 3, 3), ("[[],[[]]]", 3, 4), (#"{"a":{"b":{}}}"#, 3, 5), ("[1,2,3]", 1, 4),
            (#"{"a":1,"b":[true,null]}"#, 2, 7), ("7", 0, 1), (#"[{"a":[]},[{}]]"#, 3, 6),
        ] as [(String, Int, Int)])
    func limitsAreExact(text: String, depth: Int, nodes: Int) throws {
        #expect(try parse(text, .init(depth: depth, nodes: nodes)) == parse(text))
        let tooMany = #expect(throws: JSONError.self) { try parse(text, .init(depth: depth, nodes: nodes - 1)) }
        #expect(tooMany?.message == "the text has too many values")
        guard depth > 0 else { return }
        let tooDeep = #expect(throws: JSONError.self) { try parse(text, .init(depth: depth - 1, nodes: nodes)) }
        #expect(tooDeep?.message == "values are nested too deeply")
    }

    @Test(
        arguments: [
            ("", 1, 1, "unexpected end of the text"), ("[1,\n 2,,]", 2, 4, "expected a value"),
            ("{\"é\" 1}", 1, 7, "expected ':' after a key"), ("[1]\n\n x", 3, 2, "text after the end of the value"),
            ("{\n}\r\n]", 3, 1, "text after the end of the value"),
            ("\"a\tb\"", 1, 3, "a control character in a string must be escaped"),
            ("[\"\\x\"]", 1, 5, "unknown escape in a string"),
        ] as [(String, Int, Int, String)])
    func errorsCountLinesAndBytes(text: String, line: Int, column: Int, message: String) {
        let error = #expect(throws: JSONError.self) { try parse(text) }
        #expect(error == JSONError(message: message, line: line, column: column))
        #expect(error?.description == "\(message) at line \(line), column \(column)")
    }
}

/// Tool-call arguments that end in the middle.
@Suite struct PartialArgumentsTests {
    @Test(
        arguments: [
            ("{", "{}"), (#"{"a"#, "{}"), (#"{"a""#, "{}"), (#"{"a":"#, "{}"), (#"{"a":1"#, "{}"),
            (#"{"a":1,"#, #"{"a":1}"#),
            (#"{"a":1 }"#, #"{"a":1}"#), (#"{"a":tr"#, "{}"), (#"{"a":"x"#, #"{"a":"x"}"#),
            (#"{"a":"x\"#, #"{"a":"x"}"#),
            (#"{"a":"x\u00"#, #"{"a":"x"}"#), (#"{"a":"x\n"#, #"{"a":"x\n"}"#), (#"{"a":[1,2"#, #"{"a":[1]}"#),
            (#"{"a":[1,[{"b":"c"#, #"{"a":[1,[{"b":"c"}]]}"#), (#"{"a":{"b":1},"c"#, #"{"a":{"b":1}}"#),
            (#" {"a": "b", "c": nul"#, #"{"a":"b"}"#), (#"{"a":"}"}"#, #"{"a":"}"}"#),
        ])
    func theCertainPartIsCompleted(text: String, completed: String) {
        #expect(PartialArguments.object(beginning: text)?.text == completed)
    }

    @Test(arguments: ["", "[", "1", "x{", "{]", "{} x", "{}{", "}", #"{"a":@"#, "{\"a\":\u{1}", #"{"a":1,,"b":"x"#])
    func otherTextIsNoBeginning(text: String) {
        #expect(PartialArguments.object(beginning: text) == nil)
    }

    /// Each beginning of a text yields an object, and a longer beginning never has fewer members.
    @Test func everyBeginningYieldsAnObjectThatGrows() throws {
        let whole =
            #"{"city": "Os\u006co \ud83d\ude00", "days": [1, -2.5e3, true], "more": {"a": null, "b": [[], {}]}, "z": "é"}"#
        let expected = try JSONParser.parse(Array(whole.utf8))
        var count = 0
        for end in whole.unicodeScalars.indices.dropFirst() {
            let value = PartialArguments.object(beginning: String(whole[..<end]))
            let members = try #require(value?.objectValue)
            #expect(
                members.count >= count && members.keys == Array(expected.objectValue?.keys.prefix(members.count) ?? []))
            count = members.count
        }
        #expect(PartialArguments.object(beginning: whole) == expected)
    }
}
