import MartletProtocol
import Testing

@testable import MartletChat

private func format(_ start: String, _ end: String) -> PreparedChatFormat {
    var format = ChatFormat(name: "test")
    format.reasoning = ChatFormat.Delimiters(start, end)
    return PreparedChatFormat(format)
}

private let thinkFormat = format("<think>", "</think>")

/// The text of each channel for `text`, cut at `cuts`, and whether the pieces join to the text.
private func split(
    _ text: String, _ format: PreparedChatFormat = thinkFormat, isOpen: Bool = false, cuts: [Int] = []
) -> [OutputChannel: String] {
    let bytes = Array(text.utf8)
    var parser = OutputParser(format, after: isOpen ? "<think>" : "")
    var channels: [OutputChannel: [UInt8]] = [:]
    var all: [UInt8] = []
    func record(_ piece: OutputPiece) {
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
        parser.append(bytes[start..<cut]) { record($0) }
        start = cut
    }
    parser.finish { record($0) }
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
        // The prompt may have omitted the start delimiter.
        ("</think>y", false, "y", nil),
        ("  <thi nk>", false, "  <thi nk>", nil),
        (" <think>ä</think> ö", false, "ö", "ä"),
    ]

    @Test(arguments: rows.indices) func reasoningAndContentAreSeparated(index: Int) {
        let row = Self.rows[index]
        let channels = split(row.text, isOpen: row.isOpen)
        #expect(channels[.content] == row.content)
        #expect(channels[.reasoning] == row.reasoning)
    }

    @Test(arguments: rows.indices) func chunkingChangesNothing(index: Int) {
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

    @Test func delimitersThatOverlapThemselvesAreFound() {
        let overlapping = format("aab", "<|end|>")
        #expect(
            split("aaabx<|e<|end|>y", overlapping) == [.content: "ay", .reasoning: "x<|e", .delimiter: "aab<|end|>"])
    }

    @Test func onlyAPartialDelimiterIsBuffered() {
        var parser = OutputParser(thinkFormat)
        var emitted = ""
        func record(_ piece: OutputPiece) {
            if case .text(_, let bytes) = piece { emitted += String(decoding: bytes, as: UTF8.self) }
        }
        parser.append(Array("abc <thi".utf8)[...]) { record($0) }
        #expect(emitted == "abc ")
        parser.append(Array("s".utf8)[...]) { record($0) }
        #expect(emitted == "abc <this")
    }

    @Test func timeIsLinear() {
        // With quadratic work this would take minutes.
        let text =
            "<think>" + String(repeating: "</thin\n ", count: 200_000) + "</think>"
            + String(repeating: "<thin", count: 100_000)
        let channels = split(text, cuts: Array(stride(from: 3, to: text.utf8.count, by: 3)))
        #expect(channels[.content]?.utf8.count == 500_000)
    }
}
