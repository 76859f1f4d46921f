import Testing

@testable import MartletEngine

@Suite struct TextTests {
    /// Consumes `text` in pieces of the given size.
    func run(_ text: String, stops: [String], pieces size: Int) -> (text: String, stop: String?, leaks: [String]) {
        var completion = OutputText(stops: stops)
        var output: [UInt8] = []
        var snapshots: [String] = []
        let bytes = Array(text.utf8)
        var position = 0
        while position < bytes.count {
            let end = min(position + size, bytes.count)
            if case .stop(let stop)? = completion.consume(bytes[position..<end], into: &output) {
                completion.finish(into: &output)
                return (String(decoding: output, as: UTF8.self), stop, snapshots)
            }
            snapshots.append(String(decoding: output, as: UTF8.self))
            position = end
        }
        completion.finish(into: &output)
        return (String(decoding: output, as: UTF8.self), nil, snapshots)
    }

    @Test(arguments: 1...12)
    func stopIsFoundHoweverTheTextIsCut(size: Int) {
        let result = run("one two STOP three", stops: ["STOP", "three"], pieces: size)
        #expect(result.text == "one two ")
        #expect(result.stop == "STOP")
        #expect(result.leaks.allSatisfy { "one two ".hasPrefix($0) })
    }

    @Test(arguments: 1...7)
    func repeatedBeginningsAreFollowed(size: Int) {
        #expect(run("aaaaab!", stops: ["aaab"], pieces: size).text == "aa")
        #expect(run("ababac.", stops: ["abac"], pieces: size).text == "ab")
        #expect(run("abcabcabd", stops: ["abcabd"], pieces: size).text == "abc")
    }

    @Test(arguments: 1...7)
    func firstCompleteStopWinsAndOfSeveralTheLongest(size: Int) {
        #expect(run("xx---yy", stops: ["--", "---"], pieces: size).stop == "--")
        let both = run("the end.", stops: ["end.", "the end.", "d."], pieces: size)
        #expect(both.stop == "the end.")
        #expect(both.text == "")
    }

    @Test(arguments: 1...9)
    func textWithoutAStopComesOutWhole(size: Int) {
        let text = "Grüße 世界 🦊 STO"
        let result = run(text, stops: ["STOP"], pieces: size)
        #expect(result.text == text)
        #expect(result.stop == nil)
    }

    @Test func onlyWholeCharactersComeOut() {
        var completion = OutputText(stops: [])
        var output: [UInt8] = []
        let fox = Array("🦊".utf8)
        for (index, byte) in fox.enumerated() {
            _ = completion.consume([byte], into: &output)
            #expect(output.count == (index == 3 ? 4 : 0))
        }
    }

    @Test func brokenBytesBecomeTheReplacementsOfTheStandardLibrary() {
        var random = SystemRandomNumberGenerator()
        // Bytes that begin, continue and break characters, more often than random bytes would.
        let alphabet: [UInt8] = [
            0x41, 0x80, 0xBF, 0xC0, 0xC2, 0xE0, 0xA0, 0x9F, 0xED, 0xEF, 0xF0, 0x90, 0xF4, 0x8F, 0xF5, 0xFF,
        ]
        for _ in 0..<3000 {
            let bytes = (0..<Int.random(in: 0...12)).map { _ in alphabet.randomElement(using: &random) ?? 0 }
            var boundary = CharacterBoundary()
            var output: [UInt8] = []
            for byte in bytes {
                boundary.consume([byte], into: &output)
                #expect(String(validating: output, as: UTF8.self) != nil)
            }
            boundary.finish(into: &output)
            #expect(String(decoding: output, as: UTF8.self) == String(decoding: bytes, as: UTF8.self), "\(bytes)")
        }
    }

    /// The output text for `text` in pieces of the given size, and whether its indentation ended it.
    private func indented(_ text: String, by minimum: Int, pieces size: Int) -> (text: String, isEnded: Bool) {
        var completion = OutputText(stops: ["STOP"], minimumIndent: minimum)
        var output: [UInt8] = []
        let bytes = Array(text.utf8)
        var end: OutputText.End?
        for start in stride(from: 0, to: bytes.count, by: size) where end == nil {
            end = completion.consume(bytes[start..<min(start + size, bytes.count)], into: &output)
        }
        completion.finish(into: &output)
        return (String(decoding: output, as: UTF8.self), end == .indentation)
    }

    @Test(arguments: 1...9)
    func aLineIndentedLessEndsTheOutputBeforeIt(size: Int) {
        let code = "def f():\n    a = 1\n\t\t  b = 2\n  c"
        #expect(indented(code, by: 4, pieces: size) == ("def f():\n    a = 1\n\t\t  b = 2\n", true))
        #expect(indented(code, by: 2, pieces: size) == (code, false))
        #expect(indented(code, by: 0, pieces: size) == (code, false))
        // A line with nothing except its indentation is retained.
        #expect(indented("x\n ", by: 4, pieces: size) == ("x\n ", false))
    }
}
