import MartletTestSupport
import Testing

@testable import MartletGrammar

/// Items of arrays without equal items, compared with a `Set` of values.
@Suite struct DistinctItemsTests {
    /// A value whose equality is that of JSON Schema: numbers by value, members in any order.
    private indirect enum Value: Hashable {
        case word(String)
        /// A number of hundredths.
        case number(Int)
        case string(String)
        case array([Value])
        case object([String: Value])
    }

    /// Writes values in one of their spellings.
    private struct Writer {
        var random: SeededGenerator

        private mutating func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }

        mutating func value(_ depth: Int) -> Value {
            let names = ["a", "b", "é", "\"", "😀"]
            switch below(depth > 0 ? 9 : 6) {
            case 0: return .word(["true", "false", "null"][below(3)])
            case 1, 2: return .number([0, 5, 50, 100, 150, -100, 1_000][below(7)])
            case 3...5: return .string((0..<below(3)).map { _ in names[below(5)] }.joined())
            case 6: return .array((0..<below(3)).map { _ in value(depth - 1) })
            default:
                var members: [String: Value] = [:]
                for name in names where below(3) == 0 { members[name] = value(depth - 1) }
                return .object(members)
            }
        }

        private mutating func space() -> String { ["", "", " ", "\n  "][below(4)] }

        private mutating func joined(_ parts: [String]) -> String {
            parts.map { space() + $0 + space() }.joined(separator: ",")
        }

        mutating func text(of value: Value) -> String {
            switch value {
            case .word(let word): return word
            case .number(let hundredths): return number(hundredths)
            case .string(let text): return string(text)
            case .array(let items): return "[" + joined(items.map { text(of: $0) }) + "]"
            case .object(let members):
                let order = members.sorted { $0.key < $1.key }.shuffled(using: &random)
                return "{" + joined(order.map { string($0.key) + space() + ":" + space() + text(of: $0.value) }) + "}"
            }
        }

        private mutating func number(_ hundredths: Int) -> String {
            let sign = hundredths < 0 || hundredths == 0 && below(2) == 0 ? "-" : ""
            let (whole, fraction) = (abs(hundredths) / 100, abs(hundredths) % 100)
            let decimals = (fraction < 10 ? "0" : "") + "\(fraction)"
            let short = fraction == 0 ? "\(whole)" : "\(whole).\(decimals)"
            return sign + [short, "\(whole).\(decimals)0", "\(abs(hundredths))e-2"][below(3)]
        }

        private mutating func string(_ text: String) -> String {
            var spelled = "\""
            for scalar in text.unicodeScalars {
                if below(2) == 0 {
                    for unit in Character(scalar).utf16 {
                        let digits = String(unit, radix: 16, uppercase: below(2) == 0)
                        spelled += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                    }
                } else {
                    spelled += scalar == "\"" ? "\\\"" : String(scalar)
                }
            }
            return spelled + "\""
        }
    }

    /// Protects the canonical form of items: an item is a repetition exactly if an equal value came before.
    @Test(arguments: 0..<4) func anItemIsRepeatedIfAnEqualValueCameBefore(seed: UInt64) {
        var writer = Writer(random: SeededGenerator(seed: 30 + seed))
        var (repeated, first) = (0, 0)
        for _ in 0..<60 {
            var items = DistinctItems(byteLimit: 1 << 20)
            var known: Set<Value> = []
            var text = "["
            let isRepeatedAtOnce = items.consume(UInt8(ascii: "["), opens: true)
            #expect(!isRepeatedAtOnce)
            for number in 0..<8 {
                let value = writer.value(2)
                // The byte behind an item ends it.
                let bytes = Array((writer.text(of: value) + (number < 7 ? "," : "]")).utf8)
                text += String(decoding: bytes, as: UTF8.self)
                let ends = bytes.dropLast().map { items.consume($0, opens: false) }
                #expect(!ends.contains(true) && !items.isInString && items.isActive, "\(text)")
                let isRepeated = items.consume(bytes[bytes.count - 1], opens: false)
                #expect(isRepeated == !known.insert(value).inserted, "\(text)")
                if isRepeated { repeated += 1 } else { first += 1 }
            }
            #expect(!items.isActive && items.endedCount == 0 && !items.isAtRisk)
        }
        #expect(repeated > 20 && first > 100)
    }

    /// Protects the look-ahead: an open item is at risk exactly while an earlier item begins with the same bytes.
    @Test func anItemIsAtRiskWhileItIsAlike() {
        var random = SeededGenerator(seed: 8)
        func word(_ random: inout SeededGenerator) -> String {
            "\""
                + (0..<Int.random(in: 0...4, using: &random)).map { _ in Bool.random(using: &random) ? "a" : "b" }
                .joined()
        }
        for _ in 0..<200 {
            var items = DistinctItems(byteLimit: 1 << 20)
            _ = items.consume(UInt8(ascii: "["), opens: true)
            var written: Set<String> = []
            for _ in 0..<6 {
                let item = word(&random)
                #expect(items.isAtRisk == !written.isEmpty)
                var begun = ""
                for letter in item {
                    begun.append(letter)
                    _ = items.consume(letter.asciiValue ?? 0, opens: false)
                    #expect(items.isAtRisk == written.contains { $0.hasPrefix(begun) }, "\(begun) of \(written)")
                }
                _ = items.consume(UInt8(ascii: "\""), opens: false)
                _ = items.consume(UInt8(ascii: ","), opens: false)
                written.insert(item + "\"")
            }
        }
    }

    /// Protects the memory limit: beyond it each further item counts as a repetition, in this array alone.
    @Test func itemsBeyondTheLimitAreRepetitions() {
        var items = DistinctItems(byteLimit: 1_000)
        for _ in 0..<2 {
            _ = items.consume(UInt8(ascii: "["), opens: true)
            var accepted = 0
            for number in 0..<200 {
                var isRepeated = false
                for byte in "\(number),".utf8 { isRepeated = items.consume(byte, opens: false) }
                if isRepeated { break }
                accepted += 1
            }
            // An item of one digit needs 66 bytes.
            #expect(items.isFull && accepted > 5 && accepted < 20)
            _ = items.consume(UInt8(ascii: "]"), opens: false)
            #expect(!items.isFull && !items.isActive)
        }
    }
}
