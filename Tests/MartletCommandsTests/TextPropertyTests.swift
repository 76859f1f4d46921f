import MartletTestSupport
import MartletText
import Testing

@testable import MartletCommands

/// Rules that hold for every text: escapes, names, files of settings, printed output.
@Suite struct TextPropertyTests {
    private func text(_ random: inout SeededGenerator, _ alphabet: String, upTo count: Int) -> String {
        let alphabet = Array(alphabet)
        return String(
            (0..<Int.random(in: 0...count, using: &random)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
            })
    }

    @Test(arguments: 0..<100) func aLineOfTheHistoryIsOneLineAndComesBack(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let line = text(&random, "ab\\n\n \"é世", upTo: 40)
        let escaped = ChatHistory.escaped(line)
        #expect(!escaped.contains { $0.isNewline })
        #expect(ChatHistory.unescaped(escaped) == line)
    }

    @Test(arguments: 0..<100) func aTextWithoutBackslashesStays(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let plain = text(&random, "abnrtx41\"' é", upTo: 30)
        #expect(EscapedText.unescaped(plain) == plain)
        let doubled = plain.map { $0 == "\"" ? "\\\"" : String($0) }.joined(separator: "\\\\")
        #expect(EscapedText.unescaped(doubled) == plain.map { String($0) }.joined(separator: "\\"))
    }

    @Test(arguments: [
        (#"a\nb"#, "a\nb"), (#"\x41\x7e"#, "A~"), (#"\x80"#, #"\x80"#), (#"\x4"#, #"\x4"#), (#"\q"#, #"\q"#),
        (#"\"#, #"\"#), (#"\\n"#, #"\n"#), (#"\t\r\'"#, "\t\r'"),
    ])
    func escapesHaveTheMeaningsOfLlamaServer(text: String, expected: String) {
        #expect(EscapedText.unescaped(text) == expected)
    }

    /// The distance by its definition: the shortest way over insertions, deletions, replacements and swaps.
    private func plainDistance(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Int {
        guard let one = left.last, let other = right.last else { return left.count + right.count }
        var best = min(
            plainDistance(left.dropLast(), right) + 1, plainDistance(left, right.dropLast()) + 1,
            plainDistance(left.dropLast(), right.dropLast()) + (one == other ? 0 : 1))
        if left.count > 1, right.count > 1, left.dropLast().last == other, right.dropLast().last == one {
            best = min(best, plainDistance(left.dropLast(2), right.dropLast(2)) + 1)
        }
        return best
    }

    @Test(arguments: 0..<100) func theDistanceIsTheShortestWay(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let left = text(&random, "abc-", upTo: 5)
        let right = text(&random, "abc-", upTo: 5)
        let distance = EditDistance.distance(left, right)
        #expect(distance == plainDistance(Array(left.utf8)[...], Array(right.utf8)[...]), "\(left) \(right)")
        #expect(distance == EditDistance.distance(right, left))
    }

    @Test func aWordWithoutAnySimilarityHasNoNearestName() {
        #expect(EditDistance.nearest(to: "--prot", among: ["--port", "--host"]) == "--port")
        #expect(EditDistance.nearest(to: "--quantum", among: ["--port", "--host"]) == nil)
        #expect(EditDistance.nearest(to: String(repeating: "a", count: 65), among: ["a"]) == nil)
        #expect(EditDistance.nearest(to: "x", among: []) == nil)
    }

    @Test(arguments: 0..<100) func aFileOfSettingsIsReadAsItWasWritten(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        var lines: [String] = []
        var expected: [ConfigurationFile.Entry] = []
        for number in 1...20 {
            let blanks = String(repeating: " ", count: Int.random(in: 0...3, using: &random))
            let name = "name-\(number)"
            let source = "file:\(number)"
            switch Int.random(in: 0..<4, using: &random) {
            case 0: lines.append(blanks + ["", "# c = d", "; c"][Int.random(in: 0..<3, using: &random)])
            case 1:
                lines.append(blanks + name + blanks)
                expected.append(.init(name: name, value: nil, source: source, line: number))
            default:
                let value = "v" + text(&random, "ab = \"#;é", upTo: 20) + "w"
                lines.append("\(blanks)--name_\(number)\(blanks)=\(blanks)\(value)\(blanks)")
                expected.append(.init(name: name, value: value, source: source, line: number))
            }
        }
        let file = try ConfigurationFile(lines.joined(separator: "\n"), path: "file")
        #expect(file.entries == expected)
    }

    @Test(arguments: ["= 1", "  =", "name =", "--", "---= 2"])
    func aWrongLineIsNamedByItsNumber(line: String) {
        // A line of dashes alone has no name either.
        let error = #expect(throws: SettingError.self) { try ConfigurationFile("ok = 1\n\(line)\n", path: "f") }
        #expect(error.map { "\($0)".contains("f:2") } == true, "\(line)")
    }

    @Test(arguments: 0..<100) func printedOutputIsTheContentBetweenOwnSequences(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var printer = OutputPrinter(showsReasoning: Bool.random(using: &random), style: .styled)
        var written = ""
        var content = ""
        var isReasoning = true
        for _ in 0..<20 {
            let piece = text(&random, "ab \n\u{1B}[2J\u{7}\u{9B}\té", upTo: 8)
            isReasoning = isReasoning && Int.random(in: 0..<4, using: &random) > 0
            written += printer.print(isReasoning ? .reasoning(piece) : .content(piece))
            if !isReasoning { content += piece }
        }
        written += printer.end()
        let sequences = written.components(separatedBy: "\u{1B}").dropFirst()
        #expect(sequences.allSatisfy { $0.hasPrefix("[2m") || $0.hasPrefix("[0m") })
        #expect(sequences.filter { $0.hasPrefix("[2m") }.count == sequences.filter { $0.hasPrefix("[0m") }.count)
        #expect(!written.unicodeScalars.contains { $0.value == 7 || $0.value == 0x9B })
        let shown = String(
            content.unicodeScalars.filter { $0 == "\n" || $0 == "\t" || $0.value >= 0x20 && $0.value != 0x9B })
        #expect(written.contains(shown))
    }
}

extension String {
    /// The parts between the occurrences of a separator.
    fileprivate func components(separatedBy separator: Character) -> [String] {
        split(separator: separator, omittingEmptySubsequences: false).map { String($0) }
    }
}
