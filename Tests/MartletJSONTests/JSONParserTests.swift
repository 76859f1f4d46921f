import MartletJSON
import Testing

struct JSONParserTests {
    private func parse(_ text: String, limits: JSONParser.Limits = .default) throws -> JSONValue {
        try JSONParser.parse(Array(text.utf8), limits: limits)
    }

    @Test func everyKindOfValueIsRead() throws {
        let value = try parse(
            #" {"a": [1, -2.5, 1e3, true, false, null], "b": {"c": "x\"\\\/\b\f\n\r\t\u00e9\ud83d\udc4b"}} "#)
        #expect(
            value == [
                "a": [1, -2.5, .number(1000), true, false, .null],
                "b": ["c": .string("x\"\\/\u{08}\u{0C}\n\r\té👋")],
            ])
    }

    @Test func objectsRetainKeyOrderAndTheLastDuplicate() throws {
        let value = try parse(#"{"z":1,"a":2,"m":3,"a":4}"#)
        #expect(value.text == #"{"z":1,"a":4,"m":3}"#)
    }

    @Test func keysAndStringsAreTheSameIfTheirBytesAre() throws {
        let value = try parse(#"{"\u00e9":1,"e\u0301":2,"\u00e9":3}"#)
        #expect(value.text == "{\"\u{E9}\":3,\"e\u{301}\":2}")
        #expect(value["\u{E9}"] == 3 && value["e\u{301}"] == 2)
        #expect(JSONValue.string("\u{E9}") != .string("e\u{301}"))
        #expect(Set([JSONValue.string("\u{E9}"), .string("e\u{301}"), .string("\u{E9}")]).count == 2)
        let composed: JSONValue = ["\u{E9}": 1]
        #expect(composed != ["e\u{301}": 1])
    }

    @Test func integersStayIntegers() throws {
        #expect(
            try parse("[1,1.0,9223372036854775807,9223372036854775808]") == [
                1, .number(1), .integer(.max), .largeInteger("9223372036854775808"),
            ])
        #expect(try parse("3.0").integerValue == 3)
        #expect(try parse("3.5").integerValue == nil)
    }

    @Test(
        arguments: [
            ("9223372036854775807", .max, 9_223_372_036_854_775_807), ("9223372036854775808", nil, 1 << 63),
            ("9223372036854775809", nil, (1 << 63) + 1), ("18446744073709551615", nil, .max),
            ("18446744073709551616", nil, nil), ("-9223372036854775808", .min, nil),
            ("-9223372036854775809", nil, nil), ("123456789012345678901234567890", nil, nil), ("-1", -1, nil),
            ("999999999999999999", 999_999_999_999_999_999, 999_999_999_999_999_999), ("0", 0, 0),
            ("-99999999999999999", -99_999_999_999_999_999, nil),
            ("-999999999999999999", -999_999_999_999_999_999, nil),
        ] as [(String, Int64?, UInt64?)])
    func integersOfAnySizeAreKeptExactly(text: String, signed: Int64?, unsigned: UInt64?) throws {
        let value = try parse(text)
        #expect(value.text == text)
        #expect(value.integerValue == signed)
        #expect(value.unsignedValue == unsigned)
        #expect(value.doubleValue == Double(text))
        #expect(value.kindName == "an integer")
        #expect(unsigned.map { JSONValue($0) == value } ?? true)
    }

    @Test func integersOfAnySizeAreTheSameIfTheirDigitsAre() throws {
        let values = try ["9223372036854775808", "9223372036854775809", "9223372036854775808"].map { try parse($0) }
        #expect(values[0] == values[2] && values[0] != values[1] && Set(values).count == 2)
        #expect(values[0] != .number(0x1p63))
    }

    @Test func integersBeyondADoubleAreRefused() {
        #expect(throws: JSONError.self) { try parse("1" + String(repeating: "0", count: 309)) }
    }

    @Test func halfASurrogatePairBecomesTheReplacementCharacter() throws {
        #expect(try parse(#""a\ud800b\ud83dA""#) == .string("a\u{FFFD}b\u{FFFD}A"))
    }

    @Test func aByteOrderMarkIsSkipped() throws {
        #expect(try parse("\u{FEFF}1") == 1)
    }

    @Test(arguments: [
        ("", "unexpected end"), ("{", "expected a key"), ("[1,]", "expected a value"), ("[1 2]", "expected ',' or ']'"),
        (#"{"a" 1}"#, "expected ':'"), (#"{"a":1,}"#, "expected a key"), ("01", "begin with 0"), ("1.", "a digit"),
        ("-", "a digit"), ("1e", "a digit"), ("1e999", "double"), ("tru", "a value"), (#""a"#, "no end"),
        (#""\x""#, "escape"), (#""\u12g4""#, "hexadecimal"), ("\"a\nb\"", "control character"),
        ("1 1", "after the end"),
        ("NaN", "a value"), ("'a'", "a value"),
    ])
    func whatIsNotJSONIsRefusedInWords(text: String, part: String) {
        let error = #expect(throws: JSONError.self) { try parse(text) }
        #expect(error?.message.contains(part) == true, "\(String(describing: error))")
    }

    @Test func anErrorNamesItsPosition() {
        let error = #expect(throws: JSONError.self) { try parse("{\n  \"a\": 1,\n  b\n}") }
        #expect(error?.line == 3)
        #expect(error?.column == 3)
    }

    @Test func textThatIsNotUTF8IsRefused() {
        #expect(throws: JSONError.self) { try JSONParser.parse([0x22, 0xFF, 0x22]) }
        #expect(throws: JSONError.self) { try JSONParser.parse([0x22, 0xED, 0xA0, 0x80, 0x22]) }
    }

    @Test func nestingAndSizeAreLimited() throws {
        let deep = String(repeating: "[", count: 500_000)
        #expect(throws: JSONError.self) { try parse(deep) }
        #expect(throws: JSONError.self) { try parse("[1,2,3]", limits: .init(depth: 8, nodes: 3)) }
        #expect(try parse("[[1]]", limits: .init(depth: 2, nodes: 3)) == [[1]])
        #expect(throws: JSONError.self) { try parse("[[[1]]]", limits: .init(depth: 2, nodes: 9)) }
    }

    @Test func whatIsWrittenReadsBackTheSame() throws {
        let value: JSONValue = [
            "text": .string("quote \" backslash \\ controls \u{01}\n\u{1F} emoji 👩‍🚀 é"),
            "n": [0, -1, 0.1, 1e300, .integer(.min)],
            "empty": [[:], []], "flags": [true, false, .null],
        ]
        #expect(try JSONParser.parse(value.bytes) == value)
    }

    @Test func damagedTextNeverTraps() {
        let seed = Array(
            #"{"model":"m","messages":[{"role":"user","content":"h\u00e9\n"}],"temperature":0.5e-1,"x":[null]}"#.utf8)
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        func random(_ bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(bound))
        }
        for _ in 0..<20_000 {
            var bytes = seed
            for _ in 0...random(4) { bytes[random(bytes.count)] = UInt8(random(256)) }
            bytes.removeLast(random(bytes.count))
            if let value = try? JSONParser.parse(bytes) { #expect((try? JSONParser.parse(value.bytes)) == value) }
        }
    }
}
