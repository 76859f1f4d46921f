import MartletTestSupport
import MartletText
import Testing

/// Beginnings of texts from outside in messages.
@Suite struct ExcerptTests {
    /// A text with scalars of one to four bytes, combining marks, emoji and control characters.
    private static func text(_ random: inout SeededGenerator, upTo count: Int) -> String {
        let scalars: [Unicode.Scalar] = [
            "a", "b", "\\", "é", "世", "\u{301}", "\u{200D}", "\u{1F469}", "\u{FE0F}", "\u{1B}", "\n", "\r", "\t",
            "\u{0}",
            "\u{9B}", "\u{202E}", "\u{2028}", "\u{10FFFF}", "\u{FFFD}",
        ]
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...count, using: &random) { text.append(random.element(of: scalars)) }
        return String(text)
    }

    @Test(arguments: [
        ("", 0, ""), ("abc", 3, "abc"), ("abc", 2, "ab…"), ("abc", 0, "…"), ("é", 1, "…"), ("aé", 2, "a…"),
        ("a\u{1B}[2Jb", 3, #"a\u{1B}[…"#), ("one\ntwo\r\n\tx", 99, #"one\ntwo\r\n\tx"#),
        ("\u{202E}evil", 99, #"\u{202E}evil"#),
        ("\u{9B}31m", 99, #"\u{9B}31m"#), ("👩‍👩‍👧", 4, "👩…"), ("世界", 5, "世…"), ("abc", -1, "…"),
    ])
    func anExcerptIsOneLineOfAFewBytes(text: String, limit: Int, expected: String) {
        #expect(text.excerpt(bytes: limit).hasSameBytes(as: expected))
        #expect(Array(text.utf8).excerpt(bytes: limit).hasSameBytes(as: expected))
        #expect("x\(text)".dropFirst().excerpt(bytes: limit).hasSameBytes(as: expected) || text.first == "\u{202E}")
    }

    @Test(arguments: 0..<200) func theBeginningIsTheLongestOneThatFits(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let text = Self.text(&random, upTo: 30)
        for limit in 0...(text.utf8.count + 2) {
            // The plain model: scalars, as long as their bytes fit.
            var expected = String.UnicodeScalarView()
            var count = 0
            for scalar in text.unicodeScalars {
                count += UTF8.width(scalar)
                if count > limit { break }
                expected.append(scalar)
            }
            #expect(text.beginning(bytes: limit).hasSameBytes(as: String(expected)), "\(limit)")
        }
    }

    @Test(arguments: 0..<200) func noExcerptControlsATerminalOrIsLongerThanPromised(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed) + 1_000)
        let text = Self.text(&random, upTo: 60)
        let limit = Int.random(in: 0...80, using: &random)
        let excerpt = text.excerpt(bytes: limit)
        #expect(excerpt.utf8.count <= 6 * limit + 3)
        #expect(excerpt.hasSuffix("…") == (text.utf8.count > limit))
        for scalar in excerpt.unicodeScalars {
            #expect(scalar.properties.generalCategory != .control, "\(scalar.value)")
            #expect(![0x2028, 0x2029, 0x202E].contains(scalar.value))
        }
        #expect(
            Array(text.utf8).excerpt(bytes: limit).hasSameBytes(as: excerpt), "bytes and text have the same excerpt")
    }

    /// A count of characters is no bound: this text is one character of two megabytes.
    @Test func oneCharacterOfMegabytesIsCut() {
        let text = "e" + String(repeating: "\u{301}", count: 1 << 20)
        #expect(text.count == 1)
        #expect(text.excerpt(bytes: 64).utf8.count <= 67)
        #expect(text.beginning(bytes: 64).utf8.count == 63)
    }

    @Test(
        arguments: [
            ([0xFF, 0x61], 10, "\u{FFFD}a"), ([0x61, 0xE4, 0xB8], 10, "a\u{FFFD}"),
            ([0x61, 0xE4, 0xB8, 0x96, 0x62], 2, "a…"),
            ([0x61, 0x62, 0xE4], 2, "ab…"), ([], 5, ""),
        ] as [([UInt8], Int, String)])
    func bytesThatAreNoTextAreShownAsSuch(bytes: [UInt8], limit: Int, expected: String) {
        #expect(bytes.excerpt(bytes: limit).hasSameBytes(as: expected))
        #expect(bytes[...].excerpt(bytes: limit).hasSameBytes(as: expected))
    }
}
