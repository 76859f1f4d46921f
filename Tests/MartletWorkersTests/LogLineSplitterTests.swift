import MartletWorkers
import Testing

@Suite struct LogLineSplitterTests {
    @Test func linesAreTheSameHoweverTheyComeInPieces() {
        let bytes = Array("first\n\nsecond äöü\nthird".utf8)
        for size in 1...bytes.count {
            var parser = LogLineSplitter()
            var lines: [String] = []
            for begin in stride(from: 0, to: bytes.count, by: size) {
                lines += parser.append(bytes[begin..<min(begin + size, bytes.count)])
            }
            lines += parser.finish()
            #expect(lines == ["first", "second äöü", "third"])
        }
    }

    @Test func aLineWithoutEndCostsNoMemory() {
        var parser = LogLineSplitter()
        for _ in 0..<100 { #expect(parser.append(repeatElement(UInt8(ascii: "x"), count: 10_000)) == []) }
        let lines = parser.append(Array("\nnext\n".utf8))
        #expect(lines == [String(repeating: "x", count: LogLineSplitter.maximumLineLength), "next"])
    }

    @Test func noiseIsStillALine() {
        var parser = LogLineSplitter()
        #expect(parser.append([0xFF, 0x41, 0x0A]) == ["\u{FFFD}A"])
    }
}
