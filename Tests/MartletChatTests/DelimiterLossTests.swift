import MartletJSON
import OrderedCollections
import Testing

@testable import MartletChat

/// A delimiter is never content, also if it is missing, repeated or misplaced.
@Suite("Lost delimiters") struct DelimiterLossTests {
    /// Tags that ordinary text may contain. They are content unless a call is near, also where a call of these formats
    /// lost its opening.
    private static let everyday: Set = ["minicpm", "functionary-tags", "mistral", "mistral-ids"]

    /// The single tags of a format, and the beginnings of its literals.
    private static func delimiters(of format: ChatFormat) -> [String] {
        let all = format.strayDelimiters + format.tokens(withCalls: true) + (format.calls?.strayDelimiters ?? [])
        return Set(all.filter { ChatFormat.beginsWithTag($0) && $0.utf8.count > 2 }).sorted()
    }

    /// The positions of delimiters in a text, the longest at each position.
    private static func positions(of delimiters: [String], in text: [UInt8]) -> [Range<Int>] {
        var positions: [Range<Int>] = []
        var index = 0
        while index < text.count {
            let found = delimiters.filter { text[index...].starts(with: $0.utf8) }.map(\.utf8.count).max() ?? 0
            if found > 0 { positions.append(index..<index + found) }
            index += max(found, 1)
        }
        return positions
    }

    private func check(
        _ bytes: [UInt8], _ chatFormat: OutputCases, _ test: OutputCases.Case, _ delimiters: [String],
        hidesReasoning: Bool,
        _ label: String
    ) {
        let text = String(decoding: bytes, as: UTF8.self)
        let message = chatFormat.message(text, test)
        let label = Comment(
            rawValue: "\(chatFormat.file), \(test.name), \(label): \(text.debugDescription) is \(message.json.text)")
        #expect(delimiters.filter { message.content.contains($0) } == [], label)
        if hidesReasoning { #expect(!message.content.contains("I look first"), label) }
        #expect(chatFormat.message(text, test, cuts: Array(bytes.indices.dropFirst())) == message, label)
    }

    @Test(arguments: OutputCases.all) func noDelimiterIsContent(chatFormat: OutputCases) {
        let format = chatFormat.format.format
        let delimiters = Self.delimiters(of: format)
        let start = (format.reasoning?.start ?? "") + (format.messageHead?.starts.joined() ?? "")
        for test in chatFormat.cases where test.isWellFormed {
            let bytes = Array(test.output.utf8)
            for position in Self.positions(of: delimiters, in: bytes) {
                let delimiter = String(decoding: bytes[position], as: UTF8.self)
                let isCallStart =
                    Self.everyday.contains(chatFormat.file)
                    && [format.calls?.callOpening ?? ""].contains { $0.hasPrefix(delimiter) }
                let isReasoningStart = start.contains(delimiter)
                if !isCallStart {
                    check(
                        Array(bytes[..<position.lowerBound] + bytes[position.upperBound...]), chatFormat, test,
                        delimiters,
                        hidesReasoning: !isReasoningStart, "without \(delimiter)")
                }
                check(
                    Array(bytes[..<position.upperBound] + bytes[position.lowerBound...]), chatFormat, test, delimiters,
                    hidesReasoning: true, "\(delimiter) twice")
            }
        }
    }

    /// A delimiter at the end of a text.
    @Test(arguments: OutputCases.all) func strayDelimiterIsNoContent(chatFormat: OutputCases) {
        let format = chatFormat.format.format
        for test in chatFormat.cases where test.name == "text" {
            for delimiter in Self.delimiters(of: format) where ChatFormat.isUnmistakable(delimiter) {
                let message = chatFormat.message(test.output + " " + delimiter, test)
                #expect(!message.content.contains(delimiter), "\(chatFormat.file): \(delimiter)")
                #expect(message.content.hasPrefix("Good morning."), "\(chatFormat.file): \(delimiter)")
            }
        }
    }
}
