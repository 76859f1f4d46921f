import MartletProtocol
import Testing

@testable import MartletChat

private func syntax(_ start: String, _ end: String) -> AnswerSyntax {
    var syntax = OutputSyntax(family: "test")
    syntax.reasoning = OutputSyntax.Enclosure(start, end)
    return AnswerSyntax(syntax)
}

private let think = syntax("<think>", "</think>")

/// What a parser makes of `text`, cut as `cuts` say, by channel; and whether the pieces join to the text.
private func split(
    _ text: String, _ syntax: AnswerSyntax = think, isOpen: Bool = false, cuts: [Int] = []
) -> [Channel: String] {
    let bytes = Array(text.utf8)
    var parser = OutputParser(syntax, after: isOpen ? "<think>" : "")
    var channels: [Channel: [UInt8]] = [:]
    var all: [UInt8] = []
    func take(_ piece: OutputPiece) {
        guard case .text(let channel, let bytes) = piece else {
            Issue.record("not text: \(piece)")
            return
        }
        #expect(!bytes.isEmpty)
        channels[channel, default: []] += bytes
        all += bytes
    }
    var start = 0
    for cut in cuts + [bytes.count] {
        parser.append(bytes[start..<cut]) { take($0) }
        start = cut
    }
    parser.finish { take($0) }
    #expect(all == bytes)
    return channels.mapValues { String(decoding: $0, as: UTF8.self) }
}

@Suite struct ReasoningTests {
    static let rows: [(text: String, isOpen: Bool, content: String?, reasoning: String?)] = [
        ("Hello", false, "Hello", nil),
        ("", false, nil, nil),
        ("<think>a</think>b", false, "b", "a"),
        ("<think>\na\n</think>\n\nb", false, "b", "a"),
        ("\n <think>\n\na b\n\nc \n</think> \n b\n", false, "b\n", "a b\n\nc"),
        ("a\n</think>\n\nb", true, "b", "a"),
        ("\na</think>b", true, "b", "a"),
        ("never closed\n", true, nil, "never closed\n"),
        ("<think>\n\n</think>\n\nb", false, "b", nil),
        ("<think></think>", false, nil, nil),
        ("<thin", false, "<thin", nil),
        ("  \n", false, "  \n", nil),
        ("  a", false, "  a", nil),
        ("<think>a</thin", false, nil, "a</thin"),
        ("<think>a </thinks> b</think>c", false, "c", "a </thinks> b"),
        ("<think>a<</</think>c", false, "c", "a<</"),
        ("<<think>a</think>c", false, "<c", "a"),
        ("b <think>a</think> c", false, "b c", "a"),
        ("<think>a</think>b<think>c</think>d", false, "bd", "ac"),
        ("<think>a</think>\n<think>c</think>d", false, "d", "ac"),
        ("<think><think>a</think>b", false, "b", "a"),
        ("\n<think>\n a", true, nil, " a"),
        ("a <think> b</think>c", true, "c", "a <think> b"),
        ("x</think>y", false, "xy", nil),
        ("x `</think>` y", false, "x `</think>` y", nil),
        ("x `<think>` y", false, "x `<think>` y", nil),
        // A prompt may have left the beginning out.
        ("</think>y", false, "y", nil),
        ("  <thi nk>", false, "  <thi nk>", nil),
        (" <think>ä</think> ö", false, "ö", "ä"),
    ]

    @Test(arguments: rows.indices) func thinkingAndAnswerAreTold(index: Int) {
        let row = Self.rows[index]
        let channels = split(row.text, isOpen: row.isOpen)
        #expect(channels[.content] == row.content)
        #expect(channels[.reasoning] == row.reasoning)
    }

    @Test(arguments: rows.indices) func cutsChangeNothing(index: Int) {
        let row = Self.rows[index]
        let whole = split(row.text, isOpen: row.isOpen)
        let count = row.text.utf8.count
        for first in 0...count {
            for second in first...count {
                #expect(split(row.text, isOpen: row.isOpen, cuts: [first, second]) == whole)
            }
        }
        #expect(split(row.text, isOpen: row.isOpen, cuts: Array(0...count)) == whole)
    }

    @Test func markersThatOverlapThemselvesAreFound() {
        let overlapping = syntax("aab", "<|end|>")
        #expect(split("aaabx<|e<|end|>y", overlapping) == [.content: "ay", .reasoning: "x<|e", .markup: "aab<|end|>"])
    }

    @Test func partialMarkerIsHeldBackAndNothingElse() {
        var parser = OutputParser(think)
        var emitted = ""
        func take(_ piece: OutputPiece) {
            if case .text(_, let bytes) = piece { emitted += String(decoding: bytes, as: UTF8.self) }
        }
        parser.append(Array("abc <thi".utf8)[...]) { take($0) }
        #expect(emitted == "abc ")
        parser.append(Array("s".utf8)[...]) { take($0) }
        #expect(emitted == "abc <this")
    }

    @Test func timeIsLinear() {
        // Quadratic work on this would take minutes.
        let text =
            "<think>" + String(repeating: "</thin\n ", count: 200_000) + "</think>"
            + String(repeating: "<thin", count: 100_000)
        let channels = split(text, cuts: Array(stride(from: 3, to: text.utf8.count, by: 3)))
        #expect(channels[.content]?.utf8.count == 500_000)
    }
}
