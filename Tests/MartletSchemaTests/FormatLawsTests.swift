import MartletTestSupport
import Testing

@testable import MartletSchema

/// Formats of many texts, compared with `FormatModels`.
@Suite struct FormatLawsTests {
    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    private static func text(
        of pieces: [String], _ counts: ClosedRange<Int>, separator: String = "", _ random: inout SeededGenerator
    ) -> String {
        (0..<Int.random(in: counts, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }
            .joined(separator: separator)
    }

    /// Protects the lengths of months and the rule of leap years.
    @Test func datesAreThoseOfTheCalendar() throws {
        let automaton = try SchemaFormat.automaton(named: "date")
        func check(_ year: Int, _ month: Int, _ day: Int) {
            let text = "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(day, 2))"
            let isDate = FormatModels.isDate(year: year, month: month, day: day)
            #expect(automaton.matches(text) == isDate, "\(text)")
        }
        for year in [0, 1, 1_999, 2_024] {
            for month in 0...13 { for day in [0, 1, 9, 10, 19, 20, 28, 29, 30, 31, 32] { check(year, month, day) } }
        }
        for year in Array(stride(from: 0, to: 10_000, by: 100)) + Array(1_890...2_110) { check(year, 2, 29) }
    }

    /// Protects the ranges of hours, minutes and seconds, and the need of an offset.
    @Test func timesHaveTheirRanges() throws {
        let automaton = try SchemaFormat.automaton(named: "time")
        var random = SeededGenerator(seed: 1)
        let offsets = [
            ("Z", true), ("z", true), ("+00:00", true), ("-23:59", true), ("+24:00", false), ("+12:60", false),
            ("", false),
            ("+1:00", false), ("+0100", false), ("Z ", false),
        ]
        let fractions = [("", true), (".0", true), (".123456789012", true), (".", false), (",5", false)]
        for _ in 0..<600 {
            let (hour, minute) = (Int.random(in: 0...27, using: &random), Int.random(in: 0...66, using: &random))
            let second = Int.random(in: 0...66, using: &random)
            let (offset, isOffset) = offsets[Int.random(in: 0..<offsets.count, using: &random)]
            let (fraction, isFraction) = fractions[Int.random(in: 0..<fractions.count, using: &random)]
            let clock = [hour, minute, second].map { Self.padded($0, 2) }.joined(separator: ":")
            let isTime = hour < 24 && minute < 60 && second < 60 && isOffset && isFraction
            #expect(automaton.matches(clock + fraction + offset) == isTime, "\(clock + fraction + offset)")
        }
    }

    /// Random texts of a format's own pieces: the automaton accepts exactly what the specification admits.
    private struct Exact: Sendable {
        var format: String
        var pieces: [String]
        var counts: ClosedRange<Int>
        var separator = ""
        var isValid: @Sendable (String) -> Bool
    }

    private static let exact: [Exact] = [
        Exact(
            format: "ipv4", pieces: ["0", "1", "10", "99", "100", "249", "255", "256", "01", "260", "1000", ""],
            counts: 3...5, separator: ".", isValid: { FormatModels.isIPv4($0) }),
        Exact(
            format: "ipv6",
            pieces: ["0:", "a1:", "F:", "1234:", ":", "::", "1:2:3:", "0", "ffff", "12345:", "1.2.3.4"],
            counts: 1...8, isValid: { FormatModels.isIPv6($0) }),
        Exact(
            format: "duration", pieces: ["P", "T", "1Y", "22M", "3W", "4D", "5H", "6M", "7S", "8", "W"], counts: 0...5,
            isValid: { FormatModels.isDuration("P" + $0) }),
        Exact(
            format: "json-pointer", pieces: ["/", "~0", "~1", "~", "a", "0", "é", "\n"], counts: 0...5,
            isValid: { FormatModels.isPointer($0) }),
        Exact(
            format: "relative-json-pointer", pieces: ["0", "1", "20", "#", "/", "~1", "a"], counts: 0...5,
            isValid: { FormatModels.isRelativePointer($0) }),
        Exact(
            format: "byte", pieces: ["A", "b", "9", "+", "/", "=", "==", "abcd", "-"], counts: 0...6,
            isValid: { FormatModels.isBase64($0) }),
        Exact(
            format: "uri",
            pieces: [
                "a", "a:", "s+1:", "t:", ":", "/", "//", "?", "#", "@", "[::1]", "[", "%2", "0", " ", "b.c", "%41",
            ],
            counts: 1...7, isValid: { FormatModels.isURI($0, mayBeRelative: false) }),
        Exact(
            format: "uri-reference",
            pieces: ["a", "a:", ":", "/", "//", "?", "#", "@", "[1::]", "]", "%2", "0", "\\", "1:", "%aF"],
            counts: 0...6,
            isValid: { FormatModels.isURI($0, mayBeRelative: true) }),
    ]

    /// Protects each format whose language is not restricted: no valid text is refused, and no other accepted.
    @Test(arguments: exact.indices) func formatsAreTheirSpecifications(index: Int) throws {
        let model = Self.exact[index]
        let automaton = try SchemaFormat.automaton(named: model.format)
        var random = SeededGenerator(seed: 20 + UInt64(index))
        var (valid, invalid) = (0, 0)
        for _ in 0..<1_200 {
            let text = Self.text(of: model.pieces, model.counts, separator: model.separator, &random)
            let isValid = model.isValid(text)
            let whole = model.format == "duration" ? "P" + text : text
            #expect(automaton.matches(whole) == isValid, "\(model.format) \(whole.debugDescription)")
            if isValid { valid += 1 } else { invalid += 1 }
        }
        #expect(valid > 20 && invalid > 100, "\(model.format): \(valid) and \(invalid)")
    }

    /// Protects soundness where a format is restricted to a regular subset, up to the longest texts of the subset.
    @Test func restrictedFormatsAreSubsets() throws {
        let (hosts, emails) = (
            try SchemaFormat.automaton(named: "hostname"), try SchemaFormat.automaton(named: "email")
        )
        var random = SeededGenerator(seed: 3)
        let pieces = [
            "a", "B9", "-", ".", "a-b.", "xn--", "_", "@", "é", String(repeating: "x", count: 25), "+", "a@b.",
        ]
        var (hostCount, emailCount) = (0, 0)
        for _ in 0..<2_000 {
            let text = Self.text(of: pieces, 1...7, &random)
            if hosts.matches(text) {
                hostCount += 1
                #expect(FormatModels.isHostname(text), "\(text)")
            }
            if emails.matches(text) {
                emailCount += 1
                #expect(FormatModels.isEmail(text), "\(text)")
            }
        }
        #expect(hostCount > 50 && emailCount > 20)
        let longest = [hosts, emails].map { $0.lengths.maximum }
        #expect(longest[0].map { $0 <= 253 } == true && longest[1].map { $0 <= 254 } == true)
        let local = String(repeating: "a", count: 64)
        #expect(emails.matches("\(local)@b.c") && !emails.matches("\(local)a@b.c"))
    }

    /// Protects the format of expressions: each text that it admits can be compiled.
    @Test func admittedExpressionsCanBeParsed() throws {
        let automaton = try SchemaFormat.automaton(named: "regex")
        let pieces = ["a", "\\b", "*", "[^a]", "(", ")", "|", "^", "$", "\\d", "?"]
        var texts = [""]
        var admitted = 0
        for _ in 0..<4 {
            texts = texts.flatMap { text in pieces.map { text + $0 } }
            for text in texts where automaton.matches(text) {
                admitted += 1
                #expect(throws: Never.self, "\(text)") { try RegexParser.parse(text) }
            }
        }
        #expect(admitted > 300)
        #expect(automaton.matches("\\bcat\\b") && !automaton.matches("\\b*") && !automaton.matches("(\\b+)"))
    }
}
