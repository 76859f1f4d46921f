import MartletJSON
import OrderedCollections
import Testing

@testable import MartletChat

/// Whatever delimiter of an answer is missing, comes twice or stands where it does not belong: none is content.
@Suite("Lost delimiters") struct DelimiterLossTests {
    /// Tags that texts hold for themselves, so that they are content where no call is near: what a call of these forms
    /// leaves without its opening.
    private static let everyday: Set = ["minicpm", "functionary-tags", "mistral", "mistral-ids"]

    /// The single tags of a form, and what its literals begin with.
    private static func delimiters(of format: ChatFormat) -> [String] {
        let all = format.strayDelimiters + format.tokens(withCalls: true) + (format.calls?.strayDelimiters ?? [])
        return Set(all.filter { ChatFormat.beginsWithTag($0) && $0.utf8.count > 2 }).sorted()
    }

    /// Where delimiters stand in a text, the longest at each place.
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

    /// At the end of a text.
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
