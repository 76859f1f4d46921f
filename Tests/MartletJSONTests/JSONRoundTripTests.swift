import Foundation
import MartletJSON
import Testing

/// Random values survive writing and parsing, and mean the same to Foundation.
@Suite struct JSONRoundTripTests {
    private static let scalars: [Unicode.Scalar] = [
        "a", "\"", "\\", "/", "\u{0}", "\u{8}", "\n", "\u{1F}", "\u{7F}", "\u{E9}", "e", "\u{301}", "\u{7FF}",
        "\u{800}",
        "\u{D7FF}", "\u{E000}", "\u{FEFF}", "\u{FFFD}", "\u{FFFF}", "\u{10000}", "\u{1F468}", "\u{200D}", "\u{10FFFF}",
    ]
    private static let numbers: [JSONValue] = [
        0, -1, .integer(.min), .integer(.max), .largeInteger("18446744073709551615"), .number(0.1), .number(-0.0),
        .number(1e300), .number(.leastNonzeroMagnitude), .number(.greatestFiniteMagnitude), .number(1),
    ]

    private static func string(_ random: inout some RandomNumberGenerator) -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            text.unicodeScalars.append(scalars.randomElement(using: &random) ?? "x")
        }
        return text
    }

    private static func value(depth: Int, _ random: inout some RandomNumberGenerator) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &random) {
        case 0: return .null
        case 1: return .bool(.random(using: &random))
        case 2: return numbers.randomElement(using: &random) ?? 0
        case 3: return .number(Double(bitPattern: .random(in: 0..<0x7FF0_0000_0000_0000, using: &random)))
        case 4: return .string(string(&random))
        case 5:
            return .array((0..<Int.random(in: 0...4, using: &random)).map { _ in value(depth: depth - 1, &random) })
        default:
            var members = JSONObject()
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                members[string(&random)] = value(depth: depth - 1, &random)
            }
            return .object(members)
        }
    }

    @Test func everyValueIsParsedFromItsOwnText() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            let value = Self.value(depth: 4, &random)
            let bytes = value.bytes
            let again = try JSONParser.parse(bytes)
            #expect(again == value && again.bytes == bytes, "\(value.text)")
            #expect(again.hashValue == value.hashValue)
            // White space between the tokens changes nothing, and a slice is parsed like an array.
            let padded = Array("\t\n\r [".utf8) + bytes + Array(" ]\n".utf8)
            #expect(try JSONParser.parse(padded) == [value])
            #expect(try JSONParser.parse(padded[5..<5 + bytes.count]) == value)
        }
    }

    /// Foundation's parser accepts the text and finds the same kinds, strings and doubles.
    @Test func textMeansTheSameToFoundation() throws {
        func isSame(_ value: JSONValue, _ other: Any) -> Bool {
            switch value {
            case .null: other is NSNull
            case .bool(let value): (other as? NSNumber)?.boolValue == value
            case .integer(let value): (other as? NSNumber)?.int64Value == value
            case .largeInteger(let digits): (other as? NSNumber)?.doubleValue == Double(digits)
            // Foundation reads numbers of many digits as decimal numbers, which round differently.
            case .number(let value):
                (other as? NSNumber).map { abs($0.doubleValue - value) <= abs(value) * 1e-14 } ?? false
            // Foundation drops U+FEFF.
            case .string(let value):
                (other as? String).map { text in
                    let scalars = { (text: String) in Array(text.unicodeScalars).filter { $0 != "\u{FEFF}" } }
                    return scalars(text) == scalars(value)
                } ?? false
            case .array(let elements):
                (other as? [Any]).map { $0.count == elements.count && zip(elements, $0).allSatisfy(isSame) } ?? false
            case .object: false
            }
        }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            // Foundation merges keys that are canonically equivalent, so that objects are not compared.
            let value: JSONValue = .array((0..<4).map { _ in Self.value(depth: 0, &random) })
            // Foundation refuses some subnormal numbers, and drops a byte order mark at the beginning of a string.
            if value.text.contains("\"\u{FEFF}") { continue }
            if case .array(let elements) = value, elements.contains(where: { $0.doubleValue?.isSubnormal == true }) {
                continue
            }
            let other = try JSONSerialization.jsonObject(with: Data(value.bytes))
            #expect(isSame(value, other), "\(value.text)")
        }
    }

    @Test func stringsOfEveryScalarAreWrittenWithTheRequiredEscapesOnly() throws {
        for number in Array(UInt32(0)...0x2FF) + [0x2028, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF] {
            let scalar = try #require(Unicode.Scalar(number))
            let text = String(Character(scalar))
            let written = JSONValue.string(text).text
            #expect(try JSONParser.parse(Array(written.utf8)) == .string(text))
            let mustEscape = number < 0x20 || scalar == "\"" || scalar == "\\"
            #expect(written.utf8.contains(UInt8(ascii: "\\")) == mustEscape, "U+\(String(number, radix: 16))")
        }
    }

    /// `merge`, `removeValue` and the subscript keep the order of the other members.
    @Test func membersKeepTheirOrder() {
        var object: JSONObject = ["c": 1, "a": 2, "b": 3]
        object["a"] = 4
        #expect(object.keys == ["c", "a", "b"] && object.index(forKey: "a") == 1)
        #expect(object.removeValue(forKey: "c") == 1 && object.removeValue(forKey: "c") == nil)
        #expect(object.keys == ["a", "b"] && object.index(forKey: "c") == nil)
        object["c"] = .null
        #expect(object.keys == ["a", "b", "c"] && object.withoutNulls.keys == ["a", "b"])
        let merged = object.merging(["b": 5, "d": 6]) { old, new in old == 3 ? new : old }
        #expect(JSONValue.object(merged).text == #"{"a":4,"b":5,"c":null,"d":6}"#)
        object["a"] = nil
        #expect(object.keys == ["b", "c"] && object.map(\.key) == object.keys)
        #expect(JSONValue.object(["x": 1, "y": 2]) != ["y": 2, "x": 1])
    }
}
